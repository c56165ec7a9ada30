// SPDX-License-Identifier: Apache-2.0
#include "kernels/launch_cuda.h"
#include "kernels/scalar/layer_ops.h"

namespace carat {
namespace {

class Launcher {
 public:
  Launcher(const LayerOp& op, const LayerFinish& finish, void* stream)
      : op_(op), finish_(finish), stream_(stream), result_(extents_of(op)) {
    n_ = op.batch * result_.channels * result_.height * result_.width;
    constexpr int64_t kTooMany = int64_t{1} << 31;
    const int64_t read = op.batch * op.window.channels * op.window.height * op.window.width;
    if (n_ >= kTooMany || read >= kTooMany)
      throw Error(std::string(name_of(op.kind)) + ": expected fewer than 2^31 numbers, got " +
                  std::to_string(n_ > read ? n_ : read));
  }

  void run() const {
    switch (op_.kind) {
      case LayerKind::max_pool:
      case LayerKind::avg_pool:
        return start(pool());
      case LayerKind::convolve:
      case LayerKind::linear:
        return start(convolution());
      case LayerKind::add:
        return start(sum());
      case LayerKind::multiply:
        return start(product());
      case LayerKind::image:
        return start(scalar::Image{static_cast<const uint8_t*>(op_.inputs[0].data), whole(op_.window.channels),
                                   whole(op_.window.height * op_.window.width), op_.image, extents()});
      default:
        return move();
    }
  }

 private:
  static int whole(int64_t n) { return static_cast<int>(n); }

  void move() const {
    const Window& w = op_.window;
    const scalar::Divisor channels = scalar::divisor_of(result_.channels);
    if (op_.kind == LayerKind::copy) return start(scalar::Copy{op_.inputs[0]});
    if (op_.kind == LayerKind::slice) return start(scalar::Slice{tensor(), channels, whole(op_.begin)});
    if (op_.kind == LayerKind::shuffle) return start(scalar::Shuffle{tensor(), channels, scalar::divisor_of(w.groups)});
    if (op_.kind == LayerKind::upsample)
      return start(scalar::Upsample{tensor(), extents(), scalar::divisor_of(op_.size)});
    if (op_.kind == LayerKind::pad) return start(scalar::Pad{tensor(), extents(), whole(w.padding), op_.fill});
    const auto factor = static_cast<float>(1.0 / static_cast<double>(w.height * w.width));
    start(scalar::GlobalPool{tensor(), channels, factor});
  }

  scalar::Tensor tensor() const {
    return {op_.inputs[0], whole(op_.window.height), whole(op_.window.width), whole(op_.window.channels)};
  }

  scalar::Extents extents() const {
    return {scalar::divisor_of(result_.channels), scalar::divisor_of(result_.width),
            scalar::divisor_of(result_.height)};
  }

  scalar::Pool pool() const {
    const Window& w = op_.window;
    const auto factor = static_cast<float>(1.0 / static_cast<double>(w.kernel * w.kernel));
    return {tensor(),
            extents(),
            whole(w.kernel),
            whole(w.stride),
            whole(w.padding),
            factor,
            op_.kind == LayerKind::max_pool};
  }

  scalar::FloatConvolution convolution() const {
    const Window& w = op_.window;
    const bool is_linear = op_.kind == LayerKind::linear;
    return {tensor(),
            op_.weights,
            extents(),
            scalar::divisor_of(w.out_channels / w.groups),
            whole(w.channels / w.groups),
            whole(is_linear ? w.height : w.kernel),
            whole(is_linear ? w.width : w.kernel),
            whole(w.stride),
            whole(w.padding)};
  }

  scalar::Add sum() const {
    scalar::Add add = {};
    if (op_.inputs.size() > kMostAdded) throw Error("add: expected at most 16 inputs");
    for (const ValueView& input : op_.inputs) add.x[add.count++] = input;
    return add;
  }

  scalar::Multiply product() const {
    const Window& w = op_.window;
    return {op_.inputs[0], op_.inputs[1], op_.second_is_channels, scalar::divisor_of(w.channels * w.height * w.width),
            scalar::divisor_of(w.channels)};
  }

  template <typename Source>
  void start(const Source& source) const {
    const scalar::LayerElements<Source> elements = {source, finish_, scalar::divisor_of(result_.channels)};
    launch_elements(name_of(op_.kind), elements, n_, stream_);
  }

  const LayerOp& op_;
  const LayerFinish& finish_;
  void* stream_;
  LayerExtents result_;
  int64_t n_ = 0;
};

}  // namespace

void run_layer_cuda(const LayerOp& op, const LayerFinish& finish, void* stream) { Launcher(op, finish, stream).run(); }

}  // namespace carat
