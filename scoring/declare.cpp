// SPDX-License-Identifier: Apache-2.0
#include "scoring/declare.h"

#include <algorithm>

#include "base/fail.h"
#include "base/text.h"

namespace carat {
namespace {

void widen_scales(Walk& walk) {
  for (Step& step : walk.steps)
    if (auto* op = std::get_if<Elementwise>(&step.work); op != nullptr && op->what == What::scale_mult)
      op->bits = std::max<int64_t>(32, op->bits);
  for (StoredTensor& tensor : walk.tensors)
    if (tensor.what == Stored::scale || tensor.what == Stored::scale_bias)
      tensor.bits = std::max<int64_t>(32, tensor.bits);
}

template <int64_t kBits>
void float_sums(Walk& walk) {
  for (Step& step : walk.steps)
    if (auto* dots = std::get_if<DotProducts>(&step.work)) dots->accumulator = {Accumulator::Kind::floating, kBits};
}

void int32_sums(Walk& walk) {
  for (Step& step : walk.steps)
    if (auto* dots = std::get_if<DotProducts>(&step.work); dots != nullptr && dots->on_integers())
      dots->accumulator = {Accumulator::Kind::fixed, 32};
}

void tree_sums(Walk& walk) {
  for (Step& step : walk.steps)
    if (auto* dots = std::get_if<DotProducts>(&step.work); dots != nullptr && dots->on_integers())
      dots->accumulator = {Accumulator::Kind::tree, 0};
}

}  // namespace

const std::vector<Declaration>& declarations() {
  static const std::vector<Declaration> table = {
      {"float32-scales", "scales and their biases are stored and multiplied in float32", widen_scales},
      {"float32-accumulators", "every dot product is summed in float32", float_sums<32>},
      {"float16-accumulators", "every dot product is summed in float16", float_sums<16>},
      {"int32-accumulators", "dot products of integers are summed in a 32-bit register", int32_sums},
      {"adder-trees", "dot products of integers are summed in growing adder trees", tree_sums},
  };
  return table;
}

void declare(Walk& walk, const std::string& name) {
  std::vector<std::string> names;
  for (const Declaration& declaration : declarations()) {
    if (declaration.name == name) {
      declaration.apply(walk);
      walk.notes.push_back("declared: " + declaration.help);
      return;
    }
    names.push_back(declaration.name);
  }
  const std::string nearest = nearest_name(name, names);
  fail("unknown declaration '{}', expected one of: {}{}", name, join(names, ", "),
       nearest.empty() ? "" : "; did you mean '" + nearest + "'?");
}

}  // namespace carat
