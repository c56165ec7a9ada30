// SPDX-License-Identifier: Apache-2.0
// Every kernel that has a CPU specification and a CUDA implementation, as rows: tests and benchmarks run over them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace carat {

using Bytes = std::vector<uint8_t>;

// Addresses on a host or a device, in the order of the case's inputs and outputs.
struct Operands {
  std::vector<const void*> inputs;
  std::vector<void*> outputs;
  void* workspace = nullptr;
};

// One call: what it reads, how much it writes, how it is run.
struct KernelCase {
  std::vector<Bytes> inputs;
  std::vector<int64_t> output_bytes;
  int64_t workspace_bytes = 0;
  std::function<void(const Operands&)> cpu;
  std::function<void(const Operands&, void* stream)> cuda;

  // Inputs and outputs together.
  int64_t bytes_moved() const;
};

struct KernelRow {
  std::string name;
  bool is_elementwise;  // its speed is bound by memory
  // A case of about `size` numbers, a pure function of both arguments; sizes from 1.
  std::function<KernelCase(int64_t size, uint64_t seed)> make;
};

const std::vector<KernelRow>& kernel_table();

// Runs a case: its outputs.
std::vector<Bytes> run_on_cpu(const KernelCase& kernel_case);
// On the CUDA device, waiting for it. Throws Error without one.
std::vector<Bytes> run_on_cuda(const KernelCase& kernel_case);

// The rows of convolutions, which kernel_table() contains.
std::vector<KernelRow> convolution_rows();
// Those of layers.
std::vector<KernelRow> layer_rows();
// Those of training.
std::vector<KernelRow> training_rows();

// Bytes of n pseudo-random numbers; floats include zeros, halves, infinities and NaN where specials is set.
Bytes random_bytes(int64_t n, uint64_t seed);
Bytes random_floats(int64_t n, uint64_t seed, bool specials);
Bytes positive_floats(int64_t n, uint64_t seed);

}  // namespace carat
