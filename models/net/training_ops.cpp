// SPDX-License-Identifier: Apache-2.0
#include "models/net/training_ops.h"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <cmath>

#include "base/parallel.h"
#include "kernels/depthwise_gradient.h"
#include "models/net/float_ops.h"
#include "models/net/gpu_ops.h"

namespace carat {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast;

// Our kernels take it: CPU, float32, more than one pixel (channels-last is ambiguous otherwise).
bool is_ours(const at::Tensor& x) {
  return x.device().is_cpu() && x.scalar_type() == at::kFloat && x.dim() == 4 && x.size(2) * x.size(3) > 1;
}

// LibTorch's own parallel_for is serial in files that are not compiled for its OpenMP.
void over_threads(int64_t count, const std::function<void(int64_t, int64_t)>& body) {
  parallel_ranges(count, at::get_num_threads(), body);
}

at::Tensor channels_last(const at::Tensor& x) { return x.contiguous(kChannelsLast); }

at::Tensor empty_values(at::IntArrayRef sizes) {
  return at::empty(sizes, at::TensorOptions().dtype(at::kFloat).memory_format(kChannelsLast));
}

// The pixels of a batch in runs, and per-channel sums of every run; added up in double precision in a fixed order.
class Runs {
 public:
  explicit Runs(const at::Tensor& x)
      : channels(x.size(1)),
        pixels(x.numel() / channels),
        chunk_(norm_chunk(channels)),
        count((pixels + chunk_ - 1) / chunk_) {}

  template <typename Body>
  void each(const Body& body) const {
    over_threads(count, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        body(i, i * chunk_ * channels, PixelRun{std::min(chunk_, pixels - i * chunk_), channels});
    });
  }

  // {C}, from {count, C}.
  std::vector<double> total(const std::vector<float>& parts) const {
    std::vector<double> sums(static_cast<size_t>(channels));
    for (size_t i = 0; i < parts.size(); ++i) sums[i % sums.size()] += static_cast<double>(parts[i]);
    return sums;
  }

  const int64_t channels;
  const int64_t pixels;

 private:
  const int64_t chunk_;

 public:
  const int64_t count;
};

struct Moments {
  std::vector<double> mean;
  std::vector<double> variance;
};

// Source: Chan, Golub, LeVeque 1979: moments of parts, joined.
Moments moments_of(const at::Tensor& x, const Runs& runs) {
  const auto size = static_cast<size_t>(runs.count * runs.channels);
  std::vector<float> means(size);
  std::vector<float> deviations(size);
  const float* data = x.const_data_ptr<float>();
  runs.each([&](int64_t i, int64_t at, PixelRun run) {
    norm_moments(data + at, run, means.data() + i * runs.channels, deviations.data() + i * runs.channels);
  });
  const auto channels = static_cast<size_t>(runs.channels);
  Moments m{std::vector<double>(channels), std::vector<double>(channels)};
  double seen = 0.0;
  for (int64_t i = 0; i < runs.count; ++i) {
    const auto part =
        static_cast<double>(std::min(norm_chunk(runs.channels), runs.pixels - static_cast<int64_t>(seen)));
    const double both = seen + part;
    for (size_t c = 0; c < channels; ++c) {
      const size_t place = static_cast<size_t>(i) * channels + c;
      const double step = static_cast<double>(means[place]) - m.mean[c];
      m.mean[c] += step * part / both;
      m.variance[c] += static_cast<double>(deviations[place]) + step * step * seen * part / both;
    }
    seen = both;
  }
  for (double& v : m.variance) v /= seen;
  return m;
}

at::Tensor to_floats(const std::vector<double>& values) { return torch::tensor(values, at::kDouble).to(at::kFloat); }

