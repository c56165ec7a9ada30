// SPDX-License-Identifier: Apache-2.0
#include "cli/accumulators.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/fail.h"
#include "base/text.h"
#include "data/batch.h"
#include "evaluation/evaluation.h"
#include "models/packed/reference_executor.h"
#include "models/weights/integer_range.h"
#include "scoring/ledger.h"

namespace carat {
namespace {

IntegerRange observed_range(const Model& model, const std::string& layer, const Observation& observation,
                            int64_t& images) {
  const PackedModel packed = pack(model);
  const ReferenceExecutor executor(packed);
  const Dataset data = open_dataset(observation.data, Split::test, format_of(packed.graph));
  images = observation.limit > 0 ? std::min(observation.limit, data.size()) : data.size();
  const auto index = static_cast<size_t>(model.graph.index_of(layer));
  std::vector<float> logits(static_cast<size_t>(model.graph.classes()));
  IntegerRange range;
  for (int64_t i = 0; i < images; ++i) {
    const Batch batch = gather(data, i, i + 1);
    executor.run_observed(batch.pixels.data(), logits.data(), [&](size_t at, const std::vector<float>& values) {
      if (at != index) return;
      const auto [lowest, highest] = std::minmax_element(values.begin(), values.end());
      range.lowest = std::min(range.lowest, static_cast<int64_t>(*lowest));
      range.highest = std::max(range.highest, static_cast<int64_t>(*highest));
    });
  }
  return range;
}

std::string tree_text(int64_t products, int64_t product_bits) {
  std::string text = fmt::format("  adder tree        {} products of {} bits", products, product_bits);
  for (const auto& [width, additions] : adder_tree(products, product_bits))
    text += fmt::format("; {} additions at {}", additions, width);
  return text + fmt::format("; result {} bits\n", tree_result_bits(products, product_bits));
}

}  // namespace

std::string accumulator_text(const Model& model, const std::string& name, const Observation& observation) {
  const LayerSpec& layer = model.graph.layer(name);
  if (!has_weights(layer) || !layer.quant || !layer.has_unit_scale) return "";
  const std::map<std::string, IntegerRange> ranges = integer_ranges(model);
  const auto found = ranges.find(layer.inputs.front());
  if (found == ranges.end()) return "";
  const IntegerRange input = found->second;
  const IntegerRange sums = sum_range(model.buffer(name + ".weight"), united(input, {0, 0}));
  const std::vector<int64_t> kernels = nonzeros_per_kernel(model).at(name);
  const int64_t products = *std::max_element(kernels.begin(), kernels.end());
  const bool is_signed = input.lowest < 0;
  const int64_t input_bits = is_signed ? signed_bits(input) : signed_bits(input) - 1;
  const int64_t product_bits = layer.quant->bits() + input_bits - (is_signed ? 1 : 0);
  std::string text = fmt::format("accumulator of {}\n", name);
  text += fmt::format("  operands          inputs {} .. {} ({} bits), weights {} .. {} ({} bits)\n", input.lowest,
                      input.highest, input_bits, layer.quant->lowest_code(), layer.quant->highest_code(),
                      layer.quant->bits());
  if (products > 0) text += tree_text(products, product_bits);
  text += fmt::format("  exact worst case  {} .. {}, in any order: {} bits; executed in int32\n",
                      with_separators(sums.lowest), with_separators(sums.highest), signed_bits(sums));
  if (observation.data.name.empty()) return text;
  int64_t images = 0;
  const IntegerRange seen = observed_range(model, name, observation, images);
  require(sums.holds(seen.lowest) && sums.holds(seen.highest), "layer {}: sums {} .. {} beyond the proof", name,
          seen.lowest, seen.highest);
  return text + fmt::format("  observed          {} .. {} on {} images of {}\n", with_separators(seen.lowest),
                            with_separators(seen.highest), images, observation.data.name);
}

}  // namespace carat
