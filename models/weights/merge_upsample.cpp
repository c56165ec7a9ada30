// SPDX-License-Identifier: Apache-2.0
#include "models/weights/merge_upsample.h"

#include <algorithm>
#include <optional>

#include "base/fail.h"

namespace carat {
namespace {

struct Merge {
  LayerSpec conv;            // on the source image
  std::vector<int64_t> tap;  // of the merged kernel, by the old one; -1 reads zeros only
};

struct Reader {
  const LayerSpec& conv;
  int64_t size = 0;  // of the up-sampled image
  int64_t in = 0;    // of the source
  int64_t out = 0;   // of the result

  // Row of the source; nothing outside of the image.
  std::optional<int64_t> source(int64_t y, int64_t tap) const {
    const int64_t row = y * conv.stride + tap - conv.padding;
    if (row < 0 || row >= size) return std::nullopt;
    return row * in / size;
  }
};

// offsets[tap] = source(y, tap) - y * stride, none for taps that read zeros only; false where that is not one number
// for all y, or where a zero lies inside of the source.
bool offsets_at(const Reader& reader, int64_t stride, std::vector<std::optional<int64_t>>& offsets) {
  for (int64_t tap = 0; tap < reader.conv.kernel; ++tap) {
    std::optional<int64_t>& offset = offsets[static_cast<size_t>(tap)];
    offset.reset();
    for (int64_t y = 0; y < reader.out; ++y) {
      const std::optional<int64_t> row = reader.source(y, tap);
      if (row && offset && *offset != *row - y * stride) return false;
      if (row) offset = *row - y * stride;
    }
    for (int64_t y = 0; y < reader.out && offset; ++y) {
      const int64_t row = y * stride + *offset;
      if (!reader.source(y, tap) && row >= 0 && row < reader.in) return false;
    }
  }
  return std::any_of(offsets.begin(), offsets.end(), [](const auto& offset) { return offset.has_value(); });
}

std::optional<Merge> merged_at(const Reader& reader, int64_t stride) {
  std::vector<std::optional<int64_t>> offsets(static_cast<size_t>(reader.conv.kernel));
  if (!offsets_at(reader, stride, offsets)) return std::nullopt;
  int64_t first = 0;
  int64_t last = 0;
  for (const std::optional<int64_t>& offset : offsets) {
    first = std::min(first, offset.value_or(0));
    last = std::max(last, offset.value_or(0));
  }
  Merge merge;
  merge.conv = reader.conv;
  merge.conv.kernel = last - first + 1;
  merge.conv.stride = stride;
  merge.conv.padding = -first;
  for (const std::optional<int64_t>& offset : offsets) merge.tap.push_back(offset ? *offset - first : -1);
  for (int64_t extra = 0; extra < merge.conv.kernel; ++extra) {
    merge.conv.extra_padding = extra;
    const int64_t span = reader.in - 2 * first + extra - merge.conv.kernel;
    if (span >= 0 && span / stride + 1 == reader.out) return merge;
  }
  return std::nullopt;
}

Merge merge_of(const ModelGraph& graph, const std::string& upsample) {
  const LayerSpec& layer = graph.layer(upsample);
  const std::vector<std::string> readers = graph.consumers(upsample);
  require(layer.op == OpKind::upsample && readers.size() == 1 && graph.layer(readers.front()).op == OpKind::conv,
          "layer {}: expected an up-sampling that one convolution alone reads, got {} read by {}", upsample,
          name_of(layer.op),
          readers.size() == 1 ? std::string(name_of(graph.layer(readers.front()).op))
                              : fmt::format("{} layers", readers.size()));
  const LayerSpec& conv = graph.layer(readers.front());
  require(!conv.quant && !conv.block, "layer {}: expected floating-point weights without a mask in blocks, got {}",
          conv.name, conv.quant ? "quantized weights" : "blocks");
  const Shape& in = graph.input_shape(layer);
  const Shape& out = graph.shape_of(conv.name);
  for (int64_t stride = 1; stride <= conv.stride; ++stride) {
    std::optional<Merge> rows = merged_at({conv, layer.size, in.height, out.height}, stride);
    const std::optional<Merge> columns = merged_at({conv, layer.size, in.width, out.width}, stride);
    if (!rows || !columns || rows->conv != columns->conv || rows->tap != columns->tap) continue;
    rows->conv.inputs = layer.inputs;
    return *rows;
  }
  fail(
      "layer {}: expected taps that fall on a regular grid of its input, with no more zeros above than below, got {} "
      "up-sampled to {} and read by a {}x{} "
      "convolution of stride {} and padding {}",
      upsample, to_text(in), layer.size, conv.kernel, conv.kernel, conv.stride, conv.padding);
}

ModelGraph replaced(const ModelGraph& graph, const std::string& upsample, const LayerSpec& conv) {
  std::vector<LayerSpec> layers;
  for (const LayerSpec& layer : graph.layers())
    if (layer.name != upsample) layers.push_back(layer.name == conv.name ? conv : layer);
  return ModelGraph(graph.name(), std::move(layers));
}

// Calls visit(old weight, merged weight) for all that read the image.
template <typename Visit>
void for_each_tap(const Merge& merge, size_t kernels, size_t taps, const Visit& visit) {
  const auto now = static_cast<size_t>(merge.conv.kernel);
  for (size_t k = 0; k < kernels; ++k)
    for (size_t r = 0; r < taps; ++r)
      for (size_t s = 0; s < taps; ++s) {
        if (merge.tap[r] < 0 || merge.tap[s] < 0) continue;
        const auto row = static_cast<size_t>(merge.tap[r]);
        visit((k * taps + r) * taps + s, (k * now + row) * now + static_cast<size_t>(merge.tap[s]));
      }
}

}  // namespace

ModelGraph merge_upsample(const ModelGraph& graph, const std::string& upsample) {
  return replaced(graph, upsample, merge_of(graph, upsample).conv);
}

Model merge_upsample(const Model& model, const std::string& upsample) {
  const Merge merge = merge_of(model.graph, upsample);
  const std::string& name = merge.conv.name;
  const auto taps = static_cast<size_t>(model.graph.layer(name).kernel);
  Model result = model;
  result.graph = replaced(model.graph, upsample, merge.conv);
  const std::vector<int64_t> shape = result.graph.weight_shape(merge.conv);
  const auto count = static_cast<size_t>(result.graph.weight_count(merge.conv));
  const std::vector<float>& old = model.buffer(name + ".weight").values;
  const size_t planes = old.size() / (taps * taps);
  std::vector<double> sums(count, 0.0);
  for_each_tap(merge, planes, taps, [&](size_t from, size_t to) { sums[to] += old[from]; });
  result.buffer(name + ".weight") = {shape, {sums.begin(), sums.end()}};
  if (!merge.conv.is_masked) return result;
  const std::vector<uint8_t>& kept = model.masks.at(name).kept;
  SparsityMask mask{shape, std::vector<uint8_t>(count, 0)};
  for_each_tap(merge, planes, taps, [&](size_t from, size_t to) { mask.kept[to] |= kept[from]; });
  result.masks[name] = std::move(mask);
  return result;
}

}  // namespace carat
