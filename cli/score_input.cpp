// SPDX-License-Identifier: Apache-2.0
#include "cli/score_input.h"

#include "base/fail.h"
#include "base/file.h"
#include "models/packed/packed_model.h"
#include "models/weights/foreign.h"
#include "models/weights/safetensors.h"
#include "models/zoo/zoo.h"
#include "scoring/graph_walk.h"
#include "scoring/oplist.h"

namespace carat {
namespace {

ScoreInput from_model(const Model& model, const std::string& track) {
  return {walk_network(model.graph, nonzeros_per_kernel(model)), track, {}, {}, 0};
}

ScoreInput from_foreign(const TensorFile& file, const std::string& path, const std::string& model) {
  if (!model.empty()) {
    const ZooEntry& entry = zoo_entry(model);
    const ZooVariant* named = zoo_variant(model);
    const ZooVariant& variant = named != nullptr ? *named : entry.variants.front();
    return from_model(model_from_tensors(file, build_network(variant).graph, path), variant.track);
  }
  for (const ZooEntry& entry : zoo())
    for (const ZooVariant& variant : entry.variants) {
      if (variant.track.empty()) continue;
      const ModelGraph graph = build_network(variant).graph;
      if (mismatches(file, graph).empty()) return from_model(model_from_tensors(file, graph, path), variant.track);
    }
  fail(
      "{}: expected a Carat network under 'carat' in the metadata or the tensors of a published entry, found {} other "
      "tensors (--model NAME takes them as a network of the zoo)",
      path, file.tensors.size());
}

}  // namespace

ScoreInput read_score_input(const std::string& path, const std::string& model) {
  const std::string bytes = read_text(path);
  if (bytes.starts_with("CARAT")) return from_model(unpack(packed_from_bytes(bytes, path)), "");
  const size_t first = bytes.find_first_not_of(" \t\r\n");
  if (first != std::string::npos && bytes[first] == '{') {
    OpList list = read_oplist(bytes, path);
    return {std::move(list.walk), list.track ? list.track->name : "", list.track, list.accuracy, list.examples};
  }
  if (bytes.size() > 8 && bytes[8] == '{') {
    const TensorFile file = read_tensors(bytes, path);
    if (file.metadata.contains("carat") && model.empty()) return from_model(model_from_safetensors(bytes, path), "");
    return from_foreign(file, path, model);
  }
  fail(
      "{}: expected a Carat model (safetensors), a packed model or an operation list (JSON), found {} bytes of neither",
      path, bytes.size());
}

}  // namespace carat
