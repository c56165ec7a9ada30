// SPDX-License-Identifier: Apache-2.0
// Our training kernels against LibTorch's operations in double precision: values, gradients, statistics.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "models/net/float_ops.h"
#include "models/net/gpu_ops.h"
#include "models/net/training_ops.h"

namespace carat {
namespace {

struct Case {
  int64_t channels;
  int64_t size;
  OpKind act;
};

// The CPU, and a GPU where there is one.
std::vector<at::Device> devices() {
  std::vector<at::Device> all = {at::Device(at::kCPU)};
  if (torch::cuda::is_available()) all.emplace_back(at::kCUDA, 0);
  return all;
}

// A copy there that wants a gradient.
at::Tensor leaf(const at::Tensor& x, const at::Device& device) {
  return x.to(device, /*non_blocking=*/false, /*copy=*/true).requires_grad_(true);
}

at::Tensor reference(const at::Tensor& x, const BatchNormTensors& norm, OpKind act) {
  const at::Tensor y =
      at::batch_norm(x, norm.weight, norm.bias, norm.running_mean, norm.running_var, true, 0.1, 1e-5, false);
  LayerSpec layer;
  layer.op = act;
  return act == OpKind::batch_norm ? y : run_fast(layer, {y});
}

class NormActTest : public testing::TestWithParam<Case> {};

void compare_norm(const Case& c, const at::Device& device) {
  const int64_t channels = c.channels;
  const int64_t size = c.size;
  const OpKind act = c.act;
  torch::manual_seed(1);
  const at::Tensor x = torch::randn({5, channels, size, size}) * 2 + 3;
  const at::Tensor upstream = torch::randn({5, channels, size, size});
  const auto make = [&](at::ScalarType type, const at::Device& where) {
    torch::manual_seed(2);
    const at::Tensor weight = torch::rand({channels}) + 0.5;
    const at::TensorOptions options = at::TensorOptions(type).device(where);
    return BatchNormTensors{leaf(weight.to(type), where), leaf(torch::randn({channels}).to(type), where),
                            torch::zeros({channels}, options), torch::ones({channels}, options), 1e-5};
  };
  const BatchNormTensors ours = make(at::kFloat, device);
  const BatchNormTensors theirs = make(at::kDouble, at::kCPU);
  const at::Tensor a = leaf(x, device);
  const at::Tensor b = x.to(at::kDouble).requires_grad_(true);
  const at::Tensor y = batch_norm_training(a, ours, act);
  const at::Tensor z = reference(b, theirs, act);
  y.backward(upstream.to(device));
  z.backward(upstream.to(at::kDouble));
  const auto difference = [](const at::Tensor& got, const at::Tensor& want) {
    return (got.to(at::kCPU, at::kDouble) - want).abs().max().item<double>() / (1.0 + want.abs().max().item<double>());
  };
  EXPECT_LT(difference(y.detach(), z.detach()), 2e-6);
  EXPECT_LT(difference(a.grad(), b.grad()), 1e-5);
  EXPECT_LT(difference(ours.weight.grad(), theirs.weight.grad()), 1e-5);
  EXPECT_LT(difference(ours.bias.grad(), theirs.bias.grad()), 1e-5);
  EXPECT_LT(difference(ours.running_mean, theirs.running_mean), 1e-6);
  EXPECT_LT(difference(ours.running_var, theirs.running_var), 1e-5);
  const torch::NoGradGuard no_grad;
  const at::Tensor inferred = batch_norm_inference(x.to(device), ours, act);
  at::Tensor wanted = at::batch_norm(x.to(at::kDouble), theirs.weight, theirs.bias, theirs.running_mean,
                                     theirs.running_var, false, 0.1, 1e-5, false);
  LayerSpec layer;
  layer.op = act;
  if (act != OpKind::batch_norm) wanted = run_fast(layer, {wanted});
  EXPECT_LT(difference(inferred, wanted), 2e-6);
}

TEST_P(NormActTest, EqualsDoublePrecision) {
  for (const at::Device& device : devices()) {
    SCOPED_TRACE(device.str());
    compare_norm(GetParam(), device);
  }
}

// Channels that fill vectors, that do not, and more pixels than one run.
INSTANTIATE_TEST_SUITE_P(All, NormActTest,
                         testing::Values(Case{16, 7, OpKind::batch_norm}, Case{12, 5, OpKind::relu},
                                         Case{3, 9, OpKind::relu6}, Case{136, 3, OpKind::swish},
                                         Case{17, 6, OpKind::hard_swish}, Case{24, 32, OpKind::swish}));

struct Depthwise {
  int64_t channels;
  int64_t kernel;
  int64_t stride;
  int64_t padding;
  int64_t extra;
};

class DepthwiseTest : public testing::TestWithParam<Depthwise> {};

TEST_P(DepthwiseTest, GradientsEqualLibTorchs) {
  const Depthwise c = GetParam();
  torch::manual_seed(1);
  LayerSpec layer;
  layer.op = OpKind::conv;
  layer.out_channels = layer.groups = c.channels;
  layer.kernel = c.kernel;
  layer.stride = c.stride;
  layer.padding = c.padding;
  layer.extra_padding = c.extra;
  const at::Tensor x = torch::randn({9, c.channels, 11, 11});
  const at::Tensor w = torch::randn({c.channels, 1, c.kernel, c.kernel});
  const at::Tensor b = leaf(x.to(at::kDouble), at::kCPU);
  const at::Tensor bw = leaf(w.to(at::kDouble), at::kCPU);
  const at::Tensor z = at::conv2d(padded(layer, b, 0.0), bw, {}, c.stride, c.extra > 0 ? 0 : c.padding, 1, c.channels);
  const at::Tensor upstream = torch::randn(z.sizes());
  z.backward(upstream.to(at::kDouble));
  for (const at::Device& device : devices()) {
    SCOPED_TRACE(device.str());
    const at::Tensor a = leaf(x, device);
    const at::Tensor aw = leaf(w, device);
    const at::Tensor y = convolve_training(layer, a, aw);
    y.backward(upstream.to(device));
    // cuDNN, which takes kernels of 9 pixels, may round to TF32.
    const double factor = device.is_cuda() && c.kernel > 7 ? 100.0 : 1.0;
    EXPECT_LT((y.cpu() - z).abs().max().item<double>(), factor * 1e-4);
    EXPECT_LT((a.grad().cpu() - b.grad()).abs().max().item<double>(), factor * 1e-4);
    EXPECT_LT((aw.grad().cpu() - bw.grad()).abs().max().item<double>() / bw.grad().abs().max().item<double>(),
              factor * 1e-5);
  }
}

TEST(Pointwise, IsAConvolution) {
  torch::manual_seed(1);
  const at::Tensor x = torch::randn({3, 20, 4, 5});
  const at::Tensor w = torch::randn({7, 20, 1, 1});
  const at::Tensor b = leaf(x, at::kCPU);
  const at::Tensor bw = leaf(w, at::kCPU);
  const at::Tensor z = at::conv2d(b, bw);
  const at::Tensor upstream = torch::randn(z.sizes());
  z.backward(upstream);
  for (const at::Device& device : devices()) {
    SCOPED_TRACE(device.str());
    const double tolerance = device.is_cuda() ? 2e-2 : 1e-5;  // TF32 there
    const at::Tensor a = leaf(x, device);
    const at::Tensor aw = leaf(w, device);
    const at::Tensor y = pointwise(a, aw);
    y.backward(upstream.to(device));
    EXPECT_TRUE(y.is_contiguous(at::MemoryFormat::ChannelsLast));
    EXPECT_LT((y.cpu() - z).abs().max().item<double>(), tolerance);
    EXPECT_LT((a.grad().cpu() - b.grad()).abs().max().item<double>(), tolerance);
    EXPECT_LT((aw.grad().cpu() - bw.grad()).abs().max().item<double>(), tolerance * 5);
  }
}

INSTANTIATE_TEST_SUITE_P(All, DepthwiseTest,
                         testing::Values(Depthwise{16, 3, 1, 1, 0}, Depthwise{20, 3, 2, 1, 0},
                                         Depthwise{19, 3, 2, 0, 1}, Depthwise{33, 5, 1, 2, 0}, Depthwise{8, 7, 2, 3, 0},
                                         Depthwise{16, 9, 1, 4, 0}));

TEST(Gate, GradientsEqualLibTorchs) {
  torch::manual_seed(1);
  const at::Tensor x = torch::randn({3, 21, 4, 5});
  const at::Tensor gate = torch::randn({3, 21, 1, 1});
  const at::Tensor a = x.clone().requires_grad_(true);
  const at::Tensor ag = gate.clone().requires_grad_(true);
  const at::Tensor b = x.clone().requires_grad_(true);
  const at::Tensor bg = gate.clone().requires_grad_(true);
  const at::Tensor upstream = torch::randn(x.sizes());
  multiply_training(a, ag).backward(upstream);
  (b * bg).backward(upstream);
  EXPECT_TRUE(at::equal(multiply_training(x, gate), x * gate));
  EXPECT_TRUE(at::equal(a.grad(), b.grad()));
  EXPECT_LT((ag.grad() - bg.grad()).abs().max().item<double>(), 1e-5);
}

}  // namespace
}  // namespace carat
