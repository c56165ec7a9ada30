// SPDX-License-Identifier: Apache-2.0
#include "models/packed/tap_plan.h"

#include <algorithm>

#include "kernels/every_second.h"

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

struct Range {
  int64_t begin;
  int64_t end;
};

// Those i of [0, count) for which first + i * stride lies in [0, size).
Range inside(int64_t first, int64_t stride, int64_t size, int64_t count) {
  const int64_t begin = std::min(count, first < 0 ? (-first + stride - 1) / stride : 0);
  return {begin, std::clamp<int64_t>((size - first + stride - 1) / stride, begin, count)};
}

}  // namespace

template <typename T>
void copy_phases(const T* x, const Planes& source, const Phases& phases, T* y) {
  const Shape& shape = source.shape;
  const int64_t stride = phases.stride;
  for (int64_t c = 0; c < shape.channels; ++c, x += source.plane())
    for (int64_t r = 0; r < phases.used; ++r)
      for (int64_t s = 0; s < phases.used; ++s, y += phases.plane()) {
        const Range rows = inside(r - phases.padding, stride, shape.height, phases.rows);
        const Range columns = inside(s - phases.padding, stride, shape.width, phases.columns);
        std::fill_n(y, phases.plane(), T{0});
        const int64_t n = columns.end - columns.begin;
        if (rows.begin == rows.end || n == 0) continue;
        const T* from =
            x + source.at(rows.begin * stride + r - phases.padding, columns.begin * stride + s - phases.padding);
        T* to = y + rows.begin * phases.columns + columns.begin;
        if (stride == 2) {
          every_second(from, stride * source.row(), rows.end - rows.begin, n, to, phases.columns);
          continue;
        }
        for (int64_t i = rows.begin; i < rows.end; ++i, from += stride * source.row(), to += phases.columns)
          for (int64_t j = 0; j < n; ++j) to[j] = from[j * stride];
      }
}

template void copy_phases(const float*, const Planes&, const Phases&, float*);
template void copy_phases(const uint8_t*, const Planes&, const Phases&, uint8_t*);
template void copy_phases(const int16_t*, const Planes&, const Phases&, int16_t*);

}  // namespace carat
