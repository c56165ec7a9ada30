// SPDX-License-Identifier: Apache-2.0
// Usable CUDA devices: 0 without a driver, a device or CUDA kernels in this build. Never throws.
#pragma once

#include <cstdint>

namespace carat {

int64_t cuda_device_count();

}  // namespace carat
