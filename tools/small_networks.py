# SPDX-License-Identifier: Apache-2.0
"""PyTorch definitions, from the papers, of zoo networks that neither torchvision nor timm has.

Modules carry the names of Carat's layers, those of MergedMobileNetV2 the names of the published file.
"""
import torch
from torch import nn
from torch.nn import functional as F


class Named(nn.Module):
    """Modules under dotted names, reached by the whole name."""

    def put(self, name, module):
        at = self
        *path, last = name.split(".")
        for part in path:
            if not hasattr(at, part):
                at.add_module(part, nn.Module())
            at = getattr(at, part)
        at.add_module(last, module)

    def run(self, name, x):
        return self.get_submodule(name)(x)


class DenseNetBC(Named):
    """Huang et al. 2017, section 3: bottlenecks of 4 * growth channels, transitions halve the channels."""

    def __init__(self, depth, growth, classes=100):
        super().__init__()
        self.layers = (depth - 4) // 6
        channels = 2 * growth
        self.put("stem.conv", nn.Conv2d(3, channels, 3, padding=1, bias=False))
        for b in (1, 2, 3):
            for i in range(1, self.layers + 1):
                name = f"block{b}.layer{i}"
                self.put(name + ".bn1", nn.BatchNorm2d(channels))
                self.put(name + ".conv1", nn.Conv2d(channels, 4 * growth, 1, bias=False))
                self.put(name + ".bn2", nn.BatchNorm2d(4 * growth))
                self.put(name + ".conv2", nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False))
                channels += growth
            if b < 3:
                self.put(f"transition{b}.bn", nn.BatchNorm2d(channels))
                self.put(f"transition{b}.conv", nn.Conv2d(channels, channels // 2, 1, bias=False))
                channels //= 2
        self.put("final.bn", nn.BatchNorm2d(channels))
        self.put("classifier", nn.Linear(channels, classes))

    def forward(self, x):
        x = self.run("stem.conv", x)
        for b in (1, 2, 3):
            for i in range(1, self.layers + 1):
                name = f"block{b}.layer{i}"
                y = self.run(name + ".conv1", F.relu(self.run(name + ".bn1", x)))
                y = self.run(name + ".conv2", F.relu(self.run(name + ".bn2", y)))
                x = torch.cat([x, y], 1)
            if b < 3:
                x = self.run(f"transition{b}.conv", F.relu(self.run(f"transition{b}.bn", x)))
                x = F.avg_pool2d(x, 2)
        return self.run("classifier", F.relu(self.run("final.bn", x)).mean((2, 3)))


class CifarResNet(Named):
    """He et al. 2016, section 4.2, with projection shortcuts (option B)."""

    def __init__(self, depth, classes=100):
        super().__init__()
        self.put("conv1", nn.Conv2d(3, 16, 3, padding=1, bias=False))
        self.put("bn1", nn.BatchNorm2d(16))
        self.blocks = []
        channels = 16
        for group, out in ((1, 16), (2, 32), (3, 64)):
            for i in range((depth - 2) // 6):
                name, stride = f"layer{group}.{i}", 2 if out != channels else 1
                self.put(name + ".conv1", nn.Conv2d(channels, out, 3, stride, 1, bias=False))
                self.put(name + ".bn1", nn.BatchNorm2d(out))
                self.put(name + ".conv2", nn.Conv2d(out, out, 3, padding=1, bias=False))
                self.put(name + ".bn2", nn.BatchNorm2d(out))
                if stride == 2:
                    self.put(name + ".downsample.0", nn.Conv2d(channels, out, 1, 2, bias=False))
                    self.put(name + ".downsample.1", nn.BatchNorm2d(out))
                self.blocks.append((name, stride == 2))
                channels = out
        self.put("fc", nn.Linear(64, classes))

    def normalized(self, name, number, x):
        return self.run(f"{name}bn{number}", self.run(f"{name}conv{number}", x))

    def forward(self, x):
        x = F.relu(self.normalized("", 1, x))
        for name, projects in self.blocks:
            y = self.normalized(name + ".", 2, F.relu(self.normalized(name + ".", 1, x)))
            shortcut = self.run(name + ".downsample.1", self.run(name + ".downsample.0", x)) if projects else x
            x = F.relu(y + shortcut)
        return self.run("fc", x.mean((2, 3)))


class WideResNet(Named):
    """Zagoruyko and Komodakis 2016, table 1: pre-activation; a projection reads the activated input."""

    def __init__(self, depth, width, classes=100):
        super().__init__()
        self.put("stem", nn.Conv2d(3, 16, 3, padding=1, bias=False))
        self.blocks = []
        channels = 16
        for group, base in ((1, 16), (2, 32), (3, 64)):
            for i in range((depth - 4) // 6):
                name, out = f"group{group}.{i}", base * width
                stride = 2 if group > 1 and i == 0 else 1
                self.put(name + ".bn1", nn.BatchNorm2d(channels))
                self.put(name + ".conv1", nn.Conv2d(channels, out, 3, stride, 1, bias=False))
                self.put(name + ".bn2", nn.BatchNorm2d(out))
                self.put(name + ".conv2", nn.Conv2d(out, out, 3, padding=1, bias=False))
                if channels != out:
                    self.put(name + ".shortcut", nn.Conv2d(channels, out, 1, stride, bias=False))
                self.blocks.append((name, channels != out))
                channels = out
        self.put("final.bn", nn.BatchNorm2d(channels))
        self.put("classifier", nn.Linear(channels, classes))

    def forward(self, x):
        x = self.run("stem", x)
        for name, projects in self.blocks:
            active = F.relu(self.run(name + ".bn1", x))
            y = self.run(name + ".conv2", F.relu(self.run(name + ".bn2", self.run(name + ".conv1", active))))
            x = y + (self.run(name + ".shortcut", active) if projects else x)
        return self.run("classifier", F.relu(self.run("final.bn", x)).mean((2, 3)))


class SameConv(nn.Conv2d):
    """TensorFlow's SAME padding: the odd row below, the odd column to the right."""

    def forward(self, x):
        zeros = []
        for extent in (x.shape[3], x.shape[2]):
            total = max(0, (-(-extent // self.stride[0]) - 1) * self.stride[0] + self.kernel_size[0] - extent)
            zeros += [total // 2, total - total // 2]
        return super().forward(F.pad(x, zeros))


class MergedMobileNetV2(Named):
    """Sandler et al. 2018, table 2, batch norm merged, 1001 classes."""

    def __init__(self, classes=1001):
        super().__init__()
        self.put("stem", SameConv(3, 32, 3, 2))
        self.blocks = []
        channels = 32
        rows = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
                (6, 320, 1, 1))
        for expansion, out, repeats, first_stride in rows:
            for i in range(repeats):
                name, stride, hidden = f"block{len(self.blocks)}", first_stride if i == 0 else 1, channels * expansion
                if expansion > 1:
                    self.put(name + ".expand", nn.Conv2d(channels, hidden, 1))
                self.put(name + ".dw", SameConv(hidden, hidden, 3, stride, groups=hidden))
                self.put(name + ".project", nn.Conv2d(hidden, out, 1))
                self.blocks.append((name, expansion > 1, stride == 1 and channels == out))
                channels = out
        self.put("head", nn.Conv2d(channels, 1280, 1))
        self.put("fc", nn.Linear(1280, classes))

    def forward(self, x):
        x = F.relu6(self.run("stem", x))
        for name, expands, adds in self.blocks:
            y = F.relu6(self.run(name + ".expand", x)) if expands else x
            y = self.run(name + ".project", F.relu6(self.run(name + ".dw", y)))
            x = x + y if adds else y
        return self.run("fc", F.relu6(self.run("head", x)).mean((2, 3)))