// factor = gamma / deviation, offset = beta - mean * factor.
struct NormLine {
  std::vector<double> inverse;
  at::Tensor mean, factor, offset;
};
NormLine line_of(const Moments& m, const BatchNormTensors& norm) {
  const size_t channels = m.mean.size();
  const float* gamma = norm.weight.const_data_ptr<float>();
  const float* beta = norm.bias.const_data_ptr<float>();
  NormLine line;
  std::vector<double> factor(channels);
  std::vector<double> offset(channels);
  line.inverse.resize(channels);
  for (size_t c = 0; c < channels; ++c) {
    line.inverse[c] = 1.0 / std::sqrt(m.variance[c] + norm.epsilon);
    factor[c] = static_cast<double>(gamma[c]) * line.inverse[c];
    offset[c] = static_cast<double>(beta[c]) - m.mean[c] * factor[c];
  }
  line.mean = to_floats(m.mean);
  line.factor = to_floats(factor);
  line.offset = to_floats(offset);
  return line;
}

void move_statistics(const BatchNormTensors& norm, const Moments& m, int64_t pixels) {
  constexpr auto kStep = static_cast<float>(kNormMomentum);
  const double unbiased = static_cast<double>(pixels) / std::max(1.0, static_cast<double>(pixels - 1));
  auto* mean = norm.running_mean.mutable_data_ptr<float>();
  auto* variance = norm.running_var.mutable_data_ptr<float>();
  for (size_t c = 0; c < m.mean.size(); ++c) {
    mean[c] += kStep * (static_cast<float>(m.mean[c]) - mean[c]);
    variance[c] += kStep * (static_cast<float>(m.variance[c] * unbiased) - variance[c]);
  }
}

at::Tensor activated(const at::Tensor& y, OpKind act) {
  if (norm_act_of(act) == NormAct::none) return y;
  LayerSpec behind;
  behind.op = act;
  return run_fast(behind, {y});
}

struct NormActFunction : torch::autograd::Function<NormActFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input, const at::Tensor& weight,
                            const at::Tensor& bias, const BatchNormTensors& norm, int64_t act) {
    const at::Tensor x = channels_last(input);
    const Runs runs(x);
    const Moments moments = moments_of(x, runs);
    const NormLine line = line_of(moments, {weight, bias, {}, {}, norm.epsilon});
    move_statistics(norm, moments, runs.pixels);
    at::Tensor y = empty_values(x.sizes());
    const float* from = x.const_data_ptr<float>();
    auto* to = y.mutable_data_ptr<float>();
    const float* factor = line.factor.const_data_ptr<float>();
    const float* offset = line.offset.const_data_ptr<float>();
    runs.each([&](int64_t, int64_t at, PixelRun run) {
      norm_forward(from + at, run, factor, offset, static_cast<NormAct>(act), to + at);
    });
    context->save_for_backward({x, line.mean, line.factor, line.offset, torch::tensor(line.inverse, at::kDouble)});
    context->saved_data["act"] = act;
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    const at::Tensor dy = channels_last(gradients[0]);
    const Runs runs(x);
    const NormGradient all = {.x = x.const_data_ptr<float>(),
                              .dy = dy.const_data_ptr<float>(),
                              .factor = saved[2].const_data_ptr<float>(),
                              .offset = saved[3].const_data_ptr<float>(),
                              .mean = saved[1].const_data_ptr<float>(),
                              .act = static_cast<NormAct>(context->saved_data["act"].toInt())};
    const auto at_run = [&](int64_t at) {
      NormGradient part = all;
      part.x += at;
      part.dy += at;
      return part;
    };
    std::vector<float> sums(static_cast<size_t>(runs.count * runs.channels));
    std::vector<float> moments(sums.size());
    runs.each([&](int64_t i, int64_t at, PixelRun run) {
      norm_gradient_sums(at_run(at), run, sums.data() + i * runs.channels, moments.data() + i * runs.channels);
    });
    const std::vector<double> sum = runs.total(sums);
    const std::vector<double> moment = runs.total(moments);
    const auto* inverse = saved[4].const_data_ptr<double>();
    std::vector<double> slope(sum.size());
    std::vector<double> level(sum.size());
    std::vector<double> gamma(sum.size());
    for (size_t c = 0; c < sum.size(); ++c) {
      const double factor = static_cast<double>(all.factor[c]) / static_cast<double>(runs.pixels);
      slope[c] = -factor * inverse[c] * inverse[c] * moment[c];
      level[c] = -factor * sum[c];
      gamma[c] = inverse[c] * moment[c];
    }
    at::Tensor dx = empty_values(x.sizes());
    auto* to = dx.mutable_data_ptr<float>();
    const at::Tensor slopes = to_floats(slope);
    const at::Tensor levels = to_floats(level);
    runs.each([&](int64_t, int64_t at, PixelRun run) {
      norm_backward(at_run(at), run, slopes.const_data_ptr<float>(), levels.const_data_ptr<float>(), to + at);
    });
    return {dx, to_floats(gamma), to_floats(sum), {}, {}};
  }
};

