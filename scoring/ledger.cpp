// SPDX-License-Identifier: Apache-2.0
#include "scoring/ledger.h"

#include <algorithm>

#include "base/fail.h"
#include "models/graph/storage.h"

namespace carat {
namespace {

constexpr int64_t kFloatBits = 32;

// What travels along an edge.
struct Width {
  int64_t bits = kFloatBits;
  bool is_signed = true;
  bool is_codes = false;
};

class Counter {
 public:
  Counter(const ModelGraph& graph, const KernelNonzeros& nonzeros) : graph_(graph), nonzeros_(nonzeros) {}

  Ledger run() {
    for (const LayerSpec& layer : graph_.layers()) widths_[layer.name] = count(layer);
    return std::move(ledger_);
  }

 private:
  void op(const LayerSpec& layer, const char* what, int64_t count, int64_t bits, const char* rule) {
    if (count > 0) ledger_.ops.push_back({layer.name, what, count, bits, rule});
  }
  void store(const LayerSpec& layer, const char* tensor, int64_t count, int64_t bits, const char* rule) {
    if (count > 0) ledger_.storage.push_back({layer.name, tensor, count, bits, rule});
  }

  Width widest(const LayerSpec& layer) const {
    Width widest = widths_.at(layer.inputs.front());
    for (const std::string& from : layer.inputs) {
      const Width& width = widths_.at(from);
      if (width.bits > widest.bits) widest = width;
      widest.is_codes = widest.is_codes && width.is_codes;
    }
    return widest;
  }

  Width count_weights(const LayerSpec& layer, const Width& in) {
    const Shape& out = graph_.shape_of(layer.name);
    const int64_t pixels = out.height * out.width;
    const int64_t weight_bits = layer.quant ? layer.quant->bits() : kFloatBits;
    const auto found = nonzeros_.find(layer.name);
    require(found != nonzeros_.end() && static_cast<int64_t>(found->second.size()) == layer.out_channels,
            "layer {}: expected nonzeros of {} kernels", layer.name, layer.out_channels);
    const bool on_codes = layer.quant && in.is_codes;
    const int64_t product_bits = weight_bits + in.bits - (in.is_codes && in.is_signed ? 1 : 0);
    int64_t total = 0;
    int64_t largest = 0;
    std::map<int64_t, int64_t> adds;
    for (const int64_t n : found->second) {
      total += n;
      largest = std::max(largest, n);
      if (on_codes)
        for (const auto& [bits, additions] : adder_tree(n, product_bits)) adds[bits] += additions;
      else
        adds[kFloatBits] += std::max<int64_t>(n - 1, 0);
    }
    op(layer, "mult", total * pixels, std::max(weight_bits, on_codes ? in.bits : kFloatBits), "R16 R18");
    for (const auto& [bits, additions] : adds) op(layer, "add", additions * pixels, bits, on_codes ? "R18 O6" : "R18");
    const WeightStorage storage = weight_storage(graph_.weight_count(layer), total, weight_bits);
    store(layer, "weight values", storage.value_bits / weight_bits, weight_bits, "R10");
    store(layer, "weight mask", storage.mask_bits, 1, "R11");
    if (layer.quant && !layer.has_unit_scale) {
      op(layer, "scale mult", out.elements(), kFloatBits, "R16");
      store(layer, "weight scale", layer.quant->granularity() == Granularity::kernel ? layer.out_channels : 1,
            kFloatBits, "R9");
    }
    if (layer.has_bias) {
      op(layer, "bias add", out.elements(), kFloatBits, "R16 O2");
      store(layer, "bias", layer.out_channels, kFloatBits, "R9");
    }
    if (!on_codes || !layer.has_unit_scale || layer.has_bias) return {};
    const auto levels = adder_tree(largest, product_bits);
    return {levels.empty() ? product_bits : levels.rbegin()->first + 1, true, false};
  }

  Width count_scale(const LayerSpec& layer, const Width& in) {
    const Shape& out = graph_.shape_of(layer.name);
    const bool is_half = layer.arithmetic == Arithmetic::fp16;
    const int64_t bits = is_half ? 16 : kFloatBits;
    op(layer, "scale mult", out.elements(), is_half ? std::max<int64_t>(16, in.bits) : kFloatBits, "R16 R18");
    store(layer, "scale", out.channels, bits, "R9 R10");
    if (!layer.has_bias) return {};
    op(layer, "bias add", out.elements(), kFloatBits, "R16 O2");
    store(layer, "bias", out.channels, bits, "R9 R10");
    return {};
  }

