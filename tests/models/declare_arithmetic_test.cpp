// SPDX-License-Identifier: Apache-2.0
#include "models/weights/declare_arithmetic.h"

#include <gtest/gtest.h>

#include "models/graph/builder.h"
#include "tests/support/files.h"

namespace carat {
namespace {

// input, activation quantizer, Scale layer in fp16 with bias.
Model small_model(float scale) {
  GraphBuilder net("net");
  LayerSpec quant;
  quant.name = "quant";
  quant.op = OpKind::activation_quant;
  quant.inputs = {net.input({1, 2, 2})};
  quant.quant = QuantSpec::unsigned_tensor(4, Rounding::half_away);
  quant.has_unit_scale = true;
  LayerSpec layer;
  layer.name = "scale";
  layer.op = OpKind::scale;
  layer.inputs = {net.add(quant)};
  layer.arithmetic = Arithmetic::fp16;
  layer.has_bias = true;
  net.add(layer);
  Model model = initialize(net.build(), 1);
  model.buffer("scale.scale").values = {scale};
  model.buffer("scale.bias").values = {0.1F};
  return model;
}

TEST(DeclareArithmetic, RoundsWhatIsStoredInFp16) {
  const Model model = small_model(1.0F / 3.0F);
  const Model half = with_scale_arithmetic(model, Arithmetic::fp16_strict);
  EXPECT_EQ(half.graph.layer("scale").arithmetic, Arithmetic::fp16_strict);
  EXPECT_EQ(half.buffer("scale.scale").values[0], 0.333251953125F);  // 1365 / 4096
  EXPECT_EQ(half.buffer("scale.bias").values[0], 0.0999755859375F);  // 1638 / 16384
  const Model single = with_scale_arithmetic(model, Arithmetic::float32);
  EXPECT_EQ(single.graph.layer("scale").arithmetic, Arithmetic::float32);
  EXPECT_EQ(single.buffers, model.buffers);
  EXPECT_EQ(message_of([] { with_scale_arithmetic(small_model(70000.0F), Arithmetic::fp16); }),
            "buffer scale.scale: value 0: expected a number that fp16 can hold, got 70000");
}

TEST(DeclareArithmetic, ChangesTheRoundingOfActivations) {
  const Model model = small_model(1.0F);
  const Model even = with_activation_rounding(model, Rounding::half_even);
  EXPECT_EQ(*even.graph.layer("quant").quant, QuantSpec::unsigned_tensor(4, Rounding::half_even));
  EXPECT_EQ(with_activation_rounding(even, Rounding::half_away).graph, model.graph);
}

TEST(DeclareArithmetic, KeepsFp16WhereTheNumbersAllowIt) {
  Model model = small_model(0.5F);
  EXPECT_EQ(with_needed_arithmetic(model).graph.layer("scale").arithmetic, Arithmetic::float32);  // the bias 0.1
  model.buffer("scale.bias").values = {0.25F};
  EXPECT_EQ(with_needed_arithmetic(model).graph, model.graph);
}

}  // namespace
}  // namespace carat