// sums over images of {kernel, kernel, C}, in a fixed order, as {C, 1, kernel, kernel}.
at::Tensor depthwise_gradient(const DepthwiseShape& shape, const at::Tensor& x, const at::Tensor& dy) {
  constexpr int64_t kPart = 8;  // images
  const int64_t images = x.size(0);
  const int64_t parts = (images + kPart - 1) / kPart;
  const at::Tensor sums = at::zeros({parts, shape.kernel, shape.kernel, shape.channels});
  auto* to = sums.mutable_data_ptr<float>();
  const float* from = x.const_data_ptr<float>();
  const float* gradient = dy.const_data_ptr<float>();
  const int64_t size = shape.kernel * shape.kernel * shape.channels;
  over_threads(parts, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; ++part)
      for (int64_t n = part * kPart; n < std::min(images, (part + 1) * kPart); ++n)
        depthwise_weight_gradient(shape, from + n * shape.in_height * shape.in_width * shape.channels,
                                  gradient + n * shape.out_height * shape.out_width * shape.channels, to + part * size);
  });
  return sums.sum(0).permute({2, 0, 1}).unsqueeze(1).contiguous();
}

struct DepthwiseFunction : torch::autograd::Function<DepthwiseFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input, const at::Tensor& weights,
                            int64_t stride, int64_t padding) {
    const at::Tensor x = channels_last(input);
    context->save_for_backward({x, weights});
    context->saved_data["stride"] = stride;
    context->saved_data["padding"] = padding;
    return channels_last(at::conv2d(x, weights, {}, stride, padding, 1, x.size(1)));
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    const at::Tensor& weights = saved[1];
    const at::Tensor dy = channels_last(gradients[0]);
    const int64_t stride = context->saved_data["stride"].toInt();
    const int64_t padding = context->saved_data["padding"].toInt();
    const int64_t kernel = weights.size(2);
    const int64_t channels = x.size(1);
    const DepthwiseShape shape = {channels, x.size(2), x.size(3), dy.size(2), dy.size(3), kernel, stride, padding};
    at::Tensor dx;
    if (stride == 1 && padding < kernel)  // the transpose is a convolution with the kernel turned by half a circle
      dx = at::conv2d(dy, weights.flip({2, 3}), {}, 1, kernel - 1 - padding, 1, channels);
    else
      dx = std::get<0>(at::convolution_backward(dy, x, weights, c10::nullopt, {stride, stride}, {padding, padding},
                                                {1, 1}, false, {0, 0}, channels, {true, false, false}));
    return {dx, depthwise_gradient(shape, x, dy), {}, {}};
  }
};

struct GateFunction : torch::autograd::Function<GateFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input, const at::Tensor& gate) {
    const at::Tensor x = channels_last(input);
    const at::Tensor factors = gate.reshape({x.size(0), x.size(1)}).contiguous();
    context->save_for_backward({x, factors});
    at::Tensor z = empty_values(x.sizes());
    each_image(x, [&](int64_t n, int64_t pixels, int64_t channels) {
      const int64_t at = n * pixels * channels;
      gate_forward(x.const_data_ptr<float>() + at, factors.const_data_ptr<float>() + n * channels, pixels, channels,
                   z.mutable_data_ptr<float>() + at);
    });
    return z;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    const at::Tensor dz = channels_last(gradients[0]);
    at::Tensor dx = empty_values(x.sizes());
    at::Tensor gate_gradient = at::empty({x.size(0), x.size(1), 1, 1});
    each_image(x, [&](int64_t n, int64_t pixels, int64_t channels) {
      const int64_t at = n * pixels * channels;
      gate_backward(x.const_data_ptr<float>() + at, dz.const_data_ptr<float>() + at,
                    saved[1].const_data_ptr<float>() + n * channels, pixels, channels,
                    {dx.mutable_data_ptr<float>() + at, gate_gradient.mutable_data_ptr<float>() + n * channels});
    });
    return {dx, gate_gradient};
  }

 private:
  template <typename Body>
  static void each_image(const at::Tensor& x, const Body& body) {
    const int64_t channels = x.size(1);
    const int64_t pixels = x.size(2) * x.size(3);
    over_threads(x.size(0), [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; ++n) body(n, pixels, channels);
    });
  }
};

}  // namespace

