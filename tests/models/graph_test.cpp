// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "models/graph/graph.h"
#include "models/weights/graph_json.h"
#include "tests/support/files.h"

namespace carat {
namespace {

LayerSpec layer_of(OpKind op, std::vector<std::string> inputs) {
  LayerSpec layer;
  layer.name = "x";
  layer.op = op;
  layer.inputs = std::move(inputs);
  return layer;
}

LayerSpec input_of(const Shape& shape) {
  LayerSpec layer;
  layer.name = "input";
  layer.input_shape = shape;
  return layer;
}

TEST(Shapes, EveryWindowedOperation) {
  LayerSpec conv = layer_of(OpKind::conv, {"input"});
  conv.out_channels = 6;
  conv.kernel = 3;
  conv.stride = 2;
  conv.padding = 1;
  conv.groups = 3;
  EXPECT_EQ(infer_shape(conv, {{3, 7, 8}}), (Shape{6, 4, 4}));
  LayerSpec pool = layer_of(OpKind::avg_pool, {"input"});
  pool.kernel = pool.stride = 2;
  EXPECT_EQ(infer_shape(pool, {{3, 7, 8}}), (Shape{3, 3, 4}));
  LayerSpec up = layer_of(OpKind::upsample, {"input"});
  up.size = 6;
  EXPECT_EQ(infer_shape(up, {{2, 2, 1}}), (Shape{2, 6, 6}));
  conv.groups = 1;
  conv.extra_padding = 1;
  EXPECT_EQ(infer_shape(conv, {{3, 7, 8}}), (Shape{6, 4, 5}));
  LayerSpec slice = layer_of(OpKind::slice, {"input"});
  slice.begin = 1;
  slice.out_channels = 2;
  EXPECT_EQ(infer_shape(slice, {{3, 7, 8}}), (Shape{2, 7, 8}));
  EXPECT_EQ(message_of([&] {
              infer_shape(slice, {{2, 7, 8}});
            }),
            "layer x: channels 1 to 2 are not among the 2 of its input");
  LayerSpec shuffle = layer_of(OpKind::shuffle, {"input"});
  shuffle.groups = 2;
  EXPECT_EQ(infer_shape(shuffle, {{4, 7, 8}}), (Shape{4, 7, 8}));
  EXPECT_EQ(message_of([&] { infer_shape(shuffle, {{3, 7, 8}}); }), "layer x: 2 groups do not divide 3 channels");
  EXPECT_EQ(infer_shape(layer_of(OpKind::concat, {}), {{2, 4, 4}, {3, 4, 4}}), (Shape{5, 4, 4}));
  EXPECT_EQ(infer_shape(layer_of(OpKind::multiply, {}), {{2, 4, 4}, {2, 1, 1}}), (Shape{2, 4, 4}));
  EXPECT_EQ(infer_shape(layer_of(OpKind::global_avg_pool, {}), {{9, 4, 4}}), (Shape{9, 1, 1}));
}

TEST(Graph, SaysWhatIsWrong) {
  const auto build = [](LayerSpec layer) { ModelGraph("net", {input_of({3, 8, 8}), std::move(layer)}); };
  EXPECT_EQ(message_of([&] { build(layer_of(OpKind::relu, {"inputt"})); }),
            "layer x: input 'inputt' is not an earlier layer");
  EXPECT_EQ(message_of([&] { build(layer_of(OpKind::add, {"input"})); }), "layer x: add takes 2 to 16 inputs, got 1");
  LayerSpec conv = layer_of(OpKind::conv, {"input"});
  conv.out_channels = 4;
  conv.groups = 2;
  EXPECT_EQ(message_of([&] { build(conv); }), "layer x: 2 groups do not divide 3 input and 4 output channels");
  conv.groups = 1;
  conv.kernel = 9;
  EXPECT_EQ(message_of([&] { build(conv); }), "layer x: a 9x9 window does not fit an input of 8 pixels");
  LayerSpec relu = layer_of(OpKind::relu, {"input"});
  relu.is_masked = true;
  EXPECT_EQ(message_of([&] { build(relu); }), "layer x: a relu has no weights to compress");
  relu.is_masked = false;
  relu.name = "input";
  EXPECT_EQ(message_of([&] { build(relu); }), "layer input: the name is used twice");
  EXPECT_EQ(message_of([&] { ModelGraph("net", {input_of({0, 8, 8})}); }), "layer input: empty input shape 0x8x8");
}

TEST(Graph, ABorderIsACode) {
  LayerSpec codes = layer_of(OpKind::activation_quant, {"input"});
  codes.quant = QuantSpec::unsigned_tensor(4);
  LayerSpec border = layer_of(OpKind::pad, {"x"});
  border.name = "border";
  border.padding = 1;
  border.fill = 15;
  EXPECT_EQ(ModelGraph("net", {input_of({3, 4, 4}), codes, border}).shape_of("border"), (Shape{3, 6, 6}));
  for (const int64_t fill : {-1, 16}) {
    border.fill = fill;
    try {
      ModelGraph("net", {input_of({3, 4, 4}), codes, border});
      ADD_FAILURE() << fill;
    } catch (const Error& error) {
      EXPECT_EQ(error.what(),
                "layer border: expected a border among the codes 0 to 15 of 'x', got " + std::to_string(fill));
    }
  }
}

TEST(Graph, UnusedResultIsAnError) {
  LayerSpec a = layer_of(OpKind::relu, {"input"});
  a.name = "a";
  LayerSpec b = layer_of(OpKind::sigmoid, {"input"});
  b.name = "b";
  EXPECT_EQ(message_of([&] { ModelGraph("net", {input_of({1, 2, 2}), a, b}); }), "layer a: its result is not used");
}

TEST(Quant, IllegalCombinationsCannotBeBuilt) {
  EXPECT_THROW(QuantSpec::symmetric(1, Granularity::kernel), Error);
  EXPECT_THROW(QuantSpec::unsigned_tensor(17), Error);
  EXPECT_EQ(QuantSpec::symmetric(4, Granularity::kernel).lowest_code(), -7);
  EXPECT_EQ(QuantSpec::unsigned_tensor(4).highest_code(), 15);
}

TEST(GraphJson, MalformedTextIsOneLine) {
  EXPECT_EQ(message_of([] { graph_from_json("{}", "f"); }).substr(0, 3), "f: ");
  const std::string unknown = R"({"name":"n","layers":[{"name":"input","op":"inptu","shape":[1,1,1]}]})";
  EXPECT_EQ(message_of([&] { graph_from_json(unknown, "f"); }), "f: unknown operation 'inptu', did you mean 'input'?");
}

}  // namespace
}  // namespace carat
