// SPDX-License-Identifier: Apache-2.0
// Where a network runs. CUDA is loaded at run time, and only when the machine has a GPU.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <string>

namespace carat {

// Registers LibTorch's CUDA backend when the machine has an NVIDIA driver and the wheel its CUDA libraries. Must be the
// first statement of main: LibTorch remembers its first answer about CUDA.
void load_cuda();

// Memory of freed tensors stays in the process. Without it every large tensor is fetched from and given back to the
// kernel, and page faults take half the time of a wide network on the CPU.
void keep_freed_memory();

// "auto" (a GPU when there is one), "cpu" or "cuda". Throws Error for another word, or cuda without a usable GPU.
c10::Device device_named(const std::string& name);

// A copy on the device of a tensor in the CPU's memory; does not wait for what a GPU has still to do.
at::Tensor sent_to(const at::Device& device, const at::Tensor& tensor);

// Name, LibTorch version, instruction set and threads: everything that can change a float result, for store keys.
std::string describe_device(const c10::Device& device);

}  // namespace carat
