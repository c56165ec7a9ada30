// SPDX-License-Identifier: Apache-2.0
#include "models/net/fake_quant.h"

#include <torch/torch.h>

#include "models/net/code_kernels.h"

namespace carat {
namespace {

at::Tensor to_codes(const at::Tensor& x, const at::Tensor& inverse_scale, const QuantSpec& spec) {
  if (has_code_kernels(x, inverse_scale)) return codes_by_kernel(x.detach(), inverse_scale, spec);
  at::Tensor codes = x.detach() * inverse_scale;
  round_codes_(codes, spec.rounding());
  return codes.clamp_(static_cast<double>(spec.lowest_code()), static_cast<double>(spec.highest_code()));
}

CodeGrid range_of(const torch::autograd::AutogradContext& context) {
  return {static_cast<float>(context.saved_data.at("lowest").toInt()),
          static_cast<float>(context.saved_data.at("highest").toInt())};
}

struct StraightThrough : torch::autograd::Function<StraightThrough> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x,
                            const at::Tensor& inverse_scale, const QuantSpec& spec, bool passes_everywhere) {
    context->saved_data["everywhere"] = passes_everywhere;
    context->saved_data["lowest"] = spec.lowest_code();
    context->saved_data["highest"] = spec.highest_code();
    if (passes_everywhere)
      context->save_for_backward({inverse_scale});
    else
      context->save_for_backward({inverse_scale, x});
    return to_codes(x, inverse_scale, spec);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const bool everywhere = context->saved_data["everywhere"].toBool();
    if (!everywhere && has_code_kernels(saved[1], saved[0]))
      return {straight_through_by_kernel(gradients[0], saved[1], saved[0], range_of(*context)), {}, {}, {}};
    at::Tensor gradient = gradients[0] * saved[0];
    if (!everywhere) {
      const at::Tensor position = saved[1] * saved[0];
      const auto lowest = static_cast<double>(context->saved_data["lowest"].toInt());
      const auto highest = static_cast<double>(context->saved_data["highest"].toInt());
      gradient = at::where((position >= lowest) & (position <= highest), gradient, 0.0);
    }
    return {gradient, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

void round_codes_(at::Tensor& x, Rounding rounding) {
  if (rounding == Rounding::half_even)
    x.round_();
  else
    x.copy_(at::sign(x) * at::floor(at::abs(x) + 0.5));
}

at::Tensor activation_codes(const at::Tensor& x, const at::Tensor& inverse_scale, const QuantSpec& spec) {
  return StraightThrough::apply(x, inverse_scale, spec, false);
}

at::Tensor weight_codes(const at::Tensor& weights, const at::Tensor& inverse_scale, const QuantSpec& spec) {
  return StraightThrough::apply(weights, inverse_scale, spec, true);
}

}  // namespace carat
