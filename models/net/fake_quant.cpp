// SPDX-License-Identifier: Apache-2.0
#include "models/net/fake_quant.h"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "base/parallel.h"
#include "kernels/code_row.h"
#include "models/net/code_kernels.h"

namespace carat {
namespace {

bool takes_rows(const at::Tensor& x, const at::Tensor& inverse_scale) {
  return x.is_cpu() && x.scalar_type() == at::kFloat && x.is_non_overlapping_and_dense() && x.numel() > 0 &&
         inverse_scale.numel() == 1;
}

constexpr int64_t kPart = 1 << 14;  // numbers that one thread takes at a time

template <typename Body>
void over_parts(int64_t n, const Body& body) {
  parallel_ranges((n + kPart - 1) / kPart, at::get_num_threads(),
                  [&](int64_t first, int64_t last) { body(first * kPart, std::min(n, last * kPart) - first * kPart); });
}

at::Tensor to_codes(const at::Tensor& x, const at::Tensor& inverse_scale, const QuantSpec& spec) {
  if (spec.encoding() == Encoding::binary) return at::sign(x.detach());
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

// On the CPU, one pass forward and one backward.
struct RowStraightThrough : torch::autograd::Function<RowStraightThrough> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const CodeRow& row) {
    context->save_for_backward({x});
    context->saved_data["row"] = std::vector<double>{row.inverse, row.zero_point, row.lowest, row.highest, row.scale};
    at::Tensor codes = at::empty_like(x);
    const float* from = x.const_data_ptr<float>();
    float* to = codes.mutable_data_ptr<float>();
    over_parts(x.numel(), [&](int64_t begin, int64_t n) { row_codes(from + begin, n, row, to + begin); });
    return codes;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const at::Tensor x = context->get_saved_variables()[0];
    const std::vector<double> saved = context->saved_data["row"].toDoubleVector();
    const auto part = [&](size_t i) { return static_cast<float>(saved[i]); };
    const CodeRow row = {part(0), part(1), part(2), part(3), false, part(4)};
    at::Tensor g = gradients[0];
    if (g.strides() != x.strides()) g = at::empty_like(x).copy_(gradients[0]);
    at::Tensor dx = at::empty_like(x);
    const float* from = x.const_data_ptr<float>();
    const float* above = g.const_data_ptr<float>();
    float* to = dx.mutable_data_ptr<float>();
    over_parts(x.numel(), [&](int64_t begin, int64_t n) {
      row_straight_through(above + begin, from + begin, n, row, to + begin);
    });
    return {dx, at::Tensor()};
  }
};

// On a GPU, one pass forward and one backward.
struct StepStraightThrough : torch::autograd::Function<StepStraightThrough> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const ActivationGrid& grid,
                            const CodeGrid& codes) {
    context->save_for_backward({x, grid.inverse_scale, grid.scale, grid.zero_point});
    context->saved_data["codes"] = std::vector<double>{codes.lowest, codes.highest};
    return step_values_by_kernel(x.detach(), {grid.inverse_scale, grid.scale, grid.zero_point}, codes);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const std::vector<double> range = context->saved_data["codes"].toDoubleVector();
    const CodeGrid codes = {static_cast<float>(range[0]), static_cast<float>(range[1])};
    const StepTensors step = {saved[1], saved[2], saved[3]};
    return {step_gradients_by_kernel(gradients[0], saved[0], step, codes, {}).x, {}, {}};
  }
};

// A row of one scale on the CPU; its sums are added part by part.
StepGradientTensors learned_gradients(const at::Tensor& gradient, const at::Tensor& x, const CodeRow& row,
                                      double factor) {
  at::Tensor g = gradient;
  if (g.strides() != x.strides()) g = at::empty_like(x).copy_(gradient);
  at::Tensor dx = at::empty_like(x);
  const float* above = g.const_data_ptr<float>();
  const float* from = x.const_data_ptr<float>();
  float* to = dx.mutable_data_ptr<float>();
  const int64_t n = x.numel();
  std::vector<RowSums> parts(static_cast<size_t>((n + kPart - 1) / kPart));
  parallel_ranges(static_cast<int64_t>(parts.size()), at::get_num_threads(), [&](int64_t first, int64_t last) {
    for (int64_t part = first; part < last; ++part) {
      const int64_t begin = part * kPart;
      parts[static_cast<size_t>(part)] =
          row_learned(above + begin, from + begin, std::min(n - begin, kPart), row, to + begin);
    }
  });
  double scale = 0.0;
  double zero = 0.0;
  for (const RowSums& part : parts) {
    scale += static_cast<double>(part.scale);
    zero += static_cast<double>(part.zero_point);
  }
  const at::TensorOptions number = at::TensorOptions(at::kFloat);
  return {dx, at::full({1}, scale * factor, number), at::full({1}, zero * factor, number)};
}

