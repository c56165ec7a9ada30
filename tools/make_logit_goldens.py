#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the zoo's networks in PyTorch and writes tests/golden/logits/VARIANT.txt.

    python tools/make_logit_goldens.py CARAT [VARIANT ...]

CARAT is the program carat, which tells the names of the tensors; the environment's CARAT_DATA holds cifar-100-binary/.
Needs torch, torchvision, timm and numpy; every file records their versions.

Weights are a function of the name that a tensor has in Carat (tests/support/patterned.h). Images are the first two of
CIFAR-100's test.bin, pixel (y, x) of the input being pixel (y * 32 // size, x * 32 // size) of the image. A file holds
the first 100 logits of both. A network that torchvision and timm both have is run with both, and must agree; those
that neither has are defined in tools/small_networks.py.
"""
import functools
import os
import pathlib
import subprocess
import sys

import numpy as np
import timm
import torch
import torchvision

import small_networks

FOLDER = pathlib.Path(__file__).parent.parent / "tests/golden/logits"
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALVES = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
CIFAR100 = ((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762))
NONE = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def torchvision_net(name):
    return lambda: torchvision.models.get_model(name, weights=None)


def timm_net(name, **options):
    return lambda: timm.create_model(name, pretrained=False, **options)


def with_epsilon(make, epsilon):
    def changed():
        net = make()
        for module in net.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.eps = epsilon
        return net
    return changed


def both(torchvision_name, timm_name):
    return [("torchvision", torchvision_net(torchvision_name)), ("timm", timm_net(timm_name))]


# Variant: pixels of a side, mean and deviation, and (layout, maker) of the networks that must agree.
NETWORKS = {
    "resnet18": (224, IMAGENET, both("resnet18", "resnet18")),
    "resnet34": (224, IMAGENET, both("resnet34", "resnet34")),
    "resnet50": (224, IMAGENET, both("resnet50", "resnet50")),
    "mobilenet_v2_100": (224, IMAGENET, both("mobilenet_v2", "mobilenetv2_100")),
    "mobilenet_v2_140": (224, IMAGENET, [("timm", timm_net("mobilenetv2_140"))]),
    "mobilenet_v2_100_tf": (224, HALVES, [("published", small_networks.MergedMobileNetV2)]),
    "mobilenet_v3_large": (224, IMAGENET, [
        ("torchvision", torchvision_net("mobilenet_v3_large")),
        ("timm", with_epsilon(timm_net("mobilenetv3_large_100"), 1e-3))]),
    "efficientnet_b0": (224, IMAGENET, both("efficientnet_b0", "efficientnet_b0")),
    "efficientnet_b1": (240, IMAGENET, both("efficientnet_b1", "efficientnet_b1")),
    "efficientnet_b2": (260, IMAGENET, both("efficientnet_b2", "efficientnet_b2")),
    "efficientnet_b3": (300, IMAGENET, both("efficientnet_b3", "efficientnet_b3")),
    "efficientnet_lite0": (224, HALVES, [("timm", timm_net("tf_efficientnet_lite0"))]),
    "mixnet_s": (224, IMAGENET, [("timm", timm_net("mixnet_s"))]),
    "mixnet_m": (224, IMAGENET, [("timm", timm_net("mixnet_m"))]),
    "mixnet_l": (224, IMAGENET, [("timm", timm_net("mixnet_l"))]),
    "shufflenet_v2_x1_0": (224, IMAGENET, [("torchvision", torchvision_net("shufflenet_v2_x1_0"))]),
    "squeezenet1_1": (224, IMAGENET, [("torchvision", torchvision_net("squeezenet1_1"))]),
    "densenet_bc_100_12": (32, NONE, [("carat", lambda: small_networks.DenseNetBC(100, 12))]),
    "densenet_bc_172_30": (32, NONE, [("carat", lambda: small_networks.DenseNetBC(172, 30))]),
    **{f"cifar_resnet{depth}": (32, CIFAR100, [("torchvision", functools.partial(small_networks.CifarResNet, depth))])
       for depth in (20, 32, 44, 56, 110)},
    "wide_resnet_28_10": (32, NONE, [("carat", lambda: small_networks.WideResNet(28, 10))]),
}


def uniform(name, count):
    """SplitMix64 started at the FNV-1a hash of the name, 53 bits in [0, 1)."""
    state = 0xCBF29CE484222325
    for byte in name.encode():
        state = ((state ^ byte) * 0x100000001B3) % 2**64
    with np.errstate(over="ignore"):
        z = np.uint64(state) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(11)).astype(np.float64) * 2.0**-53


def values_of(name, shape):
    u = uniform(name, int(np.prod(shape)))
    is_weight = name.endswith(".weight") and len(shape) == 4
    if not is_weight and name.endswith((".weight", ".running_var")):
        return (0.5 + u).astype(np.float32)
    bound = np.sqrt(5.0 / np.prod(shape[1:])) if is_weight else 0.1
    return ((2.0 * u - 1.0) * bound).astype(np.float32)


def load(net, carat, variant, layout):
    """Strict in both directions: every tensor of ours is in the network, and the other way round."""
    lines = subprocess.run([carat, "models", variant, "--names", layout], check=True, capture_output=True, text=True)
    wanted = {name: tensor.shape for name, tensor in net.state_dict().items() if not name.endswith("batches_tracked")}
    state = {}
    for line in lines.stdout.splitlines():
        ours, theirs, shape = line.split()
        shape = [int(extent) for extent in shape.split("x")]
        assert theirs in wanted, f"{variant}: {layout} has no tensor {theirs}"
        assert theirs not in state, f"{variant}: two tensors are called {theirs} in {layout}"
        assert int(np.prod(shape)) == wanted[theirs].numel(), f"{variant}: {theirs}: {shape} or {wanted[theirs]}?"
        state[theirs] = torch.from_numpy(values_of(ours, shape)).reshape(wanted[theirs])
    for name, tensor in net.state_dict().items():
        if name.endswith("batches_tracked"):
            state[name] = tensor
    net.load_state_dict(state, strict=True)


def images(size):
    records = np.fromfile(pathlib.Path(os.environ["CARAT_DATA"]) / "cifar-100-binary/test.bin", np.uint8, 2 * 3074)
    pixels = records.reshape(2, 3074)[:, 2:].reshape(2, 3, 32, 32)
    source = np.arange(size) * 32 // size
    return torch.from_numpy(pixels[:, :, source][:, :, :, source].astype(np.float32))


def logits_of(carat, variant):
    size, (mean, deviation), networks = NETWORKS[variant]
    x = (images(size) / 255.0 - torch.tensor(mean).view(-1, 1, 1)) / torch.tensor(deviation).view(-1, 1, 1)
    first = None
    for layout, make in networks:
        net = make().eval()
        load(net, carat, variant, layout)
        with torch.no_grad():
            logits = net(x).double().numpy()
        if first is None:
            first = logits
        apart = np.abs(logits - first).max() / np.abs(first).max()
        assert apart < 1e-5, f"{variant}: {layout} is {apart} apart from {networks[0][0]}"
    return first


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    versions = [(module.__name__, module.__version__.split("+")[0]) for module in (torch, torchvision, timm)]
    made_with = ", ".join(f"{name} {version}" for name, version in versions)
    FOLDER.mkdir(exist_ok=True)
    for variant in sys.argv[2:] or NETWORKS:
        logits = logits_of(sys.argv[1], variant)
        apart = np.abs(logits[0] - logits[1]).max() / np.abs(logits).max()
        print(f"{variant}: largest {np.abs(logits).max():.4g}, images {apart:.2g} of that apart", flush=True)
        layouts = ", ".join(layout for layout, _ in NETWORKS[variant][2])
        lines = [f"# {made_with}; layouts {layouts}"]
        lines += [" ".join(f"{value:.7e}" for value in row[:100]) for row in logits]
        (FOLDER / f"{variant}.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
