// SPDX-License-Identifier: Apache-2.0
#include "scoring/walk_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/fail.h"

namespace carat {

const std::vector<FunctionCost>& function_costs() {
  static const std::vector<FunctionCost> table = {
      {"relu6", 2, 0, 0, "min(max(x, 0), 6)"},
      {"leaky_relu", 2, 0, 0, "max(x, a x)"},
      {"sigmoid", 1, 1, 1, "1 / (1 + exp(-x))"},
      {"swish", 2, 1, 1, "x / (1 + exp(-x)), the division and the multiply by x apart"},
      {"tanh", 0, 0, 1, "tanh x"},
      {"exp", 0, 0, 1, "exp x"},
      {"gelu", 3, 1, 1, "0.5 x (1 + erf(x / sqrt 2))"},
      {"hard_sigmoid", 3, 1, 0, "min(max(x + 3, 0), 6) / 6"},
      {"hard_swish", 4, 1, 0, "x min(max(x + 3, 0), 6) / 6"},
  };
  return table;
}

const FunctionCost* function_cost(const std::string& name) {
  for (const FunctionCost& cost : function_costs())
    if (cost.name == name) return &cost;
  return nullptr;
}

void WalkBuilder::begin(const std::string& layer, const std::string& kind, const Ratio& share) {
  layer_ = layer;
  kind_ = kind;
  share_ = share;
}

void WalkBuilder::reduced_width(int64_t bits, const std::string& what) {
  std::string* first = bits < 16 ? &walk_.quantized : bits < 32 ? &walk_.half_precision : nullptr;
  if (first != nullptr && first->empty()) *first = fmt::format("layer {}: {} of {} bits", layer_, what, bits);
}

void WalkBuilder::dots(DotProducts dots, bool inputs_are_quantized) {
  constexpr int64_t kMostKernels = int64_t{1} << 24;  // 128 MB of counts
  kernels_ = checked_sum(kernels_, std::ssize(dots.per_kernel));
  require(kernels_ <= kMostKernels, "the network has more than {} kernels", kMostKernels);
  if (dots.has_weights) reduced_width(dots.weight_bits, "weights");
  if (inputs_are_quantized) reduced_width(dots.input_bits, "inputs");
  if (dots.accumulator.kind == Accumulator::Kind::floating) reduced_width(dots.accumulator.bits, "sums");
  walk_.steps.push_back({layer_, kind_, std::move(dots), share_});
}

void WalkBuilder::op(What what, const Ratio& count, int64_t bits, const std::string& rule, const std::string& formula) {
  if (count == Ratio(0)) return;
  reduced_width(bits, what_name(what));
  walk_.steps.push_back(
      {layer_, kind_, Elementwise{what, count, count, bits, formula.empty() ? count.text() : formula, rule}, share_});
}

void WalkBuilder::dense_count(const Ratio& count) {
  std::get<Elementwise>(walk_.steps.back().work).dense_count = count;
}

void WalkBuilder::pool(const AveragePool& pool) {
  reduced_width(std::min(pool.add_bits, pool.mult_bits), "pooling");
  walk_.steps.push_back({layer_, kind_, pool, share_});
}

void WalkBuilder::layer_norm(const LayerNorm& norm) { walk_.steps.push_back({layer_, kind_, norm, share_}); }

void WalkBuilder::function(const FunctionCost& cost, int64_t elements, int64_t mult_bits, int64_t add_bits) {
  const auto charge = [&](What what, int64_t per_element, int64_t bits) {
    op(what, checked_product(per_element, elements), bits, "R17 O4",
       fmt::format("{} per element x {} elements; {} = {}", per_element, elements, cost.name, cost.formula));
  };
  charge(What::function_mult, cost.mults, mult_bits);
  charge(What::function_add, cost.adds, add_bits);
  charge(What::transcendental, cost.transcendentals, add_bits);
}

void WalkBuilder::softmax(int64_t classes, int64_t positions, int64_t bits, bool is_stable) {
  const int64_t all = checked_product(classes, positions);
  if (is_stable) {
    op(What::comparison, checked_product(classes - 1, positions), bits, "R16",
       fmt::format("maximum: ({} - 1) x {} positions", classes, positions));
    op(What::function_add, all, bits, "R16", fmt::format("minus the maximum: {} x {} positions", classes, positions));
  }
  op(What::transcendental, all, bits, "R17", fmt::format("exp: {} x {} positions", classes, positions));
  op(What::function_add, checked_product(classes - 1, positions), bits, "R16",
     fmt::format("sum: ({} - 1) x {} positions", classes, positions));
  op(What::function_mult, all, bits, "R16", fmt::format("division: {} x {} positions", classes, positions));
}

void WalkBuilder::permutation(int64_t channels, int64_t elements, int64_t value_bits, int64_t mult_bits) {
  op(What::permutation, elements, mult_bits, "R23 R18",
     fmt::format("{} channels x {} positions", channels, elements / channels));
  StoredTensor matrix;
  matrix.what = Stored::permutation;
  matrix.elements = matrix.mask_bits = checked_product(channels, channels);
  matrix.values = matrix.nonzeros = channels;
  matrix.bits = value_bits;
  matrix.mask_rule = "R23";
  store(std::move(matrix));
}

void WalkBuilder::note(const std::string& text) {
  if (noted_.insert(text).second) walk_.notes.push_back(text);
}

void WalkBuilder::note_layer(const std::string& text) {
  const auto [entry, is_new] = layer_notes_.try_emplace(text, LayerNote{walk_.notes.size(), layer_, 0});
  LayerNote& note = entry->second;
  if (is_new)
    walk_.notes.emplace_back();
  else
    ++note.more;
  walk_.notes[note.index] =
      fmt::format("layer {}{}: {}", note.first, note.more > 0 ? fmt::format(" and {} more", note.more) : "", text);
}

void WalkBuilder::store(Stored what, int64_t elements, int64_t bits) {
  StoredTensor tensor;
  tensor.what = what;
  tensor.elements = elements;
  tensor.values = tensor.nonzeros = elements;
  tensor.bits = bits;
  store(std::move(tensor));
}

void WalkBuilder::store(StoredTensor tensor) {
  if (tensor.elements == 0) return;
  tensor.layer = layer_;
  tensor.kind = kind_;
  reduced_width(tensor.bits, stored_name(tensor.what));
  walk_.tensors.push_back(std::move(tensor));
}

}  // namespace carat
