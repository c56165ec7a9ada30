// SPDX-License-Identifier: Apache-2.0
// Stage models on disk: safetensors with the graph as JSON under "carat" in __metadata__. Buffers are F32, masks U8
// under "NAME.mask". Format: https://github.com/huggingface/safetensors, README "Format".
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "models/weights/model.h"

namespace carat {

// The bytes of a file; equal models and metadata give equal bytes.
std::string to_safetensors(const Model& model, const std::map<std::string, std::string>& metadata = {});
Model model_from_safetensors(std::string_view bytes, const std::string& origin);

void write_model(const std::filesystem::path& path, const Model& model);
// Throws Error with the file name for a truncated or malformed file, an unknown type, a missing graph or buffer.
Model read_model(const std::filesystem::path& path);

// Plain named float32 tensors: optimizer state in checkpoints.
std::string tensors_to_safetensors(const std::map<std::string, Buffer>& tensors,
                                   const std::map<std::string, std::string>& metadata);
std::map<std::string, Buffer> tensors_from_safetensors(std::string_view bytes, const std::string& origin,
                                                       std::map<std::string, std::string>* metadata);

}  // namespace carat
