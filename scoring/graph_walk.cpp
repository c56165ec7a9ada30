// SPDX-License-Identifier: Apache-2.0
#include "scoring/graph_walk.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/fail.h"
#include "models/graph/codes.h"
#include "models/graph/storage.h"
#include "scoring/ledger.h"
#include "scoring/walk_builder.h"

namespace carat {
namespace {

constexpr int64_t kFloatBits = 32;

// What travels along an edge.
struct Signal {
  int64_t bits = kFloatBits;
  bool is_signed = true;
  bool is_codes = false;
  bool is_image = false;
  bool is_sum = false;  // an exact integer accumulator
};

class GraphWalker {
 public:
  GraphWalker(const ModelGraph& graph, const KernelNonzeros& nonzeros) : graph_(graph), nonzeros_(nonzeros) {}

  Walk run() {
    walk_.network = graph_.name();
    for (const LayerSpec& layer : graph_.layers()) {
      builder_.begin(layer.name, std::string(name_of(layer.op)));
      signals_[layer.name] = visit(layer);
    }
    return std::move(walk_);
  }

 private:
  Signal widest(const LayerSpec& layer) const {
    Signal widest = signals_.at(layer.inputs.front());
    for (const std::string& from : layer.inputs) {
      const Signal& signal = signals_.at(from);
      const bool is_codes = widest.is_codes && signal.is_codes;
      const bool is_sum = widest.is_sum && signal.is_sum;
      if (signal.bits > widest.bits) widest = signal;
      widest.is_codes = is_codes;
      widest.is_sum = is_sum;
    }
    return widest;
  }

  // Width of multiplies, divides and comparisons on floating-point operands: as declared, else 32 (O4).
  static int64_t declared_bits(const LayerSpec& layer) {
    return layer.arithmetic == Arithmetic::float32 ? kFloatBits : 16;
  }

  Signal weights(const LayerSpec& layer, const Signal& in) {
    const Shape& out = graph_.shape_of(layer.name);
    const auto found = nonzeros_.find(layer.name);
    require(found != nonzeros_.end() && static_cast<int64_t>(found->second.size()) == layer.out_channels,
            "layer {}: expected nonzeros of {} kernels", layer.name, layer.out_channels);
    DotProducts dots;
    dots.per_kernel = found->second;
    dots.kernels = layer.out_channels;
    dots.length = graph_.weight_count(layer) / layer.out_channels;
    dots.positions = out.height * out.width;
    dots.weight_bits = dots.factor_bits = layer.quant ? layer.quant->bits() : kFloatBits;
    // One bit of sign for the nonzeros of ternary weights too.
    const Encoding encoding = layer.quant ? layer.quant->encoding() : Encoding::plain;
    if (encoding == Encoding::ternary) dots.factor_bits = 1;
    dots.is_linear = layer.op == OpKind::linear;
    const bool on_codes = layer.quant && in.is_codes;
    if (on_codes) {
      dots.input_bits = in.bits;
      dots.input_type = in.is_signed ? NumberType::signed_integer : NumberType::unsigned_integer;
      dots.accumulator = {Accumulator::Kind::tree, 0};
    }
    dots.is_sign_flip = !on_codes && (encoding == Encoding::binary || encoding == Encoding::ternary);
    const int64_t product_bits = dots.product_bits();
    const int64_t nonzeros = dots.total().to_integer();
    const int64_t largest = *std::max_element(dots.per_kernel.begin(), dots.per_kernel.end());
    builder_.dots(std::move(dots), on_codes && !in.is_image);

    store_weights(layer, nonzeros);
    if (layer.quant && !layer.has_unit_scale) {
      builder_.op(What::scale_mult, out.elements(), kFloatBits, "R16 O4");
      builder_.store(Stored::scale, layer.quant->granularity() == Granularity::kernel ? layer.out_channels : 1,
                     kFloatBits);
    }
    if (layer.has_bias) {
      builder_.op(What::bias_add, out.elements(), kFloatBits, "R16 O2");
      builder_.store(Stored::bias, layer.out_channels, kFloatBits);
    }
    if (!on_codes || !layer.has_unit_scale || layer.has_bias) return {};
    return {tree_result_bits(largest, product_bits), true, false, false, true};
  }

  void store_weights(const LayerSpec& layer, int64_t nonzeros) {
    const WeightStorage storage = weight_storage(layer, graph_.weight_count(layer), nonzeros);
    StoredTensor tensor;
    tensor.elements = graph_.weight_count(layer);
    tensor.nonzeros = nonzeros;
    tensor.values = storage.values;
    tensor.bits = storage.bits;
    tensor.mask_bits = storage.mask_bits;
    if (storage.mask == MaskKind::block) tensor.mask_rule = "R12";
    builder_.store(std::move(tensor));
    if (storage.table_bits > 0)
      builder_.store(Stored::codebook, storage.table_bits / layer.quant->bits(), layer.quant->bits());
  }

  // Multiplies at the wider operand, additions at the width of the exact product or of b. The shift is free, as a
  // conversion between widths.
  Signal integer_scale(const LayerSpec& layer, const Signal& in) {
    const Shape& out = graph_.shape_of(layer.name);
    const IntegerScale& widths = *layer.integer;
    const std::string elements = fmt::format("{} channels x {} x {}", out.channels, out.height, out.width);
    builder_.op(What::scale_mult, out.elements(), std::max(widths.multiplier_bits, in.bits), "R16 R18", elements);
    builder_.store(Stored::scale, out.channels, widths.multiplier_bits);
    const int64_t product = std::min(kFloatBits, widths.multiplier_bits + in.bits);
    const int64_t sum = std::max(product, widths.bias_bits);
    if (layer.has_bias) {
      builder_.op(What::bias_add, out.elements(), sum, "R16 O2", elements);
      builder_.store(Stored::scale_bias, out.channels, widths.bias_bits);
    }
    return {std::max<int64_t>(2, sum - widths.shift), true, false, false, true};
  }

