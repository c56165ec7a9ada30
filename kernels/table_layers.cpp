// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "kernels/layer_ops.h"
#include "kernels/scalar/random.h"
#include "kernels/table.h"

namespace carat {
namespace {

using Kind = ElementOp::Kind;

// Element-wise layers behind an operation: their kinds, and the form of the result.
struct Behind {
  std::vector<Kind> kinds;
  ValueForm form = ValueForm::float32;
  Unary unary = Unary::hard_swish;
  bool half_away = false;
};

struct LayerCase {
  const char* name;
  LayerKind kind;
  ValueForm form;
  Behind behind;
  int64_t inputs = 1;
  int64_t kernel = 1, stride = 1, padding = 0, extra_padding = 0, groups = 1;
  bool second_is_channels = false;
  ImageRule::Kind image = ImageRule::Kind::codes;
};

const std::vector<LayerCase>& cases() {
  constexpr ValueForm kFloat = ValueForm::float32;
  constexpr ValueForm kByte = ValueForm::uint8;
  constexpr ValueForm kSigned = ValueForm::int8;
  const Behind none;
  const Behind codes = {{Kind::scale, Kind::quantize}, kByte};
  static const std::vector<LayerCase> all = {
      {"image codes", LayerKind::image, kByte, {{}, kByte}},
      {.name = "image unit", .kind = LayerKind::image, .form = kByte, .behind = none, .image = ImageRule::Kind::unit},
      {.name = "image normalized",
       .kind = LayerKind::image,
       .form = kByte,
       .behind = none,
       .image = ImageRule::Kind::normalized},
      {.name = "image half", .kind = LayerKind::image, .form = kByte, .behind = none, .image = ImageRule::Kind::half},
      {"scale and codes of sums", LayerKind::copy, ValueForm::int32, codes},
      {"scale, signed codes half_away",
       LayerKind::copy,
       kFloat,
       {{Kind::scale, Kind::quantize}, kSigned, Unary::relu, true}},
      {"strict", LayerKind::copy, kFloat, {{Kind::strict}}},
      {"integer", LayerKind::copy, ValueForm::int32, {{Kind::integer}}},
      {"bias and relu", LayerKind::copy, kFloat, {{Kind::bias, Kind::unary}, kFloat, Unary::relu}},
      {"scale and relu6", LayerKind::copy, kFloat, {{Kind::scale, Kind::unary}, kFloat, Unary::relu6}},
      {"scale and swish", LayerKind::copy, kFloat, {{Kind::scale, Kind::unary}, kFloat, Unary::swish}},
      {"scale and hard_swish", LayerKind::copy, kFloat, {{Kind::scale, Kind::unary}, kFloat, Unary::hard_swish}},
      {"scale and sigmoid", LayerKind::copy, kFloat, {{Kind::scale, Kind::unary}, kFloat, Unary::sigmoid}},
      {"scale and hard_sigmoid", LayerKind::copy, kFloat, {{Kind::scale, Kind::unary}, kFloat, Unary::hard_sigmoid}},
      {"table of uint8", LayerKind::copy, kByte, {{Kind::table}, kByte}},
      {"table of int8, scale", LayerKind::copy, kSigned, {{Kind::table, Kind::scale}}},
      {.name = "add 3", .kind = LayerKind::add, .form = kFloat, .behind = codes, .inputs = 3},
      {.name = "multiply", .kind = LayerKind::multiply, .form = kSigned, .behind = none, .inputs = 2},
      {.name = "multiply by channels",
       .kind = LayerKind::multiply,
       .form = kFloat,
       .behind = none,
       .inputs = 2,
       .second_is_channels = true},
      {"max_pool", LayerKind::max_pool, kSigned, {{}, kSigned}, 1, 3, 2, 1, 1},
      {"avg_pool", LayerKind::avg_pool, kFloat, none, 1, 3, 2, 1},
      {"global_avg_pool", LayerKind::global_avg_pool, kFloat, codes},
      {"slice", LayerKind::slice, kByte, {{}, kByte}},
      {.name = "shuffle", .kind = LayerKind::shuffle, .form = kFloat, .behind = none, .groups = 2},
      {"upsample", LayerKind::upsample, kByte, {{Kind::scale}}},
      {"pad", LayerKind::pad, kByte, {{Kind::scale}}, 1, 1, 1, 2, 1},
      {"convolve_float 3x3 stride 2", LayerKind::convolve, kFloat, {{Kind::bias}}, 1, 3, 2, 1},
      {"convolve_float 3x3 groups", LayerKind::convolve, kByte, codes, 1, 3, 1, 1, 1, 2},
      {"linear", LayerKind::linear, kFloat, {{Kind::bias}}}};
  return all;
}

Bytes floats_of(const std::vector<float>& values) {
  const auto* data = reinterpret_cast<const uint8_t*>(values.data());
  return {data, data + values.size() * sizeof(float)};
}

// Integers -limit .. limit - 1.
template <typename T>
Bytes integers(int64_t n, uint64_t seed, int64_t limit) {
  std::vector<T> values;
  for (int64_t i = 0; i < n; ++i) {
    const float unit = scalar::random_unit(seed, static_cast<uint64_t>(i));
    values.push_back(static_cast<T>(std::floor(static_cast<float>(2 * limit) * unit) - static_cast<float>(limit)));
  }
  const auto* data = reinterpret_cast<const uint8_t*>(values.data());
  return {data, data + values.size() * sizeof(T)};
}

Bytes values_of(ValueForm form, int64_t n, uint64_t seed) {
  if (form == ValueForm::float32) return random_floats(n, seed, false);
  return form == ValueForm::int32 ? integers<int32_t>(n, seed, 1 << 16) : random_bytes(n, seed);
}

// The operation without addresses.
LayerOp shape_of(const LayerCase& layer, int64_t size) {
  LayerOp op;
  op.kind = layer.kind;
  op.batch = 1 + size % 2;
  op.window.channels = 2 + 2 * (size % 5);
  const int64_t pixels = size / (op.batch * op.window.channels);
  constexpr int64_t kWidest = 61;
  op.window.width = std::min(kWidest, std::max<int64_t>(layer.kernel, pixels));
  op.window.height = std::max(layer.kernel, pixels / op.window.width);
  op.window.kernel = layer.kernel;
  op.window.stride = layer.stride;
  op.window.padding = layer.padding;
  op.window.extra_padding = layer.extra_padding;
  op.window.groups = layer.groups;
  op.window.out_channels = layer.kind == LayerKind::slice ? 1 : 2 * (1 + size % 3);
  op.second_is_channels = layer.second_is_channels;
  op.begin = layer.kind == LayerKind::slice ? 1 : 0;
  op.size = 1 + size % kWidest;
  op.fill = 5.0F;
  op.image.kind = layer.image;
  op.inputs.resize(static_cast<size_t>(layer.inputs));
  for (ValueView& input : op.inputs) input.form = layer.form;
  return op;
}

int64_t depth_of(const LayerOp& op) {
  const Window& w = op.window;
  return op.kind == LayerKind::linear ? w.channels * w.height * w.width : w.channels / w.groups * w.kernel * w.kernel;
}

// Inputs of the case: those of the operation, then weights or mean, deviation, k, b, table.
KernelCase start_case(const LayerCase& layer, const LayerOp& op, uint64_t seed) {
  const Window& w = op.window;
  const LayerExtents out = extents_of(op);
  const int64_t n = op.batch * w.channels * w.height * w.width;
  const bool is_integer = !layer.behind.kinds.empty() && layer.behind.kinds[0] == Kind::integer;
  KernelCase c;
  for (int64_t i = 0; i < layer.inputs; ++i)
    c.inputs.push_back(values_of(layer.form, i == 1 && op.second_is_channels ? op.batch * w.channels : n,
                                 seed + static_cast<uint64_t>(i)));
  c.inputs.push_back(random_floats(w.out_channels * depth_of(op), seed + 20, false));
  c.inputs.push_back(random_floats(w.channels, seed + 21, false));
  c.inputs.push_back(random_floats(w.channels, seed + 22, false));
  c.inputs.push_back(is_integer ? integers<float>(out.channels, seed + 23, 127)
                                : random_floats(out.channels, seed + 23, false));
  c.inputs.push_back(is_integer ? integers<float>(out.channels, seed + 24, 2000)
                                : random_floats(out.channels, seed + 24, false));
  std::vector<float> table;
  for (int i = 0; i < 256; ++i) table.push_back(static_cast<float>(i * 37 % 101));
  c.inputs.push_back(floats_of(table));
  c.output_bytes = {op.batch * out.channels * out.height * out.width * bytes_of(layer.behind.form)};
  return c;
}

LayerOp placed(const LayerOp& shape, const Operands& o) {
  const auto numbers = [&](size_t i) { return static_cast<const float*>(o.inputs[shape.inputs.size() + i]); };
  LayerOp op = shape;
  for (size_t i = 0; i < op.inputs.size(); ++i) op.inputs[i].data = o.inputs[i];
  op.weights = numbers(0);
  op.image.mean = numbers(1);
  op.image.deviation = numbers(2);
  return op;
}

LayerFinish finish_of(const LayerCase& layer, const LayerOp& op, const Operands& o) {
  const auto numbers = [&](size_t i) { return static_cast<const float*>(o.inputs[op.inputs.size() + i]); };
  LayerFinish finish;
  finish.data = o.outputs[0];
  finish.form = layer.behind.form;
  finish.channels = extents_of(op).channels;
  for (const Kind kind : layer.behind.kinds) {
    ElementOp& element = finish.ops[finish.count++];
    element.kind = kind;
    element.k = numbers(3);
    element.b = numbers(4);
    element.table = numbers(5);
    element.lowest = layer.form == ValueForm::int8 ? -128 : 0;
    element.shift = 5;
    element.range = layer.behind.form == ValueForm::int8 ? CodeRange{-127.0F, 127.0F, layer.behind.half_away}
                                                         : CodeRange{0.0F, 15.0F, layer.behind.half_away};
    element.unary = layer.behind.unary;
  }
  return finish;
}

}  // namespace

std::vector<KernelRow> layer_rows() {
  std::vector<KernelRow> rows;
  for (const LayerCase& layer : cases())
    rows.push_back({std::string("layer ") + layer.name, false, [layer](int64_t size, uint64_t seed) {
                      const LayerOp shape = shape_of(layer, size);
                      KernelCase c = start_case(layer, shape, seed);
                      c.cpu = [=](const Operands& o) { run_layer(placed(shape, o), finish_of(layer, shape, o)); };
                      c.cuda = [=](const Operands& o, void* stream) {
                        run_layer_cuda(placed(shape, o), finish_of(layer, shape, o), stream);
                      };
                      return c;
                    }});
  return rows;
}

}  // namespace carat
