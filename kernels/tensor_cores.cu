// SPDX-License-Identifier: Apache-2.0
// Dense convolutions on tensor cores through CUTLASS's implicit GEMM, with the Scale layer and the rounding to codes in
// the epilogue.
#include <cutlass/complex.h>
#include <cutlass/conv/kernel/default_conv2d_fprop.h>
#include <cutlass/conv/kernel/default_conv2d_fprop_with_broadcast.h>
#include <cutlass/epilogue/thread/linear_combination.h>

// After the kernels: it does not include all that it uses.
#include <cutlass/conv/device/implicit_gemm_convolution.h>

#include "kernels/convolve_bytes_cuda.h"
#include "kernels/launch_cuda.h"
#include "kernels/scalar/convolution.h"

namespace carat {
namespace {

using Layout = cutlass::layout::TensorNHWC;
using Swizzle = cutlass::gemm::threadblock::GemmIdentityThreadblockSwizzle<4>;
using Instruction = cutlass::gemm::GemmShape<16, 8, 32>;
using Pair = cutlass::complex<float>;  // k and b of one kernel, as the column's broadcast value

// CUTLASS's concept of an output operator with a broadcast vector: codes of kElements neighbouring kernels.
template <int kElements>
struct ScaleToCodes {
  using ElementOutput = int8_t;
  using ElementC = int8_t;
  using ElementAccumulator = int32_t;
  using ElementCompute = Pair;
  using ElementZ = int8_t;
  using ElementT = int8_t;
  using ElementVector = Pair;
  static int const kCount = kElements;
  static bool const kIsSingleSource = true;
  static bool const kIsHeavy = false;
  static bool const kStoreZ = true;
  static bool const kStoreT = false;
  using FragmentAccumulator = cutlass::Array<ElementAccumulator, kElements>;
  using FragmentCompute = cutlass::Array<ElementCompute, kElements>;
  using FragmentC = cutlass::Array<ElementC, kElements>;
  using FragmentZ = cutlass::Array<ElementZ, kElements>;
  using FragmentT = cutlass::Array<ElementT, kElements>;
  using FragmentOutput = FragmentZ;

  struct Params {
    CodeGrid grid;
  };

  CUTLASS_HOST_DEVICE explicit ScaleToCodes(const Params& params) : grid(params.grid) {}
  CUTLASS_HOST_DEVICE bool is_source_needed() const { return false; }
  CUTLASS_HOST_DEVICE void set_k_partition(int /*partition*/, int /*count*/) {}

  CUTLASS_HOST_DEVICE void operator()(FragmentZ& codes, FragmentT& /*unused*/, const FragmentAccumulator& sums,
                                      const FragmentCompute& pairs) const {
    if (grid.rounding == CodeRounding::half_even) {
      CUTLASS_PRAGMA_UNROLL
      for (int i = 0; i < kElements; ++i)
        codes[i] = static_cast<int8_t>(
            scalar::scaled_byte_half_even(sums[i], pairs[i].real(), pairs[i].imag(), grid.lowest, grid.highest));
    } else {
      CUTLASS_PRAGMA_UNROLL
      for (int i = 0; i < kElements; ++i)
        codes[i] = static_cast<int8_t>(
            scalar::scaled_byte_half_away(sums[i], pairs[i].real(), pairs[i].imag(), grid.lowest, grid.highest));
    }
  }
  CUTLASS_HOST_DEVICE void operator()(FragmentZ& codes, FragmentT& unused, const FragmentAccumulator& sums,
                                      const FragmentC& /*source*/, const FragmentCompute& pairs) const {
    (*this)(codes, unused, sums, pairs);
  }

