// SPDX-License-Identifier: Apache-2.0
// The parts of the program gpu_check. Each adds its part to the report and returns whether its bar is met; a dry run
// walks the same cases on the CPU, small, and reports "not measured" where a device is needed.
#pragma once

#include <nlohmann/json.hpp>

namespace carat {

constexpr const char* kNotMeasured = "not measured";

// Every row of the kernel table: CPU and CUDA give the same bits.
bool check_equality(bool dry_run, nlohmann::ordered_json& report);

// Every element-wise row: bytes read and written per second, at least 85 % of a device copy's.
bool check_bandwidth(bool dry_run, nlohmann::ordered_json& report);

// ResNet-50's convolutions at batch 64: uint8 x int8 with the Scale layer and the rounding to codes, against cuDNN's
// float16 channels-last (at::conv2d with its benchmark mode): all together at least 1.5 times as fast. First the same
// shapes at batch 1 against the CPU, bit for bit.
bool check_convolutions(bool dry_run, nlohmann::ordered_json& report);

// The committed packed models on random images: the CUDA executor predicts what the fast one does; images per second
// of both.
bool check_executor(bool dry_run, nlohmann::ordered_json& report);

}  // namespace carat
