// SPDX-License-Identifier: Apache-2.0
#include "cli/onnx_export.h"

#include <filesystem>

#include "base/fail.h"
#include "base/file.h"
#include "base/text.h"
#include "models/file/model_file.h"
#include "models/onnx/export.h"

namespace carat {

int export_onnx(const OnnxRequest& request) {
  if (request.files.size() != 1)
    throw UsageError(
        fmt::format("expected one model: a packed file or a stage's safetensors, got {} words", request.files.size()));
  const std::string& file = request.files[0];
  std::error_code ignored;
  if (std::filesystem::equivalent(file, request.out, ignored))
    throw UsageError("--onnx: expected another file than " + file);
  const Model model = read_any_model(file, request.network);
  std::string bytes;
  try {
    bytes = to_onnx(model, request.is_float ? OnnxNumbers::real : OnnxNumbers::codes);
  } catch (const Error& error) {
    fail("{}: {}", file, error.what());
  }
  write_atomically(request.out, bytes);
  fmt::print("{} as ONNX, opset 21, {}: {} bytes written to {}\n", model.graph.name(),
             request.is_float ? "float32 weights" : "integer codes",
             with_separators(static_cast<int64_t>(bytes.size())), request.out);
  return 0;
}

}  // namespace carat
