// SPDX-License-Identifier: Apache-2.0
// Every row of the kernel table, at sizes around the edges of warps, blocks and words.
#include "kernels/table.h"

#include <gtest/gtest.h>

#include <set>

#include "kernels/device.h"

namespace carat {
namespace {

constexpr int64_t kSizes[] = {1, 2, 7, 31, 32, 33, 127, 255, 256, 257, 1023, 1024, 1025, 9999};
constexpr int64_t kLarge = 300001;

class KernelTable : public testing::TestWithParam<KernelRow> {};

// Outputs of a CPU run into memory that holds `before`.
std::vector<Bytes> run_over(const KernelCase& kernel_case, uint8_t before) {
  std::vector<Bytes> outputs;
  Operands operands;
  for (const int64_t size : kernel_case.output_bytes) outputs.emplace_back(static_cast<size_t>(size), before);
  for (Bytes& output : outputs) operands.outputs.push_back(output.data());
  for (const Bytes& input : kernel_case.inputs) operands.inputs.push_back(input.data());
  Bytes workspace(static_cast<size_t>(kernel_case.workspace_bytes));
  operands.workspace = workspace.data();
  kernel_case.cpu(operands);
  return outputs;
}

TEST_P(KernelTable, SpecificationWritesEveryByte) {
  for (const int64_t size : kSizes) {
    const KernelCase kernel_case = GetParam().make(size, static_cast<uint64_t>(size));
    EXPECT_EQ(run_over(kernel_case, 0x00), run_over(kernel_case, 0xFF)) << size;
  }
}

TEST_P(KernelTable, CudaEqualsTheSpecification) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "no GPU";
  for (const int64_t size : kSizes)
    for (const uint64_t seed : {1, 2}) {
      const KernelCase kernel_case = GetParam().make(size, seed);
      ASSERT_EQ(run_on_cuda(kernel_case), run_on_cpu(kernel_case)) << "size " << size << ", seed " << seed;
    }
  const KernelCase large = GetParam().make(kLarge, 3);
  ASSERT_EQ(run_on_cuda(large), run_on_cpu(large)) << "size " << kLarge;
}

std::string test_name(const testing::TestParamInfo<KernelRow>& info) {
  std::string name = info.param.name;
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Rows, KernelTable, testing::ValuesIn(kernel_table()), test_name);

TEST(KernelTableNames, AreUnique) {
  std::set<std::string> names;
  for (const KernelRow& row : kernel_table()) EXPECT_TRUE(names.insert(row.name).second) << row.name;
}

}  // namespace
}  // namespace carat
