// SPDX-License-Identifier: Apache-2.0
#include "kernels/layer_ops.h"

#include <gtest/gtest.h>

#include <bit>

#include "base/half.h"
#include "kernels/scalar/half.h"
#include "kernels/scalar/random.h"

namespace carat {
namespace {

void expect_same_half(uint32_t bits) {
  const auto value = std::bit_cast<float>(bits);
  ASSERT_EQ(std::bit_cast<uint32_t>(scalar::round_to_half(value)), std::bit_cast<uint32_t>(round_to_half(value)))
      << bits;
}

// Every fp16 number, every number half way between two, and their neighbours; then random ones.
TEST(ScalarHalf, RoundsAsTheStorageFormatDoes) {
  constexpr uint32_t kStep = 1U << 12;
  for (uint64_t bits = 0; bits < uint64_t{1} << 32; bits += kStep)
    for (const uint32_t near : {0U, 1U, kStep - 1}) expect_same_half(static_cast<uint32_t>(bits) + near);
  for (uint64_t i = 0; i < 1000000; ++i) expect_same_half(static_cast<uint32_t>(scalar::random_bits(1, i)));
}

// Two channels of two pixels, by hand.
TEST(LayerOps, AddsScalesAndQuantizesByHand) {
  const std::vector<uint8_t> a = {1, 2, 3, 4};
  const std::vector<float> b = {0.5F, -4.0F, 0.0F, 100.0F};
  const std::vector<float> k = {1.0F, 0.5F};
  std::vector<int8_t> codes(4);
  LayerOp op;
  op.kind = LayerKind::add;
  op.window = {.channels = 2, .height = 1, .width = 2};
  op.inputs = {{a.data(), ValueForm::uint8}, {b.data(), ValueForm::float32}};
  LayerFinish finish;
  finish.ops[0].k = k.data();
  finish.ops[1].kind = ElementOp::Kind::quantize;
  finish.ops[1].range = {-7.0F, 7.0F, true};
  finish.count = 2;
  finish.data = codes.data();
  finish.form = ValueForm::int8;
  finish.channels = 2;
  run_layer(op, finish);
  EXPECT_EQ(codes, (std::vector<int8_t>{2, -1, 3, 7}));
}

}  // namespace
}  // namespace carat
