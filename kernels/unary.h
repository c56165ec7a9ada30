// SPDX-License-Identifier: Apache-2.0
// The functions of one number that networks apply between layers; kernels/scalar/unary.h says what they are.
#pragma once

namespace carat {

enum class Unary { relu, relu6, swish, hard_swish, sigmoid, hard_sigmoid };

}  // namespace carat
