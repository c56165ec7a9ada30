// SPDX-License-Identifier: Apache-2.0
// carat export --onnx.
#pragma once

#include <string>
#include <vector>

namespace carat {

struct OnnxRequest {
  std::vector<std::string> files;  // the one to export
  std::string network;             // of the zoo, for a file of plain tensors
  std::string out;
  bool is_float = false;
};

// Throws UsageError, or Error for a model that cannot be expressed.
int export_onnx(const OnnxRequest& request);

}  // namespace carat