  CodeGrid grid;
};

// Tiles of pixels x kernels x depth, of the block and of a warp.
template <int kPixels, int kKernels>
struct Tile {
  using Block = cutlass::gemm::GemmShape<kPixels, kKernels, 64>;
  using Warp = cutlass::gemm::GemmShape<64, kKernels / 2, 64>;
  // Codes that a thread stores at once, as CUTLASS's own library chooses it: without bank conflicts.
  static constexpr int kCodesPerAccess = kKernels >= 128 ? 16 : 8;
};

constexpr int kStages = 3;
constexpr int kSumsPerAccess = 4;

template <typename Input, typename Tiles>
using CodesKernel = typename cutlass::conv::kernel::DefaultConv2dFpropWithBroadcast<
    Input, Layout, int8_t, Layout, int8_t, Layout, int32_t, cutlass::arch::OpClassTensorOp, cutlass::arch::Sm80,
    typename Tiles::Block, typename Tiles::Warp, Instruction, ScaleToCodes<Tiles::kCodesPerAccess>, Swizzle, kStages,
    cutlass::arch::OpMultiplyAddSaturate, cutlass::conv::IteratorAlgorithm::kOptimized>::Kernel;

template <typename Input, typename Tiles>
using SumsKernel = typename cutlass::conv::kernel::DefaultConv2dFprop<
    Input, Layout, int8_t, Layout, int32_t, Layout, int32_t, cutlass::arch::OpClassTensorOp, cutlass::arch::Sm80,
    typename Tiles::Block, typename Tiles::Warp, Instruction,
    cutlass::epilogue::thread::LinearCombination<int32_t, kSumsPerAccess, int32_t, int32_t,
                                                 cutlass::epilogue::thread::ScaleType::Nothing>,
    Swizzle, kStages, cutlass::arch::OpMultiplyAddSaturate, cutlass::conv::IteratorAlgorithm::kOptimized>::Kernel;

cutlass::conv::Conv2dProblemSize problem_of(const TensorCoreProblem& p) {
  return {p.batch,
          p.height,
          p.width,
          p.channels,
          p.out_channels,
          p.rows,
          p.columns,
          p.out_height,
          p.out_width,
          p.row_padding,
          p.column_padding,
          p.row_stride,
          p.column_stride,
          1,
          1,
          cutlass::conv::Mode::kCrossCorrelation};
}

template <typename Kernel>
void launch(const typename Kernel::Arguments& arguments, void* stream) {
  using Device = cutlass::conv::device::ImplicitGemmConvolution<Kernel>;
  cutlass::Status status = Device::can_implement(arguments);
  Device convolution;
  if (status == cutlass::Status::kSuccess) status = convolution.initialize(arguments, nullptr, stream_of(stream));
  if (status == cutlass::Status::kSuccess) status = convolution.run(stream_of(stream));
  if (status != cutlass::Status::kSuccess)
    throw Error(std::string("convolve_bytes on tensor cores: ") + cutlass::cutlassGetStatusString(status));
  check_launch("convolve_bytes");
}

// The operands, packed without gaps, and the result in their layouts.
template <typename Kernel, typename Output>
typename Kernel::Arguments arguments_of(const ConvolutionOperands& operands, const TensorCoreProblem& c,
                                        Output* result) {
  const cutlass::conv::Conv2dProblemSize problem = problem_of(c);
  typename Kernel::Arguments arguments(problem);
  const auto layout = [](int channels, int columns, int rows) {
    return Layout::packed(cutlass::Tensor4DCoord(1, rows, columns, channels));
  };
  arguments.ref_A =
      typename Kernel::TensorRefA(reinterpret_cast<typename Kernel::ElementA*>(const_cast<uint8_t*>(operands.x)),
                                  layout(problem.C, problem.W, problem.H));
  arguments.ref_B = typename Kernel::TensorRefB(reinterpret_cast<int8_t*>(const_cast<uint8_t*>(operands.weights)),
                                                layout(problem.C, problem.S, problem.R));
  arguments.ref_C = typename Kernel::TensorRefC(result, layout(problem.K, problem.Q, problem.P));
  arguments.ref_D = arguments.ref_C;
  return arguments;
}

template <typename Input>
void run_sums(const ConvolutionOperands& operands, const TensorCoreProblem& c, int32_t* acc, void* stream) {
  using Kernel = SumsKernel<Input, Tile<128, 128>>;
  launch<Kernel>(arguments_of<Kernel>(operands, c, acc), stream);
}

template <typename Input, typename Tiles>
void run_codes(const ConvolutionOperands& operands, const TensorCoreProblem& c, const TensorCoreResult& result,
               void* stream) {
  using Kernel = CodesKernel<Input, Tiles>;
  auto arguments = arguments_of<Kernel>(operands, c, reinterpret_cast<int8_t*>(result.codes));
  arguments.output_op = {result.epilogue.grid};
  arguments.split_k_mode = cutlass::conv::SplitKMode::kSerial;
  arguments.ptr_Vector = const_cast<float*>(result.epilogue.scale_and_bias);
  arguments.ptr_Tensor = nullptr;
  arguments.ldr = 0;
  arguments.ldt = c.out_channels;
  launch<Kernel>(arguments, stream);
}

template <typename Input>
void run(const ConvolutionOperands& operands, const TensorCoreProblem& c, const TensorCoreResult& result,
         void* stream) {
  if (result.acc != nullptr) return run_sums<Input>(operands, c, result.acc, stream);
  if (c.out_channels <= 64) return run_codes<Input, Tile<128, 64>>(operands, c, result, stream);
  run_codes<Input, Tile<128, 128>>(operands, c, result, stream);
}

}  // namespace

bool runs_on_tensor_cores(const ByteConvolution& c) { return suits_tensor_cores(c); }

void convolve_on_tensor_cores(const ConvolutionOperands& operands, const TensorCoreProblem& problem,
                              const TensorCoreResult& result, void* stream) {
  if (problem.unsigned_input)
    run<uint8_t>(operands, problem, result, stream);
  else
    run<int8_t>(operands, problem, result, stream);
}

}  // namespace carat
