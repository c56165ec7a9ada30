// SPDX-License-Identifier: Apache-2.0
#include "models/net/device.h"

#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <dlfcn.h>
#include <torch/cuda.h>
#include <torch/version.h>
#include <unistd.h>

#include "base/fail.h"

namespace carat {

void load_cuda() {
  if (access("/dev/nvidiactl", R_OK) != 0) return;
  dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL);
}

c10::Device device_named(const std::string& name) {
  if (name == "cpu") return c10::Device(c10::kCPU);
  require(name == "auto" || name == "cuda", "--device: expected auto, cpu or cuda, got {}", name);
  if (torch::cuda::is_available()) {
    // Matrix products take TF32 as convolutions do, which holds codes exactly.
    at::globalContext().setAllowTF32CuBLAS(true);
    return c10::Device(c10::kCUDA, 0);
  }
  require(name == "auto",
          "--device cuda: expected a usable NVIDIA GPU, found none (driver, /dev/nvidiactl, "
          "libtorch_cuda.so of the full torch set)");
  return c10::Device(c10::kCPU);
}

at::Tensor sent_to(const at::Device& device, const at::Tensor& tensor) {
  if (!device.is_cuda()) return tensor.to(device, /*non_blocking=*/false, /*copy=*/true);
  // Only page-locked memory is copied without waiting; LibTorch keeps it until the copy is done.
  return tensor.pin_memory().to(device, /*non_blocking=*/true);
}

std::string describe_device(const c10::Device& device) {
  if (device.is_cuda()) return fmt::format("cuda, LibTorch {}", TORCH_VERSION);
  return fmt::format("cpu, LibTorch {}, {}, {} threads", TORCH_VERSION, at::get_cpu_capability(),
                     at::get_num_threads());
}

}  // namespace carat
