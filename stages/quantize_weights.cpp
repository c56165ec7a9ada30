// SPDX-License-Identifier: Apache-2.0
#include "stages/quantize_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/fail.h"
#include "base/parallel.h"
#include "models/graph/storage.h"
#include "models/net/code_kernels.h"
#include "models/net/network.h"

namespace carat {
namespace {

constexpr int64_t kWidestExact = 8;

// Kept weights of kernels [first, end).
std::vector<float> kept_weights(const WeightTensor& weights, int64_t first, int64_t end) {
  const auto size = static_cast<int64_t>(weights.values.size()) / weights.kernels;
  std::vector<float> kept;
  kept.reserve(static_cast<size_t>((end - first) * size));
  for (auto i = static_cast<size_t>(first * size); i < static_cast<size_t>(end * size); ++i)
    if (weights.values[i] != 0.0F && (weights.kept.empty() || weights.kept[i] != 0)) kept.push_back(weights.values[i]);
  return kept;
}

WeightScale fit_part(std::span<const float> values, const QuantSpec& spec, bool alternating) {
  WeightScale scale;
  for (const float x : values) scale.power += static_cast<double>(x) * x;
  scale.fit = fit_scale(values, spec);
  scale.alternating_error = scale.fit.squared_error;
  if (!alternating && spec.bits() <= kWidestExact) scale.fit = fit_scale_exact(values, spec, scale.fit);
  return scale;
}

int64_t run_of(const WeightTensor& weights, const QuantSpec& spec) {
  return spec.granularity() == Granularity::tensor ? weights.kernels : weights.kernels_per_scale;
}

int64_t kernels_per_scale(const WeightCoding& coding) { return coding.granularity == "group" ? coding.group_size : 1; }

WeightTensor weights_of(const Model& model, const LayerSpec& layer) {
  const Buffer& weights = model.buffer(layer.name + ".weight");
  WeightTensor tensor{weights.values, {}, weights.shape[0]};
  if (layer.is_masked) tensor.kept = model.masks.at(layer.name).kept;
  return tensor;
}

// Masked weights are zeros, which do not matter.
std::vector<WeightScale> fits_by_kernel(const Buffer& weights, const QuantSpec& spec, const at::Device& device) {
  const ScalesOfKernels found = fit_scales_by_kernel(to_tensor(weights, device), spec);
  const size_t size = weights.values.size() / found.scales.size();
  std::vector<WeightScale> scales;
  for (size_t k = 0; k < found.scales.size(); ++k) {
    double power = 0.0;
    for (size_t i = k * size; i < (k + 1) * size; ++i)
      power += static_cast<double>(weights.values[i]) * static_cast<double>(weights.values[i]);
    scales.push_back({{found.scales[k], found.squared_errors[k]}, found.squared_errors[k], power});
  }
  return scales;
}

void add_row(const std::string& name, const QuantSpec& spec, const WeightScale& scale, WeightFitReport& report) {
  const double unit = scale.power == 0.0 ? 1.0 : scale.power;
  report.rows += fmt::format("{},{},{:.6g},0,{:.6g},{:.6g}\n", name, spec.bits(), scale.fit.scale,
                             scale.fit.squared_error / unit, scale.alternating_error / unit);
  ++report.scales;
  report.error += scale.fit.squared_error;
  if (!scale.is_miss()) return;
  ++report.misses;
  report.excess += scale.alternating_error - scale.fit.squared_error;
  if (scale.fit.squared_error > 0.0)
    report.worst = std::max(report.worst, scale.alternating_error / scale.fit.squared_error);
}

// 1 for every weight that is not 0; with a block mask for all weights of a block that has one.
std::vector<uint8_t> nonzero_mask(const LayerSpec& layer, const std::vector<float>& weights) {
  std::vector<uint8_t> kept(weights.size());
  for (size_t i = 0; i < weights.size(); ++i) kept[i] = weights[i] != 0.0F ? 1 : 0;
  if (!layer.block) return kept;
  const auto count = static_cast<int64_t>(weights.size());
  const BlockCounts blocks = block_counts(layer, count);
  std::vector<uint8_t> of_block(static_cast<size_t>(blocks.rows * blocks.columns), 0);
  for (int64_t i = 0; i < count; ++i)
    of_block[static_cast<size_t>(block_of(layer, count, i))] |= kept[static_cast<size_t>(i)];
  for (int64_t i = 0; i < count; ++i)
    kept[static_cast<size_t>(i)] = of_block[static_cast<size_t>(block_of(layer, count, i))];
  return kept;
}

int64_t kept_count(const std::vector<uint8_t>& kept) { return std::accumulate(kept.begin(), kept.end(), int64_t{0}); }

}  // namespace

WeightCoding WeightCoding::same() {
  return {.bits = 0, .encoding = "same", .granularity = "same", .group_size = 0, .range = "same", .fit = "same"};
}

void WeightCoding::describe(OptionTable& table) {
  table.integer("bits", bits, {1, 32}, "bits per weight: 1 (binary), 2 to 8, 16; 32 leaves them in floating point");
  table.choice("encoding", encoding, {"plain", "ternary", "binary"},
               "ternary: -1, 0, 1 times the scale; binary: -1, 1; both whatever the bits");
  table.choice("granularity", granularity, {"kernel", "tensor", "group"},
               "what shares one scale; group: runs of group_size kernels, stored and charged per kernel all the same");
  table.integer("group_size", group_size, {1, 65536}, "kernels of a group");
  table.choice("range", range, {"symmetric", "full"}, "full: one more negative code, -2^(bits-1)");
  table.choice("fit", fit, {"exact", "alternating"},
               "least squared error: the global minimum, or alternating codes and scale from the largest weight; "
               "16 bits alternate");
}

void WeightCoding::describe_layers(OptionTable& table) {
  table.integer("bits", bits, {0, 32}, "0 takes the stage's bits");
  table.choice("encoding", encoding, {"same", "plain", "ternary", "binary"},
               "same takes the stage's, plain where bits are given");
  table.choice("granularity", granularity, {"same", "kernel", "tensor", "group"}, "same takes the stage's");
  table.integer("group_size", group_size, {0, 65536}, "0 takes the stage's");
  table.choice("range", range, {"same", "symmetric", "full"}, "same takes the stage's");
  table.choice("fit", fit, {"same", "exact", "alternating"}, "same takes the stage's");
}

WeightCoding WeightCoding::over(const WeightCoding& stage) const {
  const auto pick = [](const std::string& mine, const std::string& others) { return mine == "same" ? others : mine; };
  WeightCoding coding;
  coding.bits = bits == 0 ? stage.bits : bits;
  coding.encoding = pick(encoding, bits == 0 ? stage.encoding : "plain");
  coding.granularity = pick(granularity, stage.granularity);
  coding.group_size = group_size == 0 ? stage.group_size : group_size;
  coding.range = pick(range, stage.range);
  coding.fit = pick(fit, stage.fit);
  return coding;
}

std::optional<QuantSpec> WeightCoding::spec(const std::string& layer, Rounding rounding) const {
  constexpr int64_t kFloatBits = 32;
  const Granularity shared = granularity == "tensor" ? Granularity::tensor : Granularity::kernel;
  if (encoding == "ternary") return QuantSpec::ternary(shared);
  if (encoding == "binary" || bits == 1) return QuantSpec::binary(shared);
  require((bits >= 2 && bits <= 8) || bits == 16 || bits == kFloatBits,
          "quantize: layer {}: expected weights of 1 to 8, 16 or 32 bits, got {}", layer, bits);
  if (bits == kFloatBits) return std::nullopt;
  return range == "full" ? QuantSpec::full_range(bits, shared, rounding) : QuantSpec::symmetric(bits, shared, rounding);
}

std::string WeightCoding::text() const {
  if (encoding != "plain") return encoding;
  return bits == 1 ? "binary" : fmt::format("{} bits", bits);
}

std::vector<WeightScale> fit_weight_scales(const WeightTensor& weights, const QuantSpec& spec, bool alternating) {
  const auto count = static_cast<int64_t>(weights.values.size());
  require(count > 0, "fit_weight_scales: expected weights, got none");
  require(weights.kernels >= 1 && count % weights.kernels == 0,
          "fit_weight_scales: expected kernels that divide {} weights, got {}", count, weights.kernels);
  require(weights.kept.empty() || weights.kept.size() == weights.values.size(),
          "fit_weight_scales: expected a mask of {} weights, got {}", count, weights.kept.size());
  require(weights.kernels_per_scale >= 1, "fit_weight_scales: expected 1 kernel per scale or more, got {}",
          weights.kernels_per_scale);
  const int64_t run = run_of(weights, spec);
  const int64_t runs = (weights.kernels + run - 1) / run;
  std::vector<WeightScale> scales(static_cast<size_t>(runs));
  parallel_ranges(runs, default_threads(), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const std::vector<float> kept = kept_weights(weights, r * run, std::min(weights.kernels, (r + 1) * run));
      scales[static_cast<size_t>(r)] = fit_part(kept, spec, alternating);
    }
  });
  return scales;
}

