#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same evaluation as `carat evaluate`, by PyTorch and Pillow: what our counts are compared with.

    tools/evaluate_with_pytorch.py NETWORK TENSORS FOLDER LABELS [--resize N] [--predictions FILE] [--compare FILE]

NETWORK: squeezenet1_1 (torchvision) or mobilenet_v2_100_tf (small_networks.py). TENSORS: safetensors in that layout.
FOLDER, LABELS: images and `file,class` lines. Resize of the short side to N (256) and a centre crop of 224, as
torchvision does them on Pillow images; N = 0 crops alone. --predictions writes one class a line in the order of the
sorted file names; --compare counts the lines that differ from such a file.
Needs Python 3 with torch, torchvision, Pillow and safetensors; versions are printed.
"""
import argparse
from pathlib import Path

import PIL
import torch
import torchvision
from PIL import Image
from safetensors.torch import load_file
from torchvision import transforms
from torchvision.transforms import InterpolationMode

from small_networks import MergedMobileNetV2

IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
HALVES = ([0.5] * 3, [0.5] * 3)
# definition, mean and deviation, interpolation, outputs before the first class
NETWORKS = {
    "squeezenet1_1": (torchvision.models.squeezenet1_1, IMAGENET, InterpolationMode.BILINEAR, 0),
    "mobilenet_v2_100_tf": (MergedMobileNetV2, HALVES, InterpolationMode.BILINEAR, 1),
}


def main():
    parser = argparse.ArgumentParser()
    for name in ("network", "tensors", "folder", "labels"):
        parser.add_argument(name)
    parser.add_argument("--resize", type=int, default=256)
    parser.add_argument("--predictions")
    parser.add_argument("--compare")
    args = parser.parse_args()
    build, (mean, deviation), interpolation, background = NETWORKS[args.network]
    network = build()
    network.load_state_dict(load_file(args.tensors), strict=True)
    network.eval()
    steps = [transforms.Resize(args.resize, interpolation)] if args.resize else []
    prepare = transforms.Compose(
        steps + [transforms.CenterCrop(224), transforms.ToTensor(), transforms.Normalize(mean, deviation)])
    rows = sorted(line.split(",") for line in Path(args.labels).read_text().splitlines())
    correct = correct5 = 0
    predictions = []
    with torch.inference_mode():
        for begin in range(0, len(rows), 50):
            part = rows[begin:begin + 50]
            images = [prepare(Image.open(Path(args.folder) / name).convert("RGB")) for name, _ in part]
            best = network(torch.stack(images)).topk(5).indices.tolist()
            for (_, label), classes in zip(part, best):
                wanted = int(label) + background
                correct += classes[0] == wanted
                correct5 += wanted in classes
                predictions.append(classes[0])
    print(f"{args.network}: top-1 {correct}/{len(rows)}, top-5 {correct5}/{len(rows)} (torch {torch.__version__}, "
          f"torchvision {torchvision.__version__}, Pillow {PIL.__version__})")
    if args.predictions:
        Path(args.predictions).write_text("".join(f"{p}\n" for p in predictions))
    if args.compare:
        other = [int(line) for line in Path(args.compare).read_text().split()]
        print(f"{sum(a != b for a, b in zip(predictions, other))} of {len(other)} predictions differ from {args.compare}")


if __name__ == "__main__":
    main()
