# SPDX-License-Identifier: Apache-2.0
"""Training step (forward, backward, SGD; batch 128, CIFAR-100 shapes) against PyTorch eager on the same network.

train_step.py OURS NETWORK ROUNDS THREADS STEPS: OURS is the built program; rounds of STEPS in turn, behind one that
is not timed; one JSON line. PyTorch runs in the layout (contiguous or channels-last) that is its best, with its
default allocator.
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


def eager(name, layout, steps):
    torch.manual_seed(1)
    net = BUILD[name]().to(memory_format=layout)
    images = torch.randn(BATCH, 3, 32, 32).contiguous(memory_format=layout)
    labels = torch.randint(0, 100, (BATCH,))
    optimizer = torch.optim.SGD(net.parameters(), 0.01, momentum=0.9)

    def step():
        loss = nn.functional.cross_entropy(net(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    step()
    start = time.perf_counter()
    for _ in range(steps):
        step()
    return BATCH * steps / (time.perf_counter() - start)


def main():
    program, name, rounds, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    steps = int(sys.argv[5])
    torch.set_num_threads(int(threads))
    ours, peer = [], {torch.contiguous_format: [], torch.channels_last: []}
    for _ in range(rounds):
        line = subprocess.run([program, name, str(steps), threads], check=True, capture_output=True, text=True).stdout
        ours.append(json.loads(line)["images_per_second"])
        for layout, speeds in peer.items():
            speeds.append(eager(name, layout, steps))
    best = max(peer, key=lambda layout: max(peer[layout]))
    print(json.dumps({"name": "train_step", "network": name, "ours": max(ours), "peer": round(max(peer[best]), 2),
                      "ratio": round(max(ours) / max(peer[best]), 3), "unit": "images/s",
                      "conditions": f"PyTorch {torch.__version__} eager, {best}, {threads} threads, {rounds} rounds of "
                                    f"{steps} steps"}))


if __name__ == "__main__":
    main()
