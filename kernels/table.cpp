// SPDX-License-Identifier: Apache-2.0
#include "kernels/table.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/device.h"
#include "kernels/fake_quant.h"
#include "kernels/fit_scales.h"
#include "kernels/pack_codes.h"
#include "kernels/quantize.h"
#include "kernels/scalar/random.h"
#include "kernels/scale_channels.h"
#include "kernels/statistics.h"

namespace carat {
namespace {

const float* floats(const Operands& o, size_t input) { return static_cast<const float*>(o.inputs[input]); }
const uint8_t* bytes(const Operands& o, size_t input) { return static_cast<const uint8_t*>(o.inputs[input]); }
float* float_result(const Operands& o, size_t output = 0) { return static_cast<float*>(o.outputs[output]); }
uint8_t* byte_result(const Operands& o, size_t output = 0) { return static_cast<uint8_t*>(o.outputs[output]); }

Bytes floats_of(const std::vector<float>& values) {
  const auto* data = reinterpret_cast<const uint8_t*>(values.data());
  return {data, data + values.size() * sizeof(float)};
}

// How many kernels n numbers are split into: a divisor of n.
int64_t kernels_of(int64_t n, bool per_kernel) {
  if (per_kernel)
    for (const int64_t kernels : {64, 33, 31, 16, 13, 9, 7, 5, 3, 2})
      if (n % kernels == 0) return kernels;
  return 1;
}

struct GridCase {
  const char* name;
  CodeRounding rounding;
  bool per_kernel;
};

constexpr GridCase kGrids[] = {
    {"half_even tensor", CodeRounding::half_even, false},   {"half_even kernel", CodeRounding::half_even, true},
    {"half_away tensor", CodeRounding::half_away, false},   {"half_away kernel", CodeRounding::half_away, true},
    {"stochastic tensor", CodeRounding::stochastic, false}, {"stochastic kernel", CodeRounding::stochastic, true}};

CodeGrid grid_of(const GridCase& grid, uint64_t seed) { return {-7.0F, 7.0F, grid.rounding, seed}; }

KernelRow codes_row(const GridCase& g) {
  return {std::string("scaled_codes ") + g.name, true, [g](int64_t n, uint64_t seed) {
            const int64_t count = kernels_of(n, g.per_kernel);
            const CodeGrid grid = grid_of(g, seed);
            KernelCase c;
            c.inputs = {random_floats(n, seed, true), positive_floats(count, seed + 1)};
            c.output_bytes = {4 * n};
            c.cpu = [=](const Operands& o) {
              scaled_codes(floats(o, 0), n, {floats(o, 1), count}, grid, float_result(o));
            };
            c.cuda = [=](const Operands& o, void* stream) {
              scaled_codes_cuda(floats(o, 0), n, {floats(o, 1), count}, grid, float_result(o), stream);
            };
            return c;
          }};
}

KernelRow bytes_row(const GridCase& g) {
  return {std::string("scaled_bytes ") + g.name, true, [g](int64_t n, uint64_t seed) {
            const int64_t count = kernels_of(n, g.per_kernel);
            const CodeGrid grid = grid_of(g, seed);
            KernelCase c;
            c.inputs = {random_floats(n, seed, true), positive_floats(count, seed + 1)};
            c.output_bytes = {n};
            c.cpu = [=](const Operands& o) {
              scaled_bytes(floats(o, 0), n, {floats(o, 1), count}, grid, byte_result(o));
            };
            c.cuda = [=](const Operands& o, void* stream) {
              scaled_bytes_cuda(floats(o, 0), n, {floats(o, 1), count}, grid, byte_result(o), stream);
            };
            return c;
          }};
}

KernelRow fake_quantize_row(const GridCase& g) {
  return {
      std::string("fake_quantize ") + g.name, true, [g](int64_t n, uint64_t seed) {
        const int64_t count = kernels_of(n, g.per_kernel);
        const CodeGrid grid = grid_of(g, seed);
        KernelCase c;
        c.inputs = {random_floats(n, seed, true), positive_floats(count, seed + 1), positive_floats(count, seed + 2)};
        c.output_bytes = {4 * n, n};
        const auto scales = [count](const Operands& o) {
          return FakeQuantScales{{floats(o, 1), count}, {floats(o, 2), count}};
        };
        c.cpu = [=](const Operands& o) {
          fake_quantize(floats(o, 0), n, scales(o), grid, {float_result(o), byte_result(o, 1)});
        };
        c.cuda = [=](const Operands& o, void* stream) {
          fake_quantize_cuda(floats(o, 0), n, scales(o), grid, {float_result(o), byte_result(o, 1)}, stream);
        };
        return c;
      }};
}

KernelRow straight_through_row(bool per_kernel) {
  return {
      std::string("straight_through ") + (per_kernel ? "kernel" : "tensor"), true,
      [per_kernel](int64_t n, uint64_t seed) {
        const int64_t count = kernels_of(n, per_kernel);
        const CodeGrid grid = {-7.0F, 7.0F};
        KernelCase c;
        c.inputs = {random_floats(n, seed, true), random_floats(n, seed + 1, true), positive_floats(count, seed + 2)};
        c.output_bytes = {4 * n};
        c.cpu = [=](const Operands& o) {
          straight_through({floats(o, 0), floats(o, 1), float_result(o)}, n, {floats(o, 2), count}, grid);
        };
        c.cuda = [=](const Operands& o, void* stream) {
          straight_through_cuda({floats(o, 0), floats(o, 1), float_result(o)}, n, {floats(o, 2), count}, grid, stream);
        };
        return c;
      }};
}

KernelRow dequantize_row(bool per_kernel) {
  return {std::string("dequantize_codes ") + (per_kernel ? "kernel" : "tensor"), true,
          [per_kernel](int64_t n, uint64_t seed) {
            const int64_t count = kernels_of(n, per_kernel);
            KernelCase c;
            c.inputs = {random_floats(n, seed, true), positive_floats(count, seed + 1)};
            c.output_bytes = {4 * n};
            c.cpu = [=](const Operands& o) {
              dequantize_codes(floats(o, 0), n, {floats(o, 1), count}, float_result(o));
            };
            c.cuda = [=](const Operands& o, void* stream) {
              dequantize_codes_cuda(floats(o, 0), n, {floats(o, 1), count}, float_result(o), stream);
            };
            return c;
          }};
}

KernelRow quantize_row(bool half_away) {
  return {std::string("quantize_codes ") + (half_away ? "half_away" : "half_even"), true,
          [half_away](int64_t n, uint64_t seed) {
            const CodeRange range = {-7.0F, 7.0F, half_away};
            KernelCase c;
            c.inputs = {random_floats(n, seed, true)};
            c.output_bytes = {4 * n};
            c.cpu = [=](const Operands& o) { quantize_codes(floats(o, 0), n, range, float_result(o)); };
            c.cuda = [=](const Operands& o, void* stream) {
              quantize_codes_cuda(floats(o, 0), n, range, float_result(o), stream);
            };
            return c;
          }};
}

KernelCase scale_channels_case(int64_t n, uint64_t seed) {
  const int64_t channels = kernels_of(n, true);
  const int64_t pixels = n / channels;
  KernelCase c;
  c.inputs = {random_floats(n, seed, false), positive_floats(channels, seed + 1),
              random_floats(channels, seed + 2, false)};
  c.output_bytes = {4 * n};
  c.cpu = [=](const Operands& o) {
    scale_channels(floats(o, 0), channels, pixels, floats(o, 1), floats(o, 2), float_result(o));
  };
  c.cuda = [=](const Operands& o, void* stream) {
    scale_channels_cuda(floats(o, 0), {channels, pixels}, floats(o, 1), floats(o, 2), float_result(o), stream);
  };
  return c;
}

// Bytes that are 0 or not.
Bytes random_mask(int64_t n, uint64_t seed) {
  Bytes mask = random_bytes(n, seed);
  for (uint8_t& byte : mask) byte &= 1U;
  return mask;
}

KernelCase mask_case(int64_t n, uint64_t seed) {
  KernelCase c;
  c.inputs = {random_floats(n, seed, true), random_mask(n, seed + 1)};
  c.output_bytes = {4 * n};
  c.cpu = [=](const Operands& o) { apply_mask(floats(o, 0), bytes(o, 1), n, float_result(o)); };
  c.cuda = [=](const Operands& o, void* stream) {
    apply_mask_cuda(floats(o, 0), bytes(o, 1), n, float_result(o), stream);
  };
  return c;
}

KernelCase threshold_mask_case(int64_t n, uint64_t seed) {
  KernelCase c;
  c.inputs = {random_floats(n, seed, true), floats_of({2.5F})};
  c.output_bytes = {n};
  c.cpu = [=](const Operands& o) { threshold_mask(floats(o, 0), n, floats(o, 1), byte_result(o)); };
  c.cuda = [=](const Operands& o, void* stream) {
    threshold_mask_cuda(floats(o, 0), n, floats(o, 1), byte_result(o), stream);
  };
  return c;
}

KernelRow pack_row(int64_t bits) {
  return {"pack_codes " + std::to_string(bits), true, [bits](int64_t n, uint64_t seed) {
            KernelCase c;
            c.inputs = {random_bytes(n, seed)};
            c.output_bytes = {packed_bytes(n, bits)};
            c.cpu = [=](const Operands& o) { pack_codes(bytes(o, 0), n, bits, byte_result(o)); };
            c.cuda = [=](const Operands& o, void* stream) {
              pack_codes_cuda(bytes(o, 0), n, bits, byte_result(o), stream);
            };
            return c;
          }};
}

KernelRow unpack_row(int64_t bits, bool is_signed) {
  return {"unpack_codes " + std::to_string(bits) + (is_signed ? " signed" : " unsigned"), true,
          [=](int64_t n, uint64_t seed) {
            KernelCase c;
            c.inputs = {random_bytes(packed_bytes(n, bits), seed)};
            c.output_bytes = {n};
            c.cpu = [=](const Operands& o) { unpack_codes(bytes(o, 0), n, {bits, is_signed}, byte_result(o)); };
            c.cuda = [=](const Operands& o, void* stream) {
              unpack_codes_cuda(bytes(o, 0), n, {bits, is_signed}, byte_result(o), stream);
            };
            return c;
          }};
}

KernelRow fit_row(const char* name, CodeRounding rounding, bool per_kernel, bool masked) {
  return {std::string("fit_scales ") + name, false, [=](int64_t n, uint64_t seed) {
            const int64_t kernels = kernels_of(n, per_kernel);
            const CodeGrid grid = {-7.0F, 7.0F, rounding};
            KernelCase c;
            c.inputs = {random_floats(n, seed, false), random_mask(n, seed + 1)};
            c.output_bytes = {8 * kernels, 8 * kernels};
            const auto weights = [=](const Operands& o) {
              return KernelWeights{floats(o, 0), masked ? bytes(o, 1) : nullptr, kernels, n / kernels};
            };
            const auto fits = [](const Operands& o) {
              return ScaleFits{static_cast<double*>(o.outputs[0]), static_cast<double*>(o.outputs[1])};
            };
            c.cpu = [=](const Operands& o) { fit_scales(weights(o), grid, fits(o)); };
            c.cuda = [=](const Operands& o, void* stream) { fit_scales_cuda(weights(o), grid, fits(o), stream); };
            return c;
          }};
}

KernelCase extremes_case(int64_t n, uint64_t seed) {
  KernelCase c;
  c.inputs = {random_floats(n, seed, true)};
  c.output_bytes = {sizeof(Extremes)};
  c.cpu = [=](const Operands& o) { extremes(floats(o, 0), n, static_cast<Extremes*>(o.outputs[0])); };
  c.cuda = [=](const Operands& o, void* stream) {
    extremes_cuda(floats(o, 0), n, static_cast<Extremes*>(o.outputs[0]), stream);
  };
  return c;
}

constexpr HistogramBins kBins = {-9.0F, 8.5F, 2048};

KernelCase histogram_case(int64_t n, uint64_t seed) {
  KernelCase c;
  c.inputs = {random_floats(n, seed, true)};
  c.output_bytes = {8 * kBins.count};
  c.cpu = [=](const Operands& o) { histogram(floats(o, 0), n, kBins, static_cast<uint64_t*>(o.outputs[0])); };
  c.cuda = [=](const Operands& o, void* stream) {
    histogram_cuda(floats(o, 0), n, kBins, static_cast<uint64_t*>(o.outputs[0]), stream);
  };
  return c;
}

// Of a histogram with n * 65535 / 2 numbers or so.
KernelCase quantile_case(int64_t n, uint64_t seed) {
  std::vector<uint64_t> counts;
  for (int64_t i = 0; i < kBins.count; ++i)
    counts.push_back(scalar::random_bits(seed, static_cast<uint64_t>(i)) % static_cast<uint64_t>(n + 1));
  const double share = static_cast<double>(seed % 101) / 100.0;
  const auto* data = reinterpret_cast<const uint8_t*>(counts.data());
  KernelCase c;
  c.inputs = {Bytes(data, data + counts.size() * sizeof(uint64_t))};
  c.output_bytes = {4};
  c.cpu = [=](const Operands& o) {
    quantile(static_cast<const uint64_t*>(o.inputs[0]), kBins, share, float_result(o));
  };
  c.cuda = [=](const Operands& o, void* stream) {
    quantile_cuda(static_cast<const uint64_t*>(o.inputs[0]), kBins, share, float_result(o), stream);
  };
  return c;
}

KernelCase select_case(int64_t n, uint64_t seed) {
  const int64_t k = 1 + static_cast<int64_t>(seed % static_cast<uint64_t>(n));
  KernelCase c;
  c.inputs = {random_floats(n, seed, true)};
  c.output_bytes = {4};
  c.workspace_bytes = kSelectBytes;
  c.cpu = [=](const Operands& o) { kth_magnitude(floats(o, 0), n, k, float_result(o)); };
  c.cuda = [=](const Operands& o, void* stream) {
    kth_magnitude_cuda(floats(o, 0), n, k, float_result(o), o.workspace, stream);
  };
  return c;
}

std::vector<KernelRow> make_table() {
  std::vector<KernelRow> rows = {quantize_row(false), quantize_row(true)};
  for (const GridCase& grid : kGrids) rows.push_back(codes_row(grid));
  for (const GridCase& grid : kGrids) rows.push_back(bytes_row(grid));
  for (const GridCase& grid : kGrids) rows.push_back(fake_quantize_row(grid));
  for (const bool per_kernel : {false, true}) rows.push_back(dequantize_row(per_kernel));
  for (const bool per_kernel : {false, true}) rows.push_back(straight_through_row(per_kernel));
  rows.push_back({"scale_channels", true, scale_channels_case});
  rows.push_back({"apply_mask", true, mask_case});
  rows.push_back({"threshold_mask", true, threshold_mask_case});
  for (int64_t bits = 1; bits <= 8; ++bits) rows.push_back(pack_row(bits));
  for (int64_t bits = 1; bits <= 8; ++bits)
    for (const bool is_signed : {false, true}) rows.push_back(unpack_row(bits, is_signed));
  rows.push_back(fit_row("tensor", CodeRounding::half_even, false, false));
  rows.push_back(fit_row("kernel", CodeRounding::half_even, true, false));
  rows.push_back(fit_row("kernel masked half_away", CodeRounding::half_away, true, true));
  rows.push_back({"extremes", false, extremes_case});
  rows.push_back({"histogram", false, histogram_case});
  rows.push_back({"quantile", false, quantile_case});
  rows.push_back({"kth_magnitude", false, select_case});
  for (KernelRow& row : convolution_rows()) rows.push_back(std::move(row));
  for (KernelRow& row : layer_rows()) rows.push_back(std::move(row));
  for (KernelRow& row : training_rows()) rows.push_back(std::move(row));
  return rows;
}

}  // namespace

const std::vector<KernelRow>& kernel_table() {
  static const std::vector<KernelRow> table = make_table();
  return table;
}

}  // namespace carat
