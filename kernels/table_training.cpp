// SPDX-License-Identifier: Apache-2.0
// Rows of kernels/step_size.h.
#include "kernels/step_size.h"
#include "kernels/table.h"

namespace carat {
namespace {

const float* floats(const Operands& o, size_t input) { return static_cast<const float*>(o.inputs[input]); }
float* result(const Operands& o, size_t output) { return static_cast<float*>(o.outputs[output]); }

struct StepCase {
  const char* name;
  bool per_kernel;
  bool half_away;
  bool has_zero;
  bool gives_codes;
};

constexpr StepCase kSteps[] = {{"tensor", false, false, false, false},
                               {"tensor codes", false, false, false, true},
                               {"tensor half_away", false, true, false, false},
                               {"tensor zero point", false, false, true, false},
                               {"kernel", true, false, false, false}};

int64_t rows_of(const StepCase& step, int64_t n) {
  if (step.per_kernel)
    for (const int64_t rows : {31, 16, 13, 9, 5, 3, 2})
      if (n % rows == 0) return rows;
  return 1;
}

// Inputs: x, inverses, scales, zero point, g.
KernelCase inputs_of(const StepCase& step, int64_t n, uint64_t seed, bool specials) {
  const int64_t rows = rows_of(step, n);
  KernelCase c;
  c.inputs = {random_floats(n, seed, specials), positive_floats(rows, seed + 1), positive_floats(rows, seed + 2),
              positive_floats(1, seed + 3), random_floats(n, seed + 4, false)};
  return c;
}

StepGrid grid_of(const StepCase& step, int64_t n, const Operands& o) {
  const int64_t rows = rows_of(step, n);
  return {{floats(o, 1), rows},
          {step.gives_codes ? nullptr : floats(o, 2), rows},
          step.has_zero ? floats(o, 3) : nullptr,
          {step.has_zero ? 0.0F : -7.0F, 7.0F, step.half_away ? CodeRounding::half_away : CodeRounding::half_even}};
}

KernelRow values_row(const StepCase& step) {
  return {std::string("step_values ") + step.name, true, [step](int64_t n, uint64_t seed) {
            KernelCase c = inputs_of(step, n, seed, true);
            c.inputs.pop_back();
            c.output_bytes = {4 * n};
            c.cpu = [=](const Operands& o) { step_values(floats(o, 0), n, grid_of(step, n, o), result(o, 0)); };
            c.cuda = [=](const Operands& o, void* stream) {
              step_values_cuda(floats(o, 0), n, grid_of(step, n, o), result(o, 0), stream);
            };
            return c;
          }};
}

KernelRow gradients_row(const StepCase& step, bool learns) {
  return {std::string("step_gradients ") + step.name + (learns ? " learned" : ""), !learns,
          [=](int64_t n, uint64_t seed) {
            const int64_t rows = rows_of(step, n);
            KernelCase c = inputs_of(step, n, seed, !learns);
            c.output_bytes = {4 * n};
            if (learns) c.output_bytes.push_back(4 * rows);
            if (learns && rows == 1) c.output_bytes.push_back(4);
            c.workspace_bytes = step_workspace(n, rows);
            const auto gradients = [=](const Operands& o) {
              StepGradients all = {floats(o, 4), floats(o, 0), result(o, 0)};
              if (!learns) return all;
              all.scale_gradient = result(o, 1);
              if (rows == 1) all.zero_gradient = result(o, 2);
              all.factor = 0.125;
              return all;
            };
            c.cpu = [=](const Operands& o) { step_gradients(gradients(o), n, grid_of(step, n, o), o.workspace); };
            c.cuda = [=](const Operands& o, void* stream) {
              step_gradients_cuda(gradients(o), n, grid_of(step, n, o), o.workspace, stream);
            };
            return c;
          }};
}

}  // namespace

std::vector<KernelRow> training_rows() {
  std::vector<KernelRow> rows;
  for (const StepCase& step : kSteps) rows.push_back(values_row(step));
  for (const StepCase& step : kSteps)
    for (const bool learns : {false, true}) rows.push_back(gradients_row(step, learns));
  return rows;
}

}  // namespace carat
