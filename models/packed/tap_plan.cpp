// SPDX-License-Identifier: Apache-2.0
#include "models/packed/tap_plan.h"

#include <algorithm>

namespace carat {

int64_t TapPlan::offset(int64_t channel, int64_t r, int64_t s) const {
  if (!needs_phases) return channel * source_plane + r * source_row + s;
  const int64_t phase = r % phases.stride * phases.used + s % phases.stride;
  return (channel * phases.used * phases.used + phase) * phases.plane() + r / phases.stride * phases.columns +
         s / phases.stride;
}

TapPlan plan_taps(const Window& w, const Planes& source, bool copies) {
  TapPlan plan;
  plan.out_height = w.out_height();
  plan.out_width = w.out_width();
  const bool has_border = source.before >= w.padding && source.after >= w.padding + w.extra_padding;
  plan.needs_phases = copies || w.stride > 1 || !has_border;
  if (plan.needs_phases) {
    const int64_t beyond = (w.kernel - 1) / w.stride;
    plan.phases = {.stride = w.stride,
                   .used = std::min(w.stride, w.kernel),
                   .rows = plan.out_height + beyond,
                   .columns = plan.out_width + beyond,
                   .padding = w.padding};
    plan.row = plan.phases.columns;
  } else {
    plan.source_plane = source.plane();
    plan.source_row = plan.row = source.row();
    plan.base = source.at(-w.padding, -w.padding);
  }
  plan.count = (plan.out_height - 1) * plan.row + plan.out_width;
  return plan;
}

namespace {

// to[j] = from[j * stride + first], zero outside [0, width).
template <typename T>
void copy_row(const T* from, int64_t width, int64_t first, const Phases& phases, T* to) {
  const int64_t stride = phases.stride;
  const int64_t begin = std::min(phases.columns, first < 0 ? (-first + stride - 1) / stride : 0);
  const int64_t end = std::clamp<int64_t>((width - first + stride - 1) / stride, begin, phases.columns);
  std::fill(to, to + begin, T{0});
  const T* source = from + first;
  if (stride == 1)
    std::copy(source + begin, source + end, to + begin);
  else if (stride == 2)
    for (int64_t j = begin; j < end; ++j) to[j] = source[2 * j];
  else
    for (int64_t j = begin; j < end; ++j) to[j] = source[stride * j];
  std::fill(to + end, to + phases.columns, T{0});
}

}  // namespace

template <typename T>
void copy_phases(const T* x, const Planes& source, const Phases& phases, T* y) {
  const Shape& shape = source.shape;
  for (int64_t c = 0; c < shape.channels; ++c, x += source.plane())
    for (int64_t r = 0; r < phases.used; ++r)
      for (int64_t s = 0; s < phases.used; ++s, y += phases.plane())
        for (int64_t i = 0; i < phases.rows; ++i) {
          const int64_t row = i * phases.stride + r - phases.padding;
          T* to = y + i * phases.columns;
          if (row < 0 || row >= shape.height) {
            std::fill_n(to, phases.columns, T{0});
            continue;
          }
          copy_row(x + source.at(row, 0), shape.width, s - phases.padding, phases, to);
        }
}

template void copy_phases(const float*, const Planes&, const Phases&, float*);
template void copy_phases(const uint8_t*, const Planes&, const Phases&, uint8_t*);
template void copy_phases(const int16_t*, const Planes&, const Phases&, int16_t*);

}  // namespace carat
