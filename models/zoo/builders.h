// SPDX-License-Identifier: Apache-2.0
// The entries that zoo.cpp lists, and what several of them share.
#pragma once

#include "models/zoo/zoo.h"

namespace carat {

ZooEntry resnet8_entry();
ZooEntry densenet_bc_entry();
ZooEntry wide_resnet_entry();
ZooEntry resnet_entry();
ZooEntry mobilenet_v2_entry();
ZooEntry mobilenet_v3_entry();
ZooEntry efficientnet_entry();
ZooEntry mixnet_entry();
ZooEntry shufflenet_v2_entry();
ZooEntry squeezenet_entry();
ZooEntry riair_cifar100_entry();
ZooEntry cifar_resnet_entry();
ZooEntry osi_dense_entry();
ZooEntry kaist_v2_entry();

// Global average pool "pool" and a linear layer "classifier" with bias.
std::string add_classifier(GraphBuilder& net, const std::string& from, int64_t classes);

// Channels scaled by percent / 100, to the nearest multiple of 8, never more than a tenth below.
// Source: Sandler et al. 2018, published code (make_divisible).
int64_t rounded_to_8(int64_t channels, int64_t percent);

// RGB of ImageNet as torchvision normalises it: resize to 256, crop 224.
Preprocessing imagenet_preprocessing(Interpolation interpolation = Interpolation::bilinear, int64_t resize = 256);

// RGB with CIFAR-100's own channel means and deviations.
Preprocessing cifar100_preprocessing();
// Images in [-1, 1] as TensorFlow's networks read them: (code / 255 - 0.5) / 0.5, bicubic resize to 256.
Preprocessing halves_preprocessing();

}  // namespace carat
