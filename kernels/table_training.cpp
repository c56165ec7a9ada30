// SPDX-License-Identifier: Apache-2.0
// Rows of what only training does.
#include <array>

#include "kernels/batch_norm.h"
#include "kernels/depthwise.h"
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

struct NormCase {
  const char* name;
  int64_t channels;
  NormAct act;
};

constexpr NormCase kNorms[] = {{"none", 3, NormAct::none},
                               {"relu", 20, NormAct::relu},
                               {"relu6", 1, NormAct::relu6},
                               {"swish", 90, NormAct::swish},
                               {"hard_swish", 300, NormAct::hard_swish}};

NormShape shape_of(const NormCase& norm, int64_t n) { return {(n + norm.channels - 1) / norm.channels, norm.channels}; }

// Running statistics start in the outputs from zero.
KernelRow norm_forward_row(const NormCase& norm) {
  return {std::string("batch_norm_forward ") + norm.name, false, [norm](int64_t n, uint64_t seed) {
            const NormShape shape = shape_of(norm, n);
            const int64_t channels = shape.channels;
            KernelCase c;
            c.inputs = {random_floats(shape.pixels * channels, seed, false), positive_floats(channels, seed + 1),
                        random_floats(channels, seed + 2, false)};
            c.output_bytes = {4 * shape.pixels * channels, 16 * channels};
            c.workspace_bytes = norm_workspace(shape) + 8 * channels;
            // What is moved lies in the workspace: outputs must not depend on what they were.
            const auto forward = [=](const Operands& o) {
              auto* running = reinterpret_cast<float*>(static_cast<uint8_t*>(o.workspace) + norm_workspace(shape));
              return NormForward{floats(o, 0), floats(o, 1), floats(o, 2), running, running + channels,
                                 result(o, 1), result(o, 0), 1e-5,         0.1,     norm.act};
            };
            c.cpu = [=](const Operands& o) { batch_norm_forward(forward(o), shape, o.workspace); };
            c.cuda = [=](const Operands& o, void* stream) {
              batch_norm_forward_cuda(forward(o), shape, o.workspace, stream);
            };
            return c;
          }};
}

KernelRow norm_backward_row(const NormCase& norm) {
  return {std::string("batch_norm_backward ") + norm.name, false, [norm](int64_t n, uint64_t seed) {
            const NormShape shape = shape_of(norm, n);
            KernelCase c;
            c.inputs = {random_floats(shape.pixels * shape.channels, seed, false),
                        random_floats(shape.pixels * shape.channels, seed + 1, false),
                        positive_floats(4 * shape.channels, seed + 2)};
            c.output_bytes = {4 * shape.pixels * shape.channels, 4 * shape.channels, 4 * shape.channels};
            c.workspace_bytes = norm_workspace(shape);
            const auto backward = [=](const Operands& o) {
              return NormBackward{floats(o, 0), floats(o, 1), floats(o, 2), result(o, 1),
                                  result(o, 2), result(o, 0), norm.act};
            };
            c.cpu = [=](const Operands& o) { batch_norm_backward(backward(o), shape, o.workspace); };
            c.cuda = [=](const Operands& o, void* stream) {
              batch_norm_backward_cuda(backward(o), shape, o.workspace, stream);
            };
            return c;
          }};
}

struct DepthwiseCase {
  const char* name;
  int64_t channels, kernel, stride, padding;
};

constexpr DepthwiseCase kDepthwise[] = {
    {"3x3", 20, 3, 1, 1}, {"3x3 stride 2", 7, 3, 2, 1}, {"5x5 unpadded", 3, 5, 1, 0}, {"7x7 stride 2", 5, 7, 2, 3}};

// Images of 9 x 8 pixels.
DepthwiseBatch batch_of(const DepthwiseCase& d, int64_t n) {
  constexpr int64_t kHeight = 9;
  constexpr int64_t kWidth = 8;
  const auto out = [&](int64_t extent) { return (extent + 2 * d.padding - d.kernel) / d.stride + 1; };
  const DepthwiseShape shape = {d.channels, kHeight, kWidth, out(kHeight), out(kWidth), d.kernel, d.stride, d.padding};
  const int64_t image = kHeight * kWidth * d.channels;
  return {shape, (n + image - 1) / image};
}

// Forward, the input's gradient and the weights' gradient.
std::vector<KernelRow> depthwise_rows(const DepthwiseCase& d) {
  const auto sizes = [](const DepthwiseBatch& batch) {
    const DepthwiseShape& s = batch.shape;
    return std::array<int64_t, 3>{batch.images * s.in_height * s.in_width * s.channels,
                                  batch.images * s.out_height * s.out_width * s.channels,
                                  s.kernel * s.kernel * s.channels};
  };
  const auto row = [&](const char* name, size_t first, size_t second, size_t to, const auto& cpu, const auto& cuda) {
    return KernelRow{std::string(name) + d.name, false, [=](int64_t n, uint64_t seed) {
                       const DepthwiseBatch batch = batch_of(d, n);
                       KernelCase c;
                       c.inputs = {random_floats(sizes(batch)[first], seed, false),
                                   random_floats(sizes(batch)[second], seed + 1, false)};
                       c.output_bytes = {4 * sizes(batch)[to]};
                       c.workspace_bytes = depthwise_workspace(batch.shape, batch.images);
                       c.cpu = [=](const Operands& o) { cpu(batch, o); };
                       c.cuda = [=](const Operands& o, void* stream) { cuda(batch, o, stream); };
                       return c;
                     }};
  };
  return {row(
              "depthwise ", 0, 2, 1,
              [](const DepthwiseBatch& b, const Operands& o) {
                depthwise_forward(b, floats(o, 0), floats(o, 1), result(o, 0));
              },
              [](const DepthwiseBatch& b, const Operands& o, void* stream) {
                depthwise_forward_cuda(b, floats(o, 0), floats(o, 1), result(o, 0), stream);
              }),
          row(
              "depthwise input gradient ", 1, 2, 0,
              [](const DepthwiseBatch& b, const Operands& o) {
                depthwise_input_gradient(b, floats(o, 0), floats(o, 1), result(o, 0));
              },
              [](const DepthwiseBatch& b, const Operands& o, void* stream) {
                depthwise_input_gradient_cuda(b, floats(o, 0), floats(o, 1), result(o, 0), stream);
              }),
          row(
              "depthwise weight gradients ", 0, 1, 2,
              [](const DepthwiseBatch& b, const Operands& o) {
                depthwise_weight_gradients(b, floats(o, 0), floats(o, 1), result(o, 0), o.workspace);
              },
              [](const DepthwiseBatch& b, const Operands& o, void* stream) {
                depthwise_weight_gradients_cuda(b, floats(o, 0), floats(o, 1), result(o, 0), o.workspace, stream);
              })};
}

}  // namespace

std::vector<KernelRow> training_rows() {
  std::vector<KernelRow> rows;
  for (const NormCase& norm : kNorms) {
    rows.push_back(norm_forward_row(norm));
    rows.push_back(norm_backward_row(norm));
  }
  for (const DepthwiseCase& d : kDepthwise)
    for (KernelRow& row : depthwise_rows(d)) rows.push_back(std::move(row));
  for (const StepCase& step : kSteps) rows.push_back(values_row(step));
  for (const StepCase& step : kSteps)
    for (const bool learns : {false, true}) rows.push_back(gradients_row(step, learns));
  return rows;
}

}  // namespace carat
