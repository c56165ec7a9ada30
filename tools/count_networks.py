#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts the zoo's networks in PyTorch and writes tests/golden/network_counts.csv.

    python tools/count_networks.py [--check]

Needs torch, torchvision and timm; the file records their versions. Weights, biases and multiplies are those of
convolutions and linear layers (for one image), counted by forward hooks; batch norm counts gamma and beta.
--check compares with the committed file and writes nothing.
"""
import pathlib
import sys

import timm
import torch
import torchvision

TABLE = pathlib.Path(__file__).parent.parent / "tests/golden/network_counts.csv"

# Our variant, the package, its name there, pixels of a side.
NETWORKS = [
    ("resnet18", "torchvision", "resnet18", 224),
    ("resnet34", "torchvision", "resnet34", 224),
    ("resnet50", "torchvision", "resnet50", 224),
    ("mobilenet_v2_100", "torchvision", "mobilenet_v2", 224),
    ("mobilenet_v2_140", "timm", "mobilenetv2_140", 224),
    ("mobilenet_v3_large", "torchvision", "mobilenet_v3_large", 224),
    ("efficientnet_b0", "torchvision", "efficientnet_b0", 224),
    ("efficientnet_b1", "torchvision", "efficientnet_b1", 240),
    ("efficientnet_b2", "torchvision", "efficientnet_b2", 260),
    ("efficientnet_b3", "torchvision", "efficientnet_b3", 300),
    ("efficientnet_lite0", "timm", "tf_efficientnet_lite0", 224),
    ("mixnet_s", "timm", "mixnet_s", 224),
    ("mixnet_m", "timm", "mixnet_m", 224),
    ("mixnet_l", "timm", "mixnet_l", 224),
    ("shufflenet_v2_x1_0", "torchvision", "shufflenet_v2_x1_0", 224),
    ("squeezenet1_1", "torchvision", "squeezenet1_1", 224),
]


def build(package, name):
    if package == "torchvision":
        return torchvision.models.get_model(name, weights=None).eval()
    return timm.create_model(name, pretrained=False).eval()


def count(net, size):
    counts = {"weights": 0, "batch_norm_values": 0, "biases": 0, "mults": 0}

    def hook(module, inputs, output):
        if isinstance(module, torch.nn.BatchNorm2d):
            counts["batch_norm_values"] += module.weight.numel() + module.bias.numel()
            return
        counts["weights"] += module.weight.numel()
        counts["biases"] += 0 if module.bias is None else module.bias.numel()
        counts["mults"] += module.weight.numel() * (output.numel() // output.shape[1])

    kinds = (torch.nn.Conv2d, torch.nn.Linear, torch.nn.BatchNorm2d)
    for module in net.modules():
        if isinstance(module, kinds):
            module.register_forward_hook(hook)
    with torch.no_grad():
        net(torch.zeros(1, 3, size, size))
    total = sum(p.numel() for p in net.parameters())
    assert total == sum(counts.values()) - counts["mults"], "a parameter is in no counted module"
    return counts


def main():
    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__, "timm": timm.__version__}
    versions = {name: version.split("+")[0] for name, version in versions.items()}
    print("made with " + ", ".join(f"{name} {version}" for name, version in versions.items()))
    lines = ["variant,package,network,pixels,weights,batch_norm_values,biases,mults"]
    for variant, package, name, size in NETWORKS:
        counts = count(build(package, name), size)
        lines.append(f"{variant},{package} {versions[package]},{name},{size}," + ",".join(map(str, counts.values())))
        print(lines[-1])
    text = "\n".join(lines) + "\n"
    if "--check" in sys.argv[1:]:
        sys.exit(0 if TABLE.read_text() == text else f"{TABLE}: differs")
    TABLE.write_text(text)


if __name__ == "__main__":
    main()
