# SPDX-License-Identifier: Apache-2.0
"""The peer's side of the benchmark jpeg_pipeline: torchvision on Pillow, one process, one thread.

jpeg_pipeline.py PROGRAM FOLDER [ROUNDS]: checks that PROGRAM gives Pillow's evaluation pixels on 50 files, then runs
both sides in turn over every file of FOLDER and prints one JSON line.
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy
import PIL
import torch
import torchvision
from PIL import Image, features
from torchvision import transforms

program, folder = sys.argv[1], sys.argv[2]
rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
torch.set_num_threads(1)
names = sorted(n for n in os.listdir(folder) if n.lower().endswith((".jpg", ".jpeg", ".png", ".webp")))


def check():
    """Largest and mean difference of evaluation pixels in grey levels."""
    count = min(50, len(names))
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run([program, "pixels", folder, str(count), out.name], check=True)
        ours = numpy.fromfile(out.name, numpy.uint8).reshape(count, 224, 224, 3)
    prepare = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(224)])
    peers = numpy.stack([numpy.asarray(prepare(Image.open(f"{folder}/{n}").convert("RGB"))) for n in names[:count]])
    difference = numpy.abs(ours.astype(int) - peers.astype(int))
    return int(difference.max()), float(difference.mean())


def peer(seed):
    torch.manual_seed(seed)
    prepare = transforms.Compose([
        transforms.RandomResizedCrop(224),
        transforms.RandomHorizontalFlip(),
        transforms.ToTensor(),
        transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ])
    start = time.perf_counter()
    for name in names:
        with open(f"{folder}/{name}", "rb") as file:
            prepare(Image.open(file).convert("RGB"))
    return len(names) / (time.perf_counter() - start)


def ours(seed):
    return float(subprocess.run([program, "time", folder, str(seed)], check=True, capture_output=True, text=True).stdout)


largest, mean = check()
if largest > 1 or mean > 0.1:
    sys.exit(f"jpeg_pipeline: expected evaluation pixels within 1 grey level and 0.1 on average, got {largest}, {mean}")
pairs = [(ours(seed), peer(seed)) for seed in range(rounds + 1)][1:]
print(json.dumps({
    "name": "jpeg_pipeline",
    "ours": round(statistics.median(a for a, b in pairs), 1),
    "peer": round(statistics.median(b for a, b in pairs), 1),
    "ratio": round(statistics.median(a / b for a, b in pairs), 3),
    "unit": "images/s",
    "conditions": f"one thread, {len(names)} files, median of {rounds} alternating passes after one warm-up; evaluation "
                  f"pixels of 50 files differ by at most {largest}, mean {mean:.4f}; torchvision "
                  f"{torchvision.__version__}, Pillow {PIL.__version__}, libjpeg-turbo {features.version('libjpeg_turbo')}",
}))
