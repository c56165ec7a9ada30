// SPDX-License-Identifier: Apache-2.0
// Any file that holds a network with its numbers, told apart by content.
#pragma once

#include <string>
#include <string_view>

#include "models/weights/model.h"

namespace carat {

struct ModelFile {
  Model model;
  std::string track;  // of a published entry, else ""
};

// A packed model, a Carat model of any stage, or tensors that another program wrote: those of the named network of the
// zoo, else those of the published entry that they fit. Throws Error naming the file.
ModelFile read_model_file(const std::string& path, const std::string& network);
ModelFile model_file_from_bytes(std::string_view bytes, const std::string& path, const std::string& network);
// The bytes begin like a packed model or safetensors.
bool is_model_file(std::string_view bytes);

// The model to execute: Scale layers whose numbers are beyond the fp16 that their entry declares compute in float32.
Model read_any_model(const std::string& path, const std::string& network);

}  // namespace carat
