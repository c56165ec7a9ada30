// SPDX-License-Identifier: Apache-2.0
// The build functions that zoo.cpp lists.
#pragma once

#include "models/zoo/zoo.h"

namespace carat {

ModelGraph build_resnet8(const ModelValues& options, const Shape& input, int64_t classes);
ModelGraph build_densenet_bc(const ModelValues& options, const Shape& input, int64_t classes);
ModelGraph build_wide_resnet(const ModelValues& options, const Shape& input, int64_t classes);
ModelGraph build_mobilenet_v2(const ModelValues& options, const Shape& input, int64_t classes);
ModelGraph build_riair_cifar100(const ModelValues& options, const Shape& input, int64_t classes);

// Global average pool and a linear classifier with bias.
void add_classifier(GraphBuilder& net, const std::string& from, int64_t classes);

}  // namespace carat
