// SPDX-License-Identifier: Apache-2.0
// The direct kernel, and the choice between it and tensor cores.
#include "kernels/convolve_bytes_cuda.h"
#include "kernels/launch_cuda.h"
#include "kernels/scalar/convolution.h"

namespace carat {
namespace {

template <typename Store>
__global__ void __launch_bounds__(scalar::kConvolutionThreads)
    direct_kernel(scalar::DirectConvolution convolution, Store store) {
  alignas(16) __shared__ int8_t tile[scalar::kTileKernels * scalar::kChunkStride];
  const auto block = static_cast<int>(blockIdx.x);
  const auto thread = static_cast<int>(threadIdx.x);
  scalar::Corner corners[scalar::kOwnPixels];
  scalar::own_corners(convolution, block, thread, corners);
  int acc[scalar::kOwnPixels] = {};
  for (int first = 0; first < convolution.depth; first += scalar::kChunk) {
    scalar::load_weights(convolution, block, thread, first, tile);
    __syncthreads();
    const int8_t* own = tile + thread % scalar::kTileKernels * scalar::kChunkStride;
    scalar::accumulate(convolution, corners, own, first, acc);
    __syncthreads();
  }
  scalar::store_own(convolution, block, thread, acc, store);
}

template <typename Store>
void run_direct(const ConvolutionOperands& operands, const ByteConvolution& c, const Store& store, void* stream) {
  launch({"convolve_bytes", scalar::convolution_blocks(c), scalar::kConvolutionThreads, stream}, direct_kernel<Store>,
         scalar::direct_convolution(operands, c), store);
}

// Whether the taps of a row of the window side by side fill fewer channels than every tap's channels do.
bool is_unfolded(const Window& w) {
  return w.channels % kChannelStep != 0 && w.kernel > 1 &&
         filled_channels(w.kernel * w.channels) < w.kernel * filled_channels(w.channels);
}

// Channels that lie side by side in x as the tensor cores read it, before they are filled up.
int64_t adjacent_channels(const Window& w) { return is_unfolded(w) ? w.kernel * w.channels : w.channels; }

// Bytes of filled-up copies in the workspace: 0 where the operand can be read as it is.
struct Copies {
  int64_t x;
  int64_t weights;
};

Copies copies_of(const ByteConvolution& c) {
  if (!runs_on_tensor_cores(c)) return {0, 0};
  const Window& w = c.window;
  const int64_t adjacent = adjacent_channels(w);
  const int64_t channels = filled_channels(adjacent);
  const bool is_filled = channels == w.channels;
  const int64_t columns = is_unfolded(w) ? w.out_width() : w.width;
  return {
      is_filled ? 0 : c.batch * w.height * columns * channels,
      is_filled && c.weight_bits == 8 ? 0 : w.out_channels * w.kernel * w.kernel * w.channels / adjacent * channels};
}

uint8_t* fill(const uint8_t* from, const Window& w, int64_t bits, int64_t bytes, uint8_t* to, void* stream) {
  const int64_t channels = adjacent_channels(w);
  launch_elements("convolve_bytes",
                  scalar::FillChannels{from, static_cast<int>(bits), static_cast<uint32_t>(channels),
                                       scalar::divisor_of(filled_channels(channels)), to},
                  bytes, stream);
  return to;
}

uint8_t* unfold(const uint8_t* from, const Window& w, int64_t bytes, uint8_t* to, void* stream) {
  const auto whole = [](int64_t n) { return static_cast<int>(n); };
  const scalar::UnfoldRows rows = {from,
                                   whole(w.width * w.channels),
                                   whole(w.kernel * w.channels),
                                   whole(w.stride * w.channels),
                                   whole(w.padding * w.channels),
                                   scalar::divisor_of(filled_channels(w.kernel * w.channels) / kChannelStep),
                                   scalar::divisor_of(w.out_width()),
                                   to};
  launch_elements("convolve_bytes", rows, bytes / kChannelStep, stream);
  return to;
}

TensorCoreProblem problem_of(const ByteConvolution& c) {
  const Window& w = c.window;
  const auto whole = [](int64_t n) { return static_cast<int>(n); };
  TensorCoreProblem p = {.batch = whole(c.batch),
                         .height = whole(w.height),
                         .width = whole(w.width),
                         .channels = whole(filled_channels(adjacent_channels(w))),
                         .out_channels = whole(w.out_channels),
                         .out_height = whole(w.out_height()),
                         .out_width = whole(w.out_width()),
                         .rows = whole(w.kernel),
                         .columns = whole(w.kernel),
                         .row_stride = whole(w.stride),
                         .column_stride = whole(w.stride),
                         .row_padding = whole(w.padding),
                         .column_padding = whole(w.padding),
                         .unsigned_input = c.unsigned_input};
  if (!is_unfolded(w)) return p;
  p.width = p.out_width;
  p.columns = 1;
  p.column_stride = 1;
  p.column_padding = 0;
  return p;
}

void run_tensor_cores(ConvolutionOperands operands, const ByteConvolution& c, const TensorCoreResult& result,
                      const CudaWork& work) {
  const Copies copies = copies_of(c);
  auto* workspace = static_cast<uint8_t*>(work.workspace);
  if (copies.x != 0)
    operands.x = is_unfolded(c.window) ? unfold(operands.x, c.window, copies.x, workspace, work.stream)
                                       : fill(operands.x, c.window, 8, copies.x, workspace, work.stream);
  if (copies.weights != 0)
    operands.weights =
        fill(operands.weights, c.window, c.weight_bits, copies.weights, workspace + copies.x, work.stream);
  convolve_on_tensor_cores(operands, problem_of(c), result, work.stream);
}

void check(const ConvolutionOperands& operands, const ByteConvolution& c, const CudaWork& work) {
  check_convolution(c);
  const Copies copies = copies_of(c);
  if (copies.x >= int64_t{1} << 31) throw Error("convolve_bytes: expected below 2^31 bytes with channels filled up");
  if (copies.x + copies.weights != 0 && work.workspace == nullptr)
    throw Error("convolve_bytes: expected a workspace of " + std::to_string(copies.x + copies.weights) +
                " bytes, got none");
  for (const void* pointer : {static_cast<const void*>(operands.x), static_cast<const void*>(operands.weights),
                              static_cast<const void*>(work.workspace)})
    if (reinterpret_cast<uintptr_t>(pointer) % 16 != 0)
      throw Error("convolve_bytes: expected pointers aligned to 16 bytes, got another");
}

}  // namespace

int64_t convolution_workspace(const ByteConvolution& convolution) {
  const Copies copies = copies_of(convolution);
  return copies.x + copies.weights;
}

void convolve_bytes_cuda(const ConvolutionOperands& operands, const ByteConvolution& convolution, int32_t* acc,
                         const CudaWork& work) {
  check(operands, convolution, work);
  if (runs_on_tensor_cores(convolution))
    run_tensor_cores(operands, convolution, {acc, nullptr, {}}, work);
  else
    run_direct(operands, convolution, scalar::StoreSums{acc}, work.stream);
}

void convolve_bytes_scaled_cuda(const ConvolutionOperands& operands, const ByteConvolution& convolution,
                                const ScaleEpilogue& epilogue, uint8_t* codes, const CudaWork& work) {
  check(operands, convolution, work);
  if (reinterpret_cast<uintptr_t>(epilogue.scale_and_bias) % 128 != 0)
    throw Error("convolve_bytes: expected scale_and_bias aligned to 128 bytes, got another address");
  check_epilogue(epilogue);
  if (runs_on_tensor_cores(convolution))
    run_tensor_cores(operands, convolution, {nullptr, codes, epilogue}, work);
  else
    run_direct(operands, convolution, scalar::StoreCodes{epilogue, codes}, work.stream);
}

}  // namespace carat
