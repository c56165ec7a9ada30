#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes what Pillow and torchvision make of images, for tests/data to compare with, into tests/golden.

    tools/make_image_goldens.py TESTS_GOLDEN_FOLDER [CARAT_DATA]

image_ops.txt: resizes and changes of a generated image. images/: the generated image in files of every kind, and their
pixels in images.txt. evaluation_pixels.txt: evaluation pixels of 50 real images, only checksums and means. A checksum is FNV-1a, 64 bits, over the bytes of the result. Made with Pillow 13.0.0, torchvision 0.26.0.
"""
import itertools
import pathlib
import sys

import numpy
import PIL
import torchvision
from PIL import Image
from torchvision import transforms
from torchvision.transforms import InterpolationMode, functional
from torchvision.transforms.autoaugment import AutoAugment, RandAugment, _apply_op

MODES = {"nearest": InterpolationMode.NEAREST, "bilinear": InterpolationMode.BILINEAR, "bicubic": InterpolationMode.BICUBIC}
NAMES = {
    "Identity": "identity", "ShearX": "shear_x", "ShearY": "shear_y", "TranslateX": "translate_x",
    "TranslateY": "translate_y", "Rotate": "rotate", "Brightness": "brightness", "Color": "colour",
    "Contrast": "contrast", "Sharpness": "sharpness", "Posterize": "posterize", "Solarize": "solarize",
    "AutoContrast": "autocontrast", "Equalize": "equalize", "Invert": "invert",
}


def checksum(image):
    value = 0xCBF29CE484222325
    for byte in numpy.asarray(image).tobytes():
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def pattern(height, width, channels):
    """Smooth shapes and noise: 64-bit linear congruential, the highest bits count."""
    state, pixels = 1, []
    for y in range(height):
        for x in range(width):
            for c in range(channels):
                state = (state * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
                pixels.append((y * (3 + c) + x * (5 - c) + (state >> 58) + (90 if (x // 9 + y // 7) % 2 else 0)) % 230 + 10)
    shape = (height, width, channels) if channels == 3 else (height, width)
    return Image.fromarray(numpy.array(pixels, numpy.uint8).reshape(shape))


def resizes():
    sizes = [(61, 83), (224, 224), (17, 200), (83, 61), (61, 40), (200, 83), (30, 30), (7, 5), (1, 1), (121, 167)]
    for channels in (1, 3):
        image = pattern(61, 83, channels)
        for name, mode in MODES.items():
            for height, width in sizes:
                yield f"resize {channels} {name} {height} {width}", functional.resize(image, [height, width], mode)


def crops():
    for height, width, short, side, mode in [(61, 83, 40, 32, "bilinear"), (83, 61, 41, 32, "bicubic"),
                                             (61, 83, 100, 77, "bicubic"), (61, 83, 30, 64, "bilinear"),
                                             (50, 50, 33, 20, "bilinear"), (61, 83, 43, 40, "nearest")]:
        image = transforms.CenterCrop(side)(transforms.Resize(short, MODES[mode])(pattern(height, width, 3)))
        yield f"crop {height} {width} {short} {side} {mode}", image


def changes():
    policies = AutoAugment()
    for channels in (1, 3):
        image = pattern(61, 83, channels)
        spaces = {10: policies._augmentation_space(10, (61, 83)), 31: RandAugment()._augmentation_space(31, (61, 83))}
        for levels, space in spaces.items():
            for name, (magnitudes, signed) in space.items():
                for level in ([0] if magnitudes.ndim == 0 else range(0, levels, 1 if levels == 10 else 6)):
                    size = float(magnitudes[level]) if magnitudes.ndim > 0 else 0.0
                    for sign in ([1, -1] if signed else [1]):
                        changed = _apply_op(image, name, sign * size, InterpolationMode.NEAREST, None)
                        yield f"change {channels} {NAMES[name]} {level} {levels} {sign}", changed


def hues():
    image = pattern(61, 83, 3)
    for turn in (-0.5, -0.31, -0.1, 0.0, 0.05, 0.2, 0.5):
        yield f"hue {turn}", functional.adjust_hue(image, turn)


def files(folder):
    """Files of a generated image: what is in them is ours, how it is decoded is Pillow's."""
    folder.mkdir(exist_ok=True)
    rgb, grey = pattern(47, 61, 3), pattern(47, 61, 1)
    alpha = rgb.copy()
    alpha.putalpha(grey)
    deep = Image.fromarray(numpy.asarray(grey).astype(numpy.uint16) * 3 - 60)
    jpegs = {"420": (rgb, {}), "444": (rgb, {"subsampling": 0}), "422": (rgb, {"subsampling": 1}), "grey": (grey, {}),
             "progressive": (rgb, {"progressive": True}), "cmyk": (rgb.convert("CMYK"), {}),
             "restart": (rgb, {"restart_marker_rows": 1}), "rgb": (rgb, {"keep_rgb": True})}
    for name, (image, options) in jpegs.items():
        image.save(folder / f"{name}.jpg", quality=85, **options)
    pngs = {"rgb": rgb, "grey": grey, "rgba": alpha, "grey_alpha": alpha.convert("LA"), "palette": rgb.quantize(50),
            "palette4": rgb.quantize(13), "bits": grey.convert("1"), "grey16": deep}
    for name, image in pngs.items():
        image.save(folder / f"{name}.png", transparency=3) if name == "palette" else image.save(folder / f"{name}.png")
    for name, image, options in [("lossy", rgb, {"quality": 80}), ("lossless", rgb, {"lossless": True}),
                                 ("alpha", alpha, {"lossless": True, "exact": True})]:
        image.save(folder / f"{name}.webp", **options)
    for path in sorted(folder.iterdir()):
        yield path.name, Image.open(path).convert("RGB")


def evaluation_pixels(data):
    for folder, short in (("imagenet-val-1300", 256), ("imagenet-calib-1000", 232)):
        names = sorted(p.name for p in (data / folder).iterdir() if p.suffix.lower() in (".jpg", ".jpeg"))[:25]
        for name in names:
            image = Image.open(data / folder / name).convert("RGB")
            for mode in ("bilinear", "bicubic"):
                pixels = transforms.CenterCrop(224)(transforms.Resize(short, MODES[mode])(image))
                yield f"{folder}/{name} {mode} {short}", pixels


def write(path, pairs):
    head = f"# Pillow {PIL.__version__}, torchvision {torchvision.__version__}; tools/make_image_goldens.py\n"
    path.write_text(head + "".join(f"{what} {checksum(image)} {numpy.asarray(image).mean():.6f}\n" for what, image in pairs))


golden = pathlib.Path(sys.argv[1])
write(golden / "image_ops.txt", itertools.chain(resizes(), crops(), changes(), hues()))
write(golden / "images.txt", files(golden / "images"))
if len(sys.argv) > 2:
    write(golden / "evaluation_pixels.txt", evaluation_pixels(pathlib.Path(sys.argv[2])))
