// SPDX-License-Identifier: Apache-2.0
// The fast executor against the reference on random networks, value by value; the packed format on every kind.
#include <gtest/gtest.h>
#include <hwy/highway.h>

#include <map>

#include "models/packed/arena.h"
#include "models/packed/fast_executor.h"
#include "models/packed/reference_executor.h"
#include "tests/support/compare_executors.h"
#include "tests/support/float_mix.h"
#include "tests/support/random_fused.h"

namespace carat {
namespace {

// Packed, read back and executed.
int64_t compare_on(const Model& model, int64_t seed) {
  return compare_with_reference<FastExecutor>(packed_from_bytes(to_bytes(pack(model)), "f"), seed);
}

void compare_executors(int64_t seeds) {
  for (int64_t seed = 1; seed <= seeds && !testing::Test::HasFailure(); ++seed) {
    EXPECT_GT(compare_on(RandomFused(seed).make(), seed), 100);
    EXPECT_GT(compare_on(FloatMix(seed).make(2 + seed % 15, 2 + seed % 12), seed), 100);
  }
}

TEST(Executors, AgreeOnRandomNetworks) { compare_executors(150); }
// Whatever this machine would choose: the baseline's vectors give the same bits.
TEST(Executors, AgreeOnTheBaselineInstructionSet) {
  hwy::SetSupportedTargetsForTest(HWY_STATIC_TARGET);
  compare_executors(60);
  hwy::SetSupportedTargetsForTest(0);
}
TEST(FullExecutors, AgreeOnManyRandomNetworks) { compare_executors(5000); }

TEST(Executors, ThreadsAndSharingChangeNothing) {
  const PackedModel packed = pack(RandomFused(3).make());
  const FastExecutor fast(packed);
  const std::vector<uint8_t> images = random_pixels(packed.graph.input().input_shape.elements() * 17, 5);
  std::vector<float> one(17 * 5), four(17 * 5);
  fast.run(images.data(), 17, one.data(), 1);
  fast.run(images.data(), 17, four.data(), 4);
  EXPECT_EQ(one, four);
}

TEST(PackedKinds, EveryKindComesBackWhole) {
  std::map<std::string, int> kinds;
  for (int64_t seed = 1; seed <= 100; ++seed) {
    const Model model = RandomFused(seed).make();
    const std::string bytes = to_bytes(pack(model));
    const Model back = unpack(packed_from_bytes(bytes, "f"));
    ASSERT_EQ(back.graph, model.graph);
    ASSERT_EQ(back.buffers, model.buffers) << seed;
    ASSERT_EQ(back.masks, model.masks) << seed;
    for (const Section& section : pack(model).sections)
      ++kinds[name_of(section) + " " + std::string(name_of(section.mask))];
  }
  for (const char* kind : {"signs none", "signs bit", "2-bit indices bit", "3-bit indices none", "2-bit codes block",
                           "8-bit codes block", "fp16 none", "float32 none", "3-bit unsigned codes none"})
    EXPECT_GT(kinds[kind], 0) << kind;
}

TEST(Arena, BlocksThatLiveTogetherDoNotOverlap) {
  Random random({1, "test", "arena", 0});
  for (int round = 0; round < 200; ++round) {
    std::vector<ArenaBlock> blocks(20);
    for (ArenaBlock& block : blocks) {
      block.bytes = 1 + random.below(1000);
      block.first = random.below(20);
      block.last = block.first + random.below(5);
    }
    const int64_t total = place_blocks(blocks);
    for (size_t i = 0; i < blocks.size(); ++i) {
      ASSERT_LE(blocks[i].offset + blocks[i].bytes, total);
      for (size_t j = 0; j < i; ++j) {
        const bool together = blocks[i].first <= blocks[j].last && blocks[j].first <= blocks[i].last;
        const bool apart = blocks[i].offset + blocks[i].bytes <= blocks[j].offset ||
                           blocks[j].offset + blocks[j].bytes <= blocks[i].offset;
        ASSERT_TRUE(!together || apart);
      }
    }
  }
}

}  // namespace
}  // namespace carat
