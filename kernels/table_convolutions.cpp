// SPDX-License-Identifier: Apache-2.0
#include "kernels/convolve_bytes.h"
#include "kernels/pack_codes.h"
#include "kernels/scalar/random.h"
#include "kernels/table.h"

namespace carat {
namespace {

struct Shape {
  const char* name;
  int64_t channels, out_channels, groups, kernel, stride, padding;
  bool unsigned_input;
  int64_t weight_bits;
};

// Tensor cores take those with one group and K divisible by 16, the direct kernel the others.
constexpr Shape kShapes[] = {{"dense 1x1", 32, 16, 1, 1, 1, 0, false, 8},
                             {"dense 3x3 stride 2, uint8", 64, 80, 1, 3, 2, 1, true, 8},
                             {"dense 3x3, wide", 48, 144, 1, 3, 1, 1, false, 8},
                             {"dense 7x7 stride 2 of 3 channels, uint8", 3, 64, 1, 7, 2, 3, true, 8},
                             {"dense 3x3 of 4-bit weights, uint8", 32, 64, 1, 3, 1, 1, true, 4},
                             {"dense 1x1 of 3-bit weights, 20 channels", 20, 32, 1, 1, 1, 0, false, 3},
                             {"dense 1x1 to 10 kernels", 36, 10, 1, 1, 1, 0, true, 8},
                             {"dense 5x5 of 5-bit weights to 33 kernels", 7, 33, 1, 5, 2, 2, true, 5},
                             {"grouped 3x3", 24, 36, 3, 3, 1, 1, false, 8},
                             {"grouped 3x3 of 2-bit weights, uint8", 12, 40, 2, 3, 2, 0, true, 2},
                             {"depthwise 3x3, uint8", 40, 40, 40, 3, 1, 1, true, 8},
                             {"depthwise 5x5 stride 2 of 7-bit weights", 33, 33, 33, 5, 2, 2, false, 7},
                             {"depthwise 3x3, two kernels a channel, 6-bit weights", 18, 36, 18, 3, 1, 1, false, 6},
                             {"dense 3x3 of 1000 channels", 1000, 3, 1, 3, 1, 1, true, 8}};

constexpr int64_t kMostSide = 12;

ByteConvolution convolution_of(const Shape& shape, int64_t size) {
  ByteConvolution c;
  c.batch = 1 + size % 3;
  c.window = {.channels = shape.channels,
              .height = shape.kernel + size % kMostSide,
              .width = shape.kernel + size / 2 % kMostSide,
              .kernel = shape.kernel,
              .stride = shape.stride,
              .padding = shape.padding,
              .out_channels = shape.out_channels,
              .groups = shape.groups};
  c.unsigned_input = shape.unsigned_input;
  c.weight_bits = shape.weight_bits;
  return c;
}

// k so small that y is mostly inside the codes, and b.
Bytes scale_pairs(const ByteConvolution& c, uint64_t seed) {
  std::vector<float> pairs;
  const float unit = 1.0F / static_cast<float>(c.depth() << c.weight_bits);
  for (int64_t k = 0; k < c.window.out_channels; ++k) {
    pairs.push_back(unit * (0.5F + scalar::random_unit(seed, static_cast<uint64_t>(2 * k))));
    pairs.push_back(8.0F * scalar::random_unit(seed, static_cast<uint64_t>(2 * k + 1)));
  }
  const auto* data = reinterpret_cast<const uint8_t*>(pairs.data());
  return {data, data + pairs.size() * sizeof(float)};
}

KernelCase start_case(const ByteConvolution& c, uint64_t seed) {
  const Window& w = c.window;
  KernelCase result;
  result.inputs = {random_bytes(c.batch * w.height * w.width * w.channels, seed),
                   random_bytes(packed_bytes(w.out_channels * c.depth(), c.weight_bits), seed + 1)};
  result.workspace_bytes = convolution_workspace(c);
  return result;
}

ConvolutionOperands operands_of(const Operands& o) {
  return {static_cast<const uint8_t*>(o.inputs[0]), static_cast<const uint8_t*>(o.inputs[1])};
}

KernelRow sums_row(const Shape& shape) {
  return {std::string("convolve_bytes ") + shape.name, false, [shape](int64_t size, uint64_t seed) {
            const ByteConvolution c = convolution_of(shape, size);
            KernelCase result = start_case(c, seed);
            result.output_bytes = {4 * c.pixels() * c.window.out_channels};
            result.cpu = [c](const Operands& o) {
              convolve_bytes(operands_of(o), c, static_cast<int32_t*>(o.outputs[0]));
            };
            result.cuda = [c](const Operands& o, void* stream) {
              convolve_bytes_cuda(operands_of(o), c, static_cast<int32_t*>(o.outputs[0]), {o.workspace, stream});
            };
            return result;
          }};
}

KernelRow codes_row(const Shape& shape) {
  return {std::string("convolve_bytes_scaled ") + shape.name, false, [shape](int64_t size, uint64_t seed) {
            const ByteConvolution c = convolution_of(shape, size);
            KernelCase result = start_case(c, seed);
            result.inputs.push_back(scale_pairs(c, seed + 2));
            result.output_bytes = {c.pixels() * c.window.out_channels};
            const CodeGrid grid =
                size % 2 == 0 ? CodeGrid{-127.0F, 127.0F} : CodeGrid{0.0F, 15.0F, CodeRounding::half_away};
            const auto epilogue = [grid](const Operands& o) {
              return ScaleEpilogue{static_cast<const float*>(o.inputs[2]), grid};
            };
            result.cpu = [=](const Operands& o) {
              convolve_bytes_scaled(operands_of(o), c, epilogue(o), static_cast<uint8_t*>(o.outputs[0]));
            };
            result.cuda = [=](const Operands& o, void* stream) {
              convolve_bytes_scaled_cuda(operands_of(o), c, epilogue(o), static_cast<uint8_t*>(o.outputs[0]),
                                         {o.workspace, stream});
            };
            return result;
          }};
}

}  // namespace

std::vector<KernelRow> convolution_rows() {
  std::vector<KernelRow> rows;
  for (const Shape& shape : kShapes) rows.push_back(sums_row(shape));
  for (const Shape& shape : kShapes) rows.push_back(codes_row(shape));
  return rows;
}

}  // namespace carat
