// SPDX-License-Identifier: Apache-2.0
// The CUDA executor against the reference, value by value: on a GPU, and on the CPU in the emulation of CUDA.
#include "models/packed/cuda_executor.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "models/packed/fast_executor.h"
#include "tests/support/compare_executors.h"
#include "tests/support/files.h"
#include "tests/support/float_mix.h"
#include "tests/support/random_fused.h"

namespace carat {
namespace {

class CudaExecution : public testing::Test {
 protected:
  void SetUp() override {
    if (cuda_device_count() == 0) GTEST_SKIP() << "no GPU";
  }
};

TEST_F(CudaExecution, AgreesOnRandomNetworks) {
  constexpr int64_t kSeeds = 150;
  int64_t compared = 0;
  for (int64_t seed = 1; seed <= kSeeds && !HasFailure(); ++seed)
    compared +=
        compare_with_reference<CudaExecutor>(packed_from_bytes(to_bytes(pack(RandomFused(seed).make())), "f"), seed);
  EXPECT_GT(compared, kSeeds * 1000);
}

TEST_F(CudaExecution, AgreesOnFloatLayers) {
  for (int64_t seed = 1; seed <= 30 && !HasFailure(); ++seed)
    EXPECT_GT(compare_with_reference<CudaExecutor>(pack(FloatMix(seed).make()), seed), 1000);
}

// Every layer's values differ within an image, so that an equal result says something.
TEST(FloatMixNetwork, IsNotConstant) {
  const PackedModel packed = pack(FloatMix(1).make());
  std::vector<float> logits(static_cast<size_t>(packed.graph.classes()));
  const std::vector<uint8_t> image = random_pixels(packed.graph.input().input_shape.elements(), 1);
  ReferenceExecutor(packed).run_observed(image.data(), logits.data(), [&](size_t layer, const std::vector<float>& v) {
    EXPECT_GE(std::set<float>(v.begin(), v.end()).size(), 4U) << packed.graph.layers()[layer].name;
  });
}

TEST_F(CudaExecution, RefusesWideCodesNamingTheLayer) {
  const auto refusal = [](int64_t code_bits, int64_t weight_bits) -> std::string {
    try {
      const CudaExecutor executor(pack(FloatMix(1).make(code_bits, weight_bits)));
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(refusal(9, 4),
            "layer conv: expected codes of up to 8 bits for the CUDA kernels, got -255 .. 255; use --device cpu");
  EXPECT_NE(refusal(8, 12).find("layer conv: expected weights of up to 8 bits for the CUDA kernels, got codes -"),
            std::string::npos);
  EXPECT_EQ(refusal(8, 8), "");
}

TEST_F(CudaExecution, BatchesChangeNothing) {
  for (const int64_t seed : {3, 4, 5}) {
    const PackedModel packed = pack(RandomFused(seed).make());
    const CudaExecutor cuda(packed);
    const int64_t count = cuda.batch() + 17;
    const std::vector<uint8_t> images = random_pixels(packed.graph.input().input_shape.elements() * count, 5);
    std::vector<float> got(static_cast<size_t>(count * 5)), expected = got;
    cuda.run(images.data(), count, got.data());
    FastExecutor(packed).run(images.data(), count, expected.data(), 2);
    EXPECT_EQ(got, expected) << seed;
  }
}

TEST_F(CudaExecution, AgreesOnCommittedResults) {
  for (const char* name : {"demo", "cifar100_demo"}) {
    const PackedModel packed = read_packed(source_folder() + "/results/" + name + "/model.carat");
    EXPECT_GT(compare_with_reference<CudaExecutor>(packed, 1), 1000) << name;
  }
}

}  // namespace
}  // namespace carat
