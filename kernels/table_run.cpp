// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "kernels/device.h"
#include "kernels/scalar/random.h"
#include "kernels/table.h"

namespace carat {

int64_t KernelCase::bytes_moved() const {
  int64_t moved = 0;
  for (const Bytes& input : inputs) moved += static_cast<int64_t>(input.size());
  for (const int64_t output : output_bytes) moved += output;
  return moved;
}

std::vector<Bytes> run_on_cpu(const KernelCase& kernel_case) {
  std::vector<Bytes> outputs;
  for (const int64_t size : kernel_case.output_bytes) outputs.emplace_back(static_cast<size_t>(size));
  Operands operands;
  for (const Bytes& input : kernel_case.inputs) operands.inputs.push_back(input.data());
  for (Bytes& output : outputs) operands.outputs.push_back(output.data());
  Bytes workspace(static_cast<size_t>(kernel_case.workspace_bytes));
  operands.workspace = workspace.data();
  kernel_case.cpu(operands);
  return outputs;
}

std::vector<Bytes> run_on_cuda(const KernelCase& kernel_case) {
  std::vector<DeviceMemory> inputs;
  std::vector<DeviceMemory> outputs;
  Operands operands;
  for (const Bytes& input : kernel_case.inputs) {
    inputs.emplace_back(static_cast<int64_t>(input.size())).upload(input.data());
    operands.inputs.push_back(inputs.back().data());
  }
  for (const int64_t size : kernel_case.output_bytes) operands.outputs.push_back(outputs.emplace_back(size).data());
  DeviceMemory workspace(kernel_case.workspace_bytes);
  operands.workspace = workspace.data();
  kernel_case.cuda(operands, nullptr);
  std::vector<Bytes> results;
  for (const DeviceMemory& output : outputs)
    output.download(results.emplace_back(static_cast<size_t>(output.bytes())).data());
  return results;
}

Bytes random_bytes(int64_t n, uint64_t seed) {
  Bytes result;
  result.reserve(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i)
    result.push_back(static_cast<uint8_t>(scalar::random_bits(seed, static_cast<uint64_t>(i))));
  return result;
}

Bytes random_floats(int64_t n, uint64_t seed, bool specials) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kSpecials[] = {0.0F,
                                 -0.0F,
                                 0.5F,
                                 -0.5F,
                                 1.5F,
                                 2.5F,
                                 -1.5F,
                                 0.49999997F,
                                 1e30F,
                                 -1e30F,
                                 kInfinity,
                                 -kInfinity,
                                 std::numeric_limits<float>::quiet_NaN(),
                                 1e-42F,
                                 -8388609.0F};
  std::vector<float> values;
  values.reserve(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) values.push_back(20.0F * scalar::random_unit(seed, static_cast<uint64_t>(i)) - 10.0F);
  if (specials)
    for (size_t i = 0; i < std::size(kSpecials) && i * 3 < values.size(); ++i) values[i * 3] = kSpecials[i];
  const auto* data = reinterpret_cast<const uint8_t*>(values.data());
  return {data, data + values.size() * sizeof(float)};
}

Bytes positive_floats(int64_t n, uint64_t seed) {
  std::vector<float> values;
  for (int64_t i = 0; i < n; ++i) values.push_back(0.25F + 4.0F * scalar::random_unit(seed, static_cast<uint64_t>(i)));
  const auto* data = reinterpret_cast<const uint8_t*>(values.data());
  return {data, data + values.size() * sizeof(float)};
}

}  // namespace carat
