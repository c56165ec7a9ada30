#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Weights, batch-norm values, biases and multiplies of the zoo's CIFAR networks, counted on PyTorch modules.

Needs torch, nothing of Carat: an independent reading of the same papers and published tensors.
"""
import torch
from torch import nn
from torch.nn import functional as F


def counts(network, size=32):
    mults = []

    def hook(module, _, out):
        positions = out.shape[2] * out.shape[3] if out.dim() == 4 else 1
        mults.append(module.weight.numel() * positions)

    layers = [m for m in network.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    for module in layers:
        module.register_forward_hook(hook)
    with torch.no_grad():
        network.eval()(torch.zeros(1, 3, size, size))
    return (sum(m.weight.numel() for m in layers), sum(2 * m.num_features for m in norms),
            sum(m.bias.numel() for m in layers if m.bias is not None), sum(mults))


def conv(c, k, size=1, stride=1, groups=1, bias=False):
    return nn.Conv2d(c, k, size, stride, size // 2, groups=groups, bias=bias)


class Residual(nn.Module):
    def __init__(self, c, k, stride):
        super().__init__()
        self.body = nn.Sequential(conv(c, k, 3, stride), nn.BatchNorm2d(k), nn.ReLU(), conv(k, k, 3), nn.BatchNorm2d(k))
        self.shortcut = nn.Sequential(conv(c, k, 1, stride), nn.BatchNorm2d(k)) if stride > 1 else nn.Identity()

    def forward(self, x):
        return F.relu(self.body(x) + self.shortcut(x))


def cifar_resnet(depth):
    layers, c = [conv(3, 16, 3), nn.BatchNorm2d(16), nn.ReLU()], 16
    for k in (16, 32, 64):
        for i in range((depth - 2) // 6):
            layers.append(Residual(c, k, 2 if i == 0 and k > 16 else 1))
            c = k
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 100))


class Dense(nn.Module):
    def __init__(self, c, growth):
        super().__init__()
        self.body = nn.Sequential(nn.BatchNorm2d(c), nn.ReLU(), conv(c, 4 * growth), nn.BatchNorm2d(4 * growth),
                                  nn.ReLU(), conv(4 * growth, growth, 3))

    def forward(self, x):
        return torch.cat([x, self.body(x)], 1)


def densenet_bc(depth, growth):
    c = 2 * growth
    layers = [conv(3, c, 3)]
    for block in range(3):
        for _ in range((depth - 4) // 6):
            layers.append(Dense(c, growth))
            c += growth
        if block < 2:
            layers += [nn.BatchNorm2d(c), nn.ReLU(), conv(c, c // 2), nn.AvgPool2d(2)]
            c //= 2
    return nn.Sequential(*layers, nn.BatchNorm2d(c), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(c, 100))


class Excite(nn.Module):
    def __init__(self, c, squeezed):
        super().__init__()
        self.body = nn.Sequential(nn.AdaptiveAvgPool2d(1), conv(c, squeezed, bias=True), nn.SiLU(),
                                  conv(squeezed, c, bias=True), nn.Sigmoid())

    def forward(self, x):
        return x * self.body(x)


class Add(nn.Module):
    def __init__(self, body, shortcut):
        super().__init__()
        self.body, self.shortcut = body, shortcut

    def forward(self, x):
        return self.body(x) + self.shortcut(x)


class PadBelow(nn.Module):
    """Stride-2 convolution with one more row below and one more column to the right."""

    def __init__(self, c, k, groups):
        super().__init__()
        self.body = nn.Conv2d(c, k, 3, 2, 0, groups=groups, bias=False)

    def forward(self, x):
        return self.body(F.pad(x, (0, 1, 0, 1)))


def active(module, c):
    return [module, nn.BatchNorm2d(c), nn.SiLU()]


def osi_dense():
    layers, c = [nn.Upsample(63), *active(PadBelow(3, 24, 1), 24)], 24
    rows = [(4, 16, 1), (3, 24, 1), (4, 40, 2), (8, 40, 1), (8, 48, 1), (9, 64, 1), (12, 64, 1), (12, 80, 2),
            (16, 80, 1), (16, 96, 1)]
    for i, (squeezed, k, stride) in enumerate(rows):
        hidden = c if i == 0 else 6 * c
        layers += [] if i == 0 else active(conv(c, hidden), hidden)
        depthwise = conv(hidden, hidden, 3, 1, hidden) if stride == 1 else PadBelow(hidden, hidden, hidden)
        layers += [*active(depthwise, hidden), Excite(hidden, squeezed), conv(hidden, k), nn.BatchNorm2d(k)]
        c = k
    return nn.Sequential(*layers, *active(conv(c, 136), 136), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(136, 100))


def kaist_v2():
    layers, c = active(conv(3, 32, 3), 32), 32
    rows = [(80, 20, 1, 5), (50, 20, 1, 5), (50, 36, 2, 0), (90, 36, 1, 9), (90, 56, 1, 14), (140, 56, 1, 14),
            (140, 56, 1, 14), (140, 80, 2, 0), (200, 80, 1, 20), (200, 80, 1, 20), (200, 80, 1, 20), (200, 80, 1, 20),
            (200, 88, 2, 0), (220, 96, 1, 24), (240, 96, 1, 24), (240, 114, 1, 28)]
    for hidden, k, stride, squeezed in rows:
        body = [*active(conv(c, hidden), hidden), *active(conv(hidden, hidden, 3, stride, hidden), hidden),
                conv(hidden, k), nn.BatchNorm2d(k)]
        if stride == 1:
            shortcut = nn.Identity() if c == k else nn.Sequential(conv(c, k), nn.BatchNorm2d(k))
            layers.append(Add(nn.Sequential(*body, Excite(k, squeezed)), shortcut))
        else:
            layers += body
        c = k
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(114, 100))


def main():
    networks = {f"cifar_resnet{depth}": cifar_resnet(depth) for depth in (20, 32, 44, 56, 110)}
    networks |= {"densenet_bc_100_12": densenet_bc(100, 12), "densenet_bc_172_30": densenet_bc(172, 30)}
    networks |= {"osi_dense": osi_dense(), "kaist_v2": kaist_v2()}
    print(f"{'network':<20} {'weights':>12} {'batch norm':>11} {'biases':>7} {'multiplies':>14}")
    for name, network in networks.items():
        weights, norms, biases, mults = counts(network)
        print(f"{name:<20} {weights:>12,} {norms:>11,} {biases:>7,} {mults:>14,}")


if __name__ == "__main__":
    main()
