// SPDX-License-Identifier: Apache-2.0
// What must hold for any network: random operation lists (rapidcheck).
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "scoring/score_sheet.h"
#include "scoring/walk_builder.h"

namespace carat {
namespace {

struct Layer {
  std::vector<int64_t> nonzeros;
  int64_t length = 1;
  int64_t positions = 1;
  int64_t weight_bits = 4;
  int64_t input_bits = 4;
  int64_t type = 0;
  int64_t accumulator = 0;
};

std::vector<Layer> any_layers() {
  std::vector<Layer> layers(static_cast<size_t>(*rc::gen::inRange(1, 6)));
  for (Layer& layer : layers) {
    layer.length = *rc::gen::inRange(1, 40);
    layer.positions = *rc::gen::inRange(1, 50);
    layer.weight_bits = *rc::gen::inRange(1, 32);
    layer.input_bits = *rc::gen::inRange(1, 32);
    layer.type = *rc::gen::inRange(0, 4);
    layer.accumulator = *rc::gen::inRange(0, 3);
    layer.nonzeros = *rc::gen::container<std::vector<int64_t>>(static_cast<size_t>(*rc::gen::inRange(1, 8)),
                                                               rc::gen::inRange<int64_t>(0, layer.length + 1));
  }
  return layers;
}

Ledger ledger_of(const std::vector<Layer>& layers) {
  Walk walk;
  WalkBuilder builder(walk);
  for (size_t i = 0; i < layers.size(); ++i) {
    const Layer& layer = layers[i];
    builder.begin("layer" + std::to_string(i), "conv2d");
    DotProducts dots;
    dots.per_kernel = layer.nonzeros;
    dots.kernels = static_cast<int64_t>(layer.nonzeros.size());
    dots.length = layer.length;
    dots.positions = layer.positions;
    dots.weight_bits = dots.factor_bits = layer.weight_bits;
    dots.input_bits = layer.input_bits;
    dots.input_type = static_cast<NumberType>(layer.type);
    using Kind = Accumulator::Kind;
    dots.accumulator = !dots.on_integers()      ? Accumulator{Kind::floating, 32}
                       : layer.accumulator == 0 ? Accumulator{Kind::tree, 0}
                       : layer.accumulator == 1 ? Accumulator{Kind::fixed, layer.weight_bits + layer.input_bits}
                                                : Accumulator{Kind::floating, 32};
    StoredTensor tensor;
    tensor.elements = tensor.mask_bits = dots.kernels * layer.length;
    tensor.nonzeros = tensor.values = dots.total();
    tensor.bits = layer.weight_bits;
    builder.dots(std::move(dots), true);
    builder.store(std::move(tensor));
  }
  return charge(walk, policy_named("strict"));
}

bool not_dearer(const Ledger& a, const Ledger& b) {
  return !(b.op_bits() < a.op_bits()) && !(b.storage_bits() < a.storage_bits());
}

TEST(Property, PermutingLayersChangesNothing) {
  EXPECT_TRUE(rc::check([] {
    const std::vector<Layer> layers = any_layers();
    std::vector<Layer> reversed(layers.rbegin(), layers.rend());
    std::rotate(reversed.begin(), reversed.begin() + *rc::gen::inRange<std::ptrdiff_t>(0, std::ssize(reversed)),
                reversed.end());
    const Ledger a = ledger_of(layers);
    const Ledger b = ledger_of(reversed);
    RC_ASSERT(a.op_bits() == b.op_bits());
    RC_ASSERT(a.storage_bits() == b.storage_bits());
  }));
}

TEST(Property, OneMoreZeroNeverRaisesTheScore) {
  EXPECT_TRUE(rc::check([] {
    std::vector<Layer> layers = any_layers();
    const Ledger before = ledger_of(layers);
    Layer& layer = layers[static_cast<size_t>(*rc::gen::inRange<int64_t>(0, std::ssize(layers)))];
    int64_t& kernel = layer.nonzeros[static_cast<size_t>(*rc::gen::inRange<int64_t>(0, std::ssize(layer.nonzeros)))];
    RC_PRE(kernel > 0);
    --kernel;
    RC_ASSERT(not_dearer(ledger_of(layers), before));
  }));
}

TEST(Property, WideningAnOperandNeverLowersTheScore) {
  EXPECT_TRUE(rc::check([] {
    std::vector<Layer> layers = any_layers();
    const Ledger before = ledger_of(layers);
    Layer& layer = layers[static_cast<size_t>(*rc::gen::inRange<int64_t>(0, std::ssize(layers)))];
    ++(*rc::gen::arbitrary<bool>() ? layer.weight_bits : layer.input_bits);
    RC_ASSERT(not_dearer(before, ledger_of(layers)));
  }));
}

// A tree that really holds its operands' widths.
std::map<int64_t, int64_t> simulated_tree(int64_t n, int64_t bits) {
  std::vector<int64_t> row(static_cast<size_t>(n), bits);
  std::map<int64_t, int64_t> additions;
  while (row.size() > 1) {
    std::vector<int64_t> next;
    const int64_t level = *std::max_element(row.begin(), row.end());
    for (size_t i = 0; i + 1 < row.size(); i += 2) {
      ++additions[level];
      next.push_back(level + 1);
    }
    if (row.size() % 2 == 1) next.push_back(row.back());
    row = next;
  }
  return additions;
}

TEST(AdderTree, EqualsASimulationForEveryLengthAndWidth) {
  for (int64_t n = 0; n <= 4096; ++n) {
    const std::map<int64_t, int64_t> base = simulated_tree(n, 1);
    for (int64_t bits = 1; bits <= 16; ++bits) {
      std::map<int64_t, int64_t> expected;
      for (const auto& [width, count] : base) expected[width + bits - 1] = count;
      ASSERT_EQ(adder_tree(n, bits), expected) << n << " products of " << bits << " bits";
    }
  }
}

}  // namespace
}  // namespace carat