struct LearnedStep : torch::autograd::Function<LearnedStep> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& scale,
                            const std::optional<at::Tensor>& zero_point, const CodeGrid& codes, double factor) {
    const at::Tensor zero = zero_point.value_or(at::Tensor());
    const at::Tensor inverse = at::reciprocal(scale.detach());
    context->save_for_backward({x, inverse, scale, zero});
    context->saved_data["codes"] = std::vector<double>{codes.lowest, codes.highest, factor};
    context->saved_data["half_away"] = codes.rounding == CodeRounding::half_away;
    if (!takes_rows(x, inverse)) return step_values_by_kernel(x.detach(), {inverse, scale, zero}, codes);
    const CodeRow row = row_at({inverse, scale, zero}, codes);
    at::Tensor values = at::empty_like(x);
    const float* from = x.const_data_ptr<float>();
    float* to = values.mutable_data_ptr<float>();
    over_parts(x.numel(), [&](int64_t begin, int64_t n) { row_codes(from + begin, n, row, to + begin); });
    return values;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const StepTensors step = {saved[1], saved[2], saved[3]};
    const std::vector<double> numbers = context->saved_data["codes"].toDoubleVector();
    const bool half_away = context->saved_data["half_away"].toBool();
    const CodeGrid codes = {static_cast<float>(numbers[0]), static_cast<float>(numbers[1]),
                            half_away ? CodeRounding::half_away : CodeRounding::half_even};
    const bool shifts = step.zero_point.defined();
    const StepWish wish = {.scale = true, .zero_point = shifts, .factor = numbers[2]};
    const StepGradientTensors found = takes_rows(saved[0], step.inverse_scale)
                                          ? learned_gradients(gradients[0], saved[0], row_at(step, codes), wish.factor)
                                          : step_gradients_by_kernel(gradients[0], saved[0], step, codes, wish);
    return {found.x, found.scale.view_as(step.scale), shifts ? found.zero_point : at::Tensor(), {}, {}};
  }

 private:
  static CodeRow row_at(const StepTensors& step, const CodeGrid& codes) {
    const float zero = step.zero_point.defined() ? std::nearbyint(step.zero_point.item<float>()) : 0.0F;
    return {
        step.inverse_scale.item<float>(), zero, codes.lowest, codes.highest, codes.rounding == CodeRounding::half_away,
        step.scale.item<float>()};
  }
};

CodeRow row_of(const at::Tensor& inverse_scale, float zero_point, const QuantSpec& spec) {
  const bool shifts = spec.is_shifted();
  return {inverse_scale.item<float>(), zero_point, shifts ? 0.0F : static_cast<float>(spec.lowest_code()),
          static_cast<float>(spec.highest_code()), spec.rounding() == Rounding::half_away};
}

}  // namespace

void round_codes_(at::Tensor& x, Rounding rounding) {
  if (rounding == Rounding::half_even)
    x.round_();
  else
    x.copy_(at::sign(x) * at::floor(at::abs(x) + 0.5));
}

at::Tensor activation_codes(const at::Tensor& x, const at::Tensor& inverse_scale, const QuantSpec& spec) {
  if (takes_rows(x, inverse_scale)) return RowStraightThrough::apply(x, row_of(inverse_scale, 0.0F, spec));
  return StraightThrough::apply(x, inverse_scale, spec, false);
}

at::Tensor shifted_codes(const at::Tensor& x, const at::Tensor& inverse_scale, const at::Tensor& zero_point,
                         const QuantSpec& spec) {
  if (takes_rows(x, inverse_scale))
    return RowStraightThrough::apply(x, row_of(inverse_scale, zero_point.item<float>(), spec));
  if (has_code_kernels(x, inverse_scale))
    return StepStraightThrough::apply(x, ActivationGrid{{}, inverse_scale, zero_point}, step_codes(spec));
  const at::Tensor place = x * inverse_scale + zero_point;
  const QuantSpec codes = QuantSpec::unsigned_tensor(spec.bits(), spec.rounding());
  return activation_codes(place, at::ones({1}, place.options()), codes) - zero_point;
}

at::Tensor quantized_values(const at::Tensor& x, const ActivationGrid& grid, const QuantSpec& spec) {
  if (takes_rows(x, grid.inverse_scale)) {
    const float zero_point = grid.zero_point.defined() ? grid.zero_point.item<float>() : 0.0F;
    CodeRow row = row_of(grid.inverse_scale, zero_point, spec);
    row.scale = grid.scale.item<float>();
    return RowStraightThrough::apply(x, row);
  }
  if (has_code_kernels(x, grid.inverse_scale) && spec.encoding() != Encoding::binary)
    return StepStraightThrough::apply(x, grid, step_codes(spec));
  const at::Tensor codes = grid.zero_point.defined() ? shifted_codes(x, grid.inverse_scale, grid.zero_point, spec)
                                                     : activation_codes(x, grid.inverse_scale, spec);
  return codes * grid.scale;
}

at::Tensor learned_values(const at::Tensor& x, const LearnedGrid& grid, const QuantSpec& spec) {
  const CodeGrid codes = step_codes(spec);
  const double factor = 1.0 / std::sqrt(static_cast<double>(grid.features) * static_cast<double>(codes.highest));
  const at::Tensor dense = x.is_non_overlapping_and_dense() ? x : x.contiguous();
  const std::optional<at::Tensor> zero = grid.zero_point.defined() ? std::optional(grid.zero_point) : std::nullopt;
  return LearnedStep::apply(dense, grid.scale, zero, codes, factor);
}

at::Tensor weight_codes(const at::Tensor& weights, const at::Tensor& inverse_scale, const QuantSpec& spec) {
  return StraightThrough::apply(weights, inverse_scale, spec, true);
}

}  // namespace carat