NormAct norm_act_of(OpKind op) {
  switch (op) {
    case OpKind::relu:
      return NormAct::relu;
    case OpKind::relu6:
      return NormAct::relu6;
    case OpKind::swish:
      return NormAct::swish;
    case OpKind::hard_swish:
      return NormAct::hard_swish;
    default:
      return NormAct::none;
  }
}

at::Tensor batch_norm_training(const at::Tensor& x, const BatchNormTensors& norm, OpKind act) {
  if (is_ours(x))
    return NormActFunction::apply(x, norm.weight, norm.bias, norm, static_cast<int64_t>(norm_act_of(act)));
  if (const at::Tensor y = batch_norm_on_gpu(x, norm, act); y.defined()) return y;
  const at::Tensor y = at::batch_norm(x, norm.weight, norm.bias, norm.running_mean, norm.running_var, true,
                                      kNormMomentum, norm.epsilon, false);
  return activated(y, act);
}

at::Tensor batch_norm_inference(const at::Tensor& x, const BatchNormTensors& norm, OpKind act) {
  if (!is_ours(x) || at::GradMode::is_enabled()) {
    const at::Tensor y =
        at::batch_norm(x, norm.weight, norm.bias, norm.running_mean, norm.running_var, false, 0.0, norm.epsilon, false);
    return activated(y, act);
  }
  const at::Tensor from = channels_last(x);
  const Runs runs(from);
  const auto doubles = [](const at::Tensor& t) {
    const float* values = t.const_data_ptr<float>();
    return std::vector<double>(values, values + t.numel());
  };
  const NormLine line = line_of({doubles(norm.running_mean), doubles(norm.running_var)}, norm);
  at::Tensor y = empty_values(from.sizes());
  runs.each([&](int64_t, int64_t at, PixelRun run) {
    norm_forward(from.const_data_ptr<float>() + at, run, line.factor.const_data_ptr<float>(),
                 line.offset.const_data_ptr<float>(), norm_act_of(act), y.mutable_data_ptr<float>() + at);
  });
  return y;
}

at::Tensor convolve_training(const LayerSpec& layer, const at::Tensor& x, const at::Tensor& weights) {
  const at::Tensor in = padded(layer, x, 0.0);
  const int64_t padding = layer.extra_padding > 0 ? 0 : layer.padding;
  const bool is_depthwise = layer.groups > 1 && layer.groups == x.size(1) && weights.size(0) == layer.groups;
  if (is_depthwise && is_ours(x) && has_depthwise_gradient(layer.kernel))
    return DepthwiseFunction::apply(in, weights, layer.stride, padding);
  if (is_depthwise)
    if (const at::Tensor y = depthwise_on_gpu(in, weights, layer.stride, padding); y.defined()) return y;
  if (is_on_gpu(in) && layer.kernel == 1 && layer.stride == 1 && layer.groups == 1 && padding == 0)
    return pointwise(in, weights);
  return at::conv2d(in, weights, {}, layer.stride, padding, 1, layer.groups);
}

at::Tensor multiply_training(const at::Tensor& x, const at::Tensor& gate) {
  const bool is_gate = gate.size(2) * gate.size(3) == 1 && gate.size(0) == x.size(0) && gate.size(1) == x.size(1);
  return is_gate && is_ours(x) ? GateFunction::apply(x, gate) : x * gate;
}

}  // namespace carat
