// SPDX-License-Identifier: Apache-2.0
#include "cli/score_input.h"

#include "base/fail.h"
#include "base/file.h"
#include "models/file/model_file.h"
#include "models/weights/integer_range.h"
#include "scoring/graph_walk.h"
#include "scoring/oplist.h"

namespace carat {

ScoreInput read_score_input(const std::string& path, const std::string& model) {
  const std::string bytes = read_text(path);
  const size_t first = bytes.find_first_not_of(" \t\r\n");
  if (first != std::string::npos && bytes[first] == '{') {
    OpList list = read_oplist(bytes, path);
    return {std::move(list.walk), list.track ? list.track->name : "", list.track, list.accuracy, list.examples};
  }
  require(is_model_file(bytes),
          "{}: expected a Carat model (safetensors), a packed model or an operation list (JSON), found {} bytes of "
          "neither",
          path, bytes.size());
  const ModelFile file = model_file_from_bytes(bytes, path, model);
  try {
    integer_ranges(file.model);  // what is charged can be executed: no integer leaves its register
  } catch (const Error& error) {
    fail("{}: {}", path, error.what());
  }
  return {walk_network(file.model.graph, nonzeros_per_kernel(file.model)), file.track, {}, {}, 0};
}

}  // namespace carat