  Signal scale(const LayerSpec& layer, const Signal& in) {
    if (layer.integer) return integer_scale(layer, in);
    const Shape& out = graph_.shape_of(layer.name);
    const bool is_half = layer.arithmetic != Arithmetic::float32;
    const int64_t add_bits = layer.arithmetic == Arithmetic::fp16_strict ? 16 : kFloatBits;
    // A floating-point operand has been rounded to the declared format; an integer one keeps its width.
    const int64_t operand = is_half && !in.is_sum && !in.is_codes ? 16 : in.bits;
    builder_.op(What::scale_mult, out.elements(), is_half ? std::max<int64_t>(16, operand) : kFloatBits, "R16 R18",
                fmt::format("{} channels x {} x {}", out.channels, out.height, out.width));
    builder_.store(Stored::scale, out.channels, declared_bits(layer));
    if (layer.has_bias) {
      builder_.op(What::bias_add, out.elements(), add_bits, "R16 O2",
                  fmt::format("{} channels x {} x {}", out.channels, out.height, out.width));
      builder_.store(Stored::scale_bias, out.channels, declared_bits(layer));
    }
    return {};
  }

  Signal mean(const LayerSpec& layer, int64_t height, int64_t width) {
    const Shape& out = graph_.shape_of(layer.name);
    builder_.pool(
        {out.elements(), height, width, graph_.input_shape(layer).elements(), kFloatBits, declared_bits(layer)});
    return {};
  }

  Signal visit(const LayerSpec& layer) {
    if (layer.op == OpKind::input) return input_is_normalized(graph_) ? Signal{} : Signal{8, false, true, true, false};
    const Signal in = widest(layer);
    const Shape& out = graph_.shape_of(layer.name);
    const int64_t n = out.elements();
    switch (layer.op) {
      case OpKind::input:
        return {};
      case OpKind::conv:
      case OpKind::linear:
        return weights(layer, in);
      case OpKind::scale:
        return scale(layer, in);
      case OpKind::batch_norm:
        builder_.op(What::norm_mult, n, kFloatBits, "R16");
        builder_.op(What::norm_add, n, kFloatBits, "R16 O2");
        builder_.store(Stored::norm_scale, out.channels, kFloatBits);
        builder_.store(Stored::norm_bias, out.channels, kFloatBits);
        return {};
      case OpKind::activation_quant:
        if (!layer.has_unit_scale) {
          builder_.op(What::scale_mult, n, kFloatBits, "R16 O4");
          builder_.store(Stored::scale, 1, kFloatBits);
        }
        return {layer.quant->bits(), layer.quant->is_signed(), true, false, false};
      case OpKind::table: {
        const QuantSpec codes = *codes_of(graph_, layer.inputs.front());
        builder_.op(What::lookup, n, codes.bits(), "open R18", fmt::format("{} elements", n));
        builder_.store(Stored::table, codes.highest_code() - codes.lowest_code() + 1, layer.quant->bits());
        return {layer.quant->bits(), layer.quant->is_signed(), true, false, false};
      }
      case OpKind::add: {
        const auto terms = static_cast<int64_t>(layer.inputs.size()) - 1;
        builder_.op(What::residual_add, n * terms, in.is_codes || in.is_sum ? in.bits : kFloatBits, "R16 R18");
        if (in.is_sum) return {std::min(kFloatBits, in.bits + terms), true, false, false, true};
        return {};
      }
      case OpKind::multiply:
        builder_.op(What::elementwise_mult, n, in.is_codes ? in.bits : declared_bits(layer), "R16 R18");
        return {};
      case OpKind::max_pool:
        builder_.op(What::comparison, n * (layer.kernel * layer.kernel - 1), in.bits, "R16 R18");
        return in;
      case OpKind::avg_pool:
        return mean(layer, layer.kernel, layer.kernel);
      case OpKind::global_avg_pool:
        return mean(layer, graph_.input_shape(layer).height, graph_.input_shape(layer).width);
      case OpKind::shuffle:
        builder_.permutation(out.channels, n, kFloatBits, std::max(kFloatBits, in.bits));
        return in;
      case OpKind::concat:
      case OpKind::slice:
      case OpKind::upsample:
      case OpKind::pad:
      case OpKind::dropout:
        return in;
      case OpKind::relu:
        builder_.op(What::relu, n, in.is_codes ? in.bits : declared_bits(layer), "R16 R18");
        return in.is_codes ? in : Signal{};
      case OpKind::relu6:
      case OpKind::swish:
      case OpKind::sigmoid:
      case OpKind::hard_swish:
      case OpKind::hard_sigmoid:
        builder_.function(*function_cost(std::string(name_of(layer.op))), n, kFloatBits, kFloatBits);
        return {};
    }
    return {};
  }

  const ModelGraph& graph_;
  const KernelNonzeros& nonzeros_;
  std::map<std::string, Signal> signals_;
  Walk walk_;
  WalkBuilder builder_{walk_};
};

}  // namespace

Walk walk_network(const ModelGraph& graph, const KernelNonzeros& nonzeros) {
  return GraphWalker(graph, nonzeros).run();
}

KernelNonzeros dense_counts(const ModelGraph& graph) {
  KernelNonzeros counts;
  for (const std::string& name : graph.weight_layers()) {
    const LayerSpec& layer = graph.layer(name);
    counts[name].assign(static_cast<size_t>(layer.out_channels), graph.weight_count(layer) / layer.out_channels);
  }
  return counts;
}

}  // namespace carat
