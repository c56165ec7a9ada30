# SPDX-License-Identifier: Apache-2.0
"""Training step (forward, backward, SGD; batch 128, CIFAR-100 shapes) against PyTorch eager on the same network.

train_step.py OURS NETWORK ROUNDS THREADS STEPS [WORD...]: OURS is the built program; rounds of STEPS in turn, behind
some that are not timed; one JSON line. PyTorch runs in the layout (contiguous or channels-last) that is its best, with
its default allocator. Words: cuda (on a GPU, both), bf16 (both under autocast), batch=N, and those that OURS alone takes.
"""
import json
import pathlib
import subprocess
import sys
import time

import torch
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import count_cifar_networks as networks  # noqa: E402

BATCH = 128


class WideBlock(nn.Module):
    def __init__(self, c, k, stride):
        super().__init__()
        self.norm, self.conv = nn.BatchNorm2d(c), networks.conv(c, k, 3, stride)
        self.rest = nn.Sequential(nn.BatchNorm2d(k), nn.ReLU(), networks.conv(k, k, 3))
        self.shortcut = None if c == k and stride == 1 else networks.conv(c, k, 1, stride)

    def forward(self, x):
        y = torch.relu(self.norm(x))
        return self.rest(self.conv(y)) + (x if self.shortcut is None else self.shortcut(y))


def wide_resnet(depth, width):
    layers, c = [networks.conv(3, 16, 3)], 16
    for stage, k in enumerate((16 * width, 32 * width, 64 * width)):
        for i in range((depth - 4) // 6):
            layers.append(WideBlock(c, k, 2 if i == 0 and stage > 0 else 1))
            c = k
    return nn.Sequential(*layers, nn.BatchNorm2d(c), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(c, 100))


BUILD = {"osi_dense": networks.osi_dense, "densenet_bc_100_12": lambda: networks.densenet_bc(100, 12),
         "wide_resnet_16_4": lambda: wide_resnet(16, 4)}


def eager(name, layout, steps, words):
    device = "cuda" if "cuda" in words else "cpu"
    batch = batch_of(words)
    torch.manual_seed(1)
    net = BUILD[name]().to(device=device, memory_format=layout)
    images = torch.randn(batch, 3, 32, 32).to(device).contiguous(memory_format=layout)
    labels = torch.randint(0, 100, (batch,)).to(device)
    optimizer = torch.optim.SGD(net.parameters(), 0.01, momentum=0.9)

    def step():
        with torch.autocast(device, torch.bfloat16, enabled="bf16" in words):
            loss = nn.functional.cross_entropy(net(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    for _ in range(6 if device == "cuda" else 1):
        step().item()
    start = time.perf_counter()
    for _ in range(steps):
        loss = step()
    loss.item()  # waits for the GPU
    return batch * steps / (time.perf_counter() - start)


def batch_of(words):
    return int(next((word[6:] for word in words if word.startswith("batch=")), BATCH))


def main():
    program, name, rounds, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    steps, words = int(sys.argv[5]), sys.argv[6:]
    torch.set_num_threads(int(threads))
    torch.backends.cudnn.benchmark = True
    ours, peer = [], {torch.contiguous_format: [], torch.channels_last: []}
    for _ in range(rounds):
        line = subprocess.run([program, name, str(steps), threads, *words], check=True, capture_output=True, text=True)
        ours.append(json.loads(line.stdout)["images_per_second"])
        for layout, speeds in peer.items():
            speeds.append(eager(name, layout, steps, words))
    best = max(peer, key=lambda layout: max(peer[layout]))
    where = torch.cuda.get_device_name() if "cuda" in words else f"{threads} threads"
    print(json.dumps({"name": "train_step", "network": name, "ours": max(ours), "peer": round(max(peer[best]), 2),
                      "ratio": round(max(ours) / max(peer[best]), 3), "unit": "images/s",
                      "conditions": f"PyTorch {torch.__version__} eager, {best}, {where}, {' '.join(words)} batch "
                                    f"{batch_of(words)}, {rounds} rounds of {steps} steps"}), flush=True)


if __name__ == "__main__":
    main()