std::vector<float> refit_weight_scales(const WeightTensor& weights, const QuantSpec& spec, bool alternating) {
  const std::vector<WeightScale> fits = fit_weight_scales(weights, spec, alternating);
  if (spec.granularity() == Granularity::tensor) return {static_cast<float>(fits.front().fit.scale)};
  std::vector<float> scales;
  for (int64_t k = 0; k < weights.kernels; ++k)
    scales.push_back(static_cast<float>(fits[static_cast<size_t>(k / weights.kernels_per_scale)].fit.scale));
  return scales;
}

std::string WeightFitReport::text() const {
  const double share = error == 0.0 ? 0.0 : 100.0 * excess / error;
  return fmt::format(
      "{} scales of weights; the alternation misses the optimum of {}: its error is {:.3g} % higher in all, {:.3g} "
      "times at most; {} zeros join masks, {} layers get one",
      scales, misses, share, worst, zeros, new_masks);
}

void quantize_weights(Model& model, const LayerSpec& layer, const WeightCoding& coding, WeightFitReport& report,
                      const at::Device& device) {
  const QuantSpec& spec = *layer.quant;
  WeightTensor tensor = weights_of(model, layer);
  tensor.kernels_per_scale = kernels_per_scale(coding);
  const bool by_kernel = coding.fit == "alternating" && spec.encoding() == Encoding::plain && device.is_cuda() &&
                         spec.granularity() == Granularity::kernel && tensor.kernels_per_scale == 1;
  const std::vector<WeightScale> fits = by_kernel ? fits_by_kernel(model.buffer(layer.name + ".weight"), spec, device)
                                                  : fit_weight_scales(tensor, spec, coding.fit == "alternating");
  Buffer& scales = model.buffer(layer.name + ".weight_scale");
  std::vector<float>& weights = model.buffer(layer.name + ".weight").values;
  const auto count = static_cast<size_t>(scales.shape[0]);
  const auto run = spec.granularity() == Granularity::tensor ? 1 : static_cast<size_t>(tensor.kernels_per_scale);
  model.buffers[layer.name + ".unrounded"] = model.buffer(layer.name + ".weight");
  scales.values.clear();
  for (size_t k = 0; k < count; ++k) scales.values.push_back(static_cast<float>(fits[k / run].fit.scale));
  for (size_t r = 0; r < fits.size(); ++r) add_row(fmt::format("{}[{}]", layer.name, r * run), spec, fits[r], report);
  const size_t size = weights.size() / count;
  for (size_t i = 0; i < weights.size(); ++i) {
    const float scale = scales.values[i / size];
    weights[i] = scale * static_cast<float>(code_of(weights[i], 1.0F / scale, spec));
  }
}

void mask_zeros(Model& model, WeightFitReport& report) {
  std::vector<LayerSpec> layers = model.graph.layers();
  for (LayerSpec& layer : layers) {
    if (!has_weights(layer) || !layer.quant) continue;
    const Buffer& weights = model.buffer(layer.name + ".weight");
    const auto count = static_cast<int64_t>(weights.values.size());
    const std::vector<uint8_t> kept = nonzero_mask(layer, weights.values);
    const int64_t nonzeros = kept_count(kept);
    if (!layer.is_masked && weight_storage(layer, count, nonzeros).mask == MaskKind::none) continue;
    report.zeros += (layer.is_masked ? kept_count(model.masks.at(layer.name).kept) : count) - nonzeros;
    report.new_masks += layer.is_masked ? 0 : 1;
    layer.is_masked = true;
    model.masks[layer.name] = {weights.shape, kept};
  }
  model.graph = ModelGraph(model.graph.name(), layers);
}

}  // namespace carat
