// SPDX-License-Identifier: Apache-2.0
#include "kernels/device.h"
#include "kernels/table.h"
#include "tests/bench/gpu_check/gpu_check.h"

namespace carat {
namespace {

using nlohmann::ordered_json;

constexpr int64_t kSizes[] = {1, 31, 33, 255, 257, 1023, 1025, 4099, 300001};
constexpr int64_t kSmall = 1025;  // largest of a dry run
constexpr int64_t kMovedBytes = int64_t{1} << 29;
constexpr int64_t kProbe = 1 << 16;
constexpr double kBar = 0.85;
constexpr int kRepeats = 7;
constexpr int kCalls = 10;

// "equal", or the first size and seed that differ.
std::string compare(const KernelRow& row, bool dry_run) {
  for (const int64_t size : kSizes)
    for (const uint64_t seed : {1, 2}) {
      if (dry_run && size > kSmall) continue;
      const KernelCase kernel_case = row.make(size, seed);
      const std::vector<Bytes> expected = run_on_cpu(kernel_case);
      if (!dry_run && run_on_cuda(kernel_case) != expected)
        return "differs at size " + std::to_string(size) + ", seed " + std::to_string(seed);
    }
  return dry_run ? kNotMeasured : "equal";
}

double copy_rate(int64_t bytes) {
  DeviceMemory to(bytes / 2);
  DeviceMemory source(bytes / 2);
  const double seconds = device_seconds([&] { device_copy(to.data(), source.data(), bytes / 2); }, kRepeats, kCalls);
  return static_cast<double>(bytes) / seconds * 1e-9;
}

double kernel_rate(const KernelCase& kernel_case) {
  std::vector<DeviceMemory> memory;
  Operands operands;
  for (const Bytes& input : kernel_case.inputs) {
    memory.emplace_back(static_cast<int64_t>(input.size())).upload(input.data());
    operands.inputs.push_back(memory.back().data());
  }
  for (const int64_t size : kernel_case.output_bytes) operands.outputs.push_back(memory.emplace_back(size).data());
  DeviceMemory workspace(kernel_case.workspace_bytes);
  operands.workspace = workspace.data();
  const double seconds = device_seconds([&] { kernel_case.cuda(operands, nullptr); }, kRepeats, kCalls);
  return static_cast<double>(kernel_case.bytes_moved()) / seconds * 1e-9;
}

}  // namespace

bool check_equality(bool dry_run, ordered_json& report) {
  bool passed = true;
  for (const KernelRow& row : kernel_table()) {
    const std::string result = compare(row, dry_run);
    passed = passed && (dry_run || result == "equal");
    report["equality"].push_back({{"kernel", row.name}, {"result", result}});
  }
  return passed;
}

bool check_bandwidth(bool dry_run, ordered_json& report) {
  bool passed = true;
  const double copy = dry_run ? 0.0 : copy_rate(kMovedBytes);
  ordered_json& part = report["bandwidth"];
  part["unit"] = "GB/s read and written";
  part["bar"] = kBar;
  part["device_copy"] = dry_run ? ordered_json(kNotMeasured) : ordered_json(copy);
  for (const KernelRow& row : kernel_table()) {
    if (!row.is_elementwise) continue;
    ordered_json line = {{"kernel", row.name}, {"rate", kNotMeasured}, {"share", kNotMeasured}};
    if (dry_run) {
      run_on_cpu(row.make(kSmall, 1));
    } else {
      const int64_t n = kMovedBytes / (row.make(kProbe, 1).bytes_moved() / (kProbe / 64)) * 64;
      const double rate = kernel_rate(row.make(n, 1));
      line["rate"] = rate;
      line["share"] = rate / copy;
      passed = passed && rate >= kBar * copy;
    }
    part["kernels"].push_back(line);
  }
  return passed;
}

}  // namespace carat