  Width count(const LayerSpec& layer) {
    if (layer.op == OpKind::input) return {8, false, true};
    const Width in = widest(layer);
    const Shape& out = graph_.shape_of(layer.name);
    const int64_t n = out.elements();
    const int64_t window = layer.kernel * layer.kernel;
    switch (layer.op) {
      case OpKind::input:
        return {};
      case OpKind::conv:
      case OpKind::linear:
        return count_weights(layer, in);
      case OpKind::scale:
        return count_scale(layer, in);
      case OpKind::batch_norm:
        op(layer, "scale mult", n, kFloatBits, "R16");
        op(layer, "bias add", n, kFloatBits, "R16 O2");
        store(layer, "scale and bias", 2 * out.channels, kFloatBits, "R9 O2");
        return {};
      case OpKind::activation_quant:
        if (!layer.has_unit_scale) {
          op(layer, "scale mult", n, kFloatBits, "R16");
          store(layer, "scale", 1, kFloatBits, "R9");
        }
        return {layer.quant->bits(), layer.quant->is_signed(), true};
      case OpKind::add:
        op(layer, "add", n * (static_cast<int64_t>(layer.inputs.size()) - 1), in.bits, "R16 R18");
        return {};
      case OpKind::multiply:
        op(layer, "mult", n, in.bits, "R16 R18");
        return {};
      case OpKind::max_pool:
        op(layer, "comparison", n * (window - 1), in.bits, "R15 R18");
        return in;
      case OpKind::avg_pool:
        op(layer, "pool add", n * (window - 1), kFloatBits, "R16 O4");
        op(layer, "pool mult", n, kFloatBits, "R16 O4");
        return {};
      case OpKind::global_avg_pool: {
        const Shape& source = graph_.input_shape(layer);
        op(layer, "pool add", n * (source.height * source.width - 1), kFloatBits, "R16 O4");
        op(layer, "pool mult", n, kFloatBits, "R16 O4");
        return {};
      }
      case OpKind::concat:
      case OpKind::upsample:
      case OpKind::dropout:
        return in;
      case OpKind::relu:
      case OpKind::relu6:
        op(layer, "relu", n, in.bits, "R15 O4");
        return in.is_codes ? in : Width{};
      case OpKind::swish:
        return nonlinearity(layer, 3 * n, n);
      case OpKind::sigmoid:
        return nonlinearity(layer, 2 * n, n);
      case OpKind::hard_swish:
        return nonlinearity(layer, 4 * n, n);
      case OpKind::hard_sigmoid:
        return nonlinearity(layer, 3 * n, n);
    }
    return {};
  }

  Width nonlinearity(const LayerSpec& layer, int64_t mults, int64_t adds) {
    op(layer, "nonlinearity mult", mults, kFloatBits, "R17 O4");
    op(layer, "nonlinearity add", adds, kFloatBits, "R17 O4");
    return {};
  }

  const ModelGraph& graph_;
  const KernelNonzeros& nonzeros_;
  std::map<std::string, Width> widths_;
  Ledger ledger_;
};

}  // namespace

std::map<int64_t, int64_t> adder_tree(int64_t n, int64_t bits) {
  std::map<int64_t, int64_t> levels;
  for (; n > 1; n = (n + 1) / 2) levels[bits++] += n / 2;
  return levels;
}

int64_t Ledger::op_bits() const {
  int64_t bits = 0;
  for (const OpRow& row : ops) bits += row.bit_ops();
  return bits;
}

int64_t Ledger::storage_bits() const {
  int64_t bits = 0;
  for (const StorageRow& row : storage) bits += row.total_bits();
  return bits;
}

Ledger count_network(const ModelGraph& graph, const KernelNonzeros& nonzeros) { return Counter(graph, nonzeros).run(); }

KernelNonzeros dense_counts(const ModelGraph& graph) {
  KernelNonzeros counts;
  for (const std::string& name : graph.weight_layers()) {
    const LayerSpec& layer = graph.layer(name);
    counts[name].assign(static_cast<size_t>(layer.out_channels), graph.weight_count(layer) / layer.out_channels);
  }
  return counts;
}

}  // namespace carat
