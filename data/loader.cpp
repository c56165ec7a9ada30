// SPDX-License-Identifier: Apache-2.0
#include "data/loader.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "base/fail.h"
#include "base/parallel.h"

namespace carat {

void augment(const Dataset& data, const uint8_t* from, const Augmentation& how, Random& random, uint8_t* to) {
  const int64_t span = 2 * how.crop_padding + 1;
  const int64_t down = how.crop_padding > 0 ? random.below(span) - how.crop_padding : 0;
  const int64_t right = how.crop_padding > 0 ? random.below(span) - how.crop_padding : 0;
  const bool mirrored = how.flip && random.below(2) == 1;
  for (int64_t c = 0; c < data.channels; ++c) {
    for (int64_t y = 0; y < data.height; ++y) {
      for (int64_t x = 0; x < data.width; ++x) {
        const int64_t source_y = y + down;
        const int64_t source_x = (mirrored ? data.width - 1 - x : x) + right;
        const bool inside = source_y >= 0 && source_y < data.height && source_x >= 0 && source_x < data.width;
        *to++ = inside ? from[(c * data.height + source_y) * data.width + source_x] : uint8_t{0};
      }
    }
  }
  if (how.cutout == 0) return;
  uint8_t* image = to - data.image_bytes();
  const int64_t top = random.below(data.height) - how.cutout / 2;
  const int64_t left = random.below(data.width) - how.cutout / 2;
  for (int64_t c = 0; c < data.channels; ++c)
    for (int64_t y = std::max<int64_t>(0, top); y < std::min(data.height, top + how.cutout); ++y)
      for (int64_t x = std::max<int64_t>(0, left); x < std::min(data.width, left + how.cutout); ++x)
        image[(c * data.height + y) * data.width + x] = 0;
}

Batch gather(const Dataset& data, std::span<const int64_t> indices) {
  const auto count = static_cast<int64_t>(indices.size());
  const auto bytes = static_cast<size_t>(data.image_bytes());
  Batch batch;
  batch.pixels.resize(indices.size() * bytes);
  std::vector<uint8_t> is_there(indices.size());
  parallel_ranges(count, data.reader->is_in_memory() ? 1 : default_threads(), [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i)
      is_there[i] = data.read(indices[i], batch.pixels.data() + i * bytes) ? 1 : 0;
  });
  for (size_t i = 0; i < indices.size(); ++i) {
    if (is_there[i] == 0) continue;
    if (batch.indices.size() < i)
      std::memcpy(batch.pixels.data() + batch.indices.size() * bytes, batch.pixels.data() + i * bytes, bytes);
    batch.indices.push_back(indices[i]);
    batch.labels.push_back(data.labels[static_cast<size_t>(indices[i])]);
  }
  batch.size = static_cast<int64_t>(batch.indices.size());
  batch.pixels.resize(batch.indices.size() * bytes);
  return batch;
}

Batch gather(const Dataset& data, int64_t begin, int64_t end) {
  std::vector<int64_t> indices(static_cast<size_t>(end - begin));
  std::iota(indices.begin(), indices.end(), begin);
  return gather(data, indices);
}

Loader::Loader(const Dataset& data, LoaderOptions options) : data_(data), options_(std::move(options)) {
  if (options_.indices.empty()) {
    options_.indices.resize(static_cast<size_t>(data.size()));
    std::iota(options_.indices.begin(), options_.indices.end(), int64_t{0});
  }
  const auto count = static_cast<int64_t>(options_.indices.size());
  require(options_.batch_size >= 1 && options_.batch_size <= count, "batch_size: expected 1 to {} images, got {}",
          count, options_.batch_size);
  steps_per_epoch_ = count / options_.batch_size;
  for (int64_t i = 0; i < std::max<int64_t>(1, options_.threads); ++i) workers_.emplace_back([this] { work(); });
}

Loader::~Loader() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

int64_t Loader::read_next(const std::vector<int64_t>& order, int64_t place, uint8_t* to) const {
  for (size_t tried = 0; tried < order.size(); ++tried) {
    const int64_t in_order = order[(static_cast<size_t>(place) + tried) % order.size()];
    const int64_t index = options_.indices[static_cast<size_t>(in_order)];
    if (data_.read(index, to)) return index;
  }
  fail("{}: expected at least one readable training image, found none", data_.name);
}

Batch Loader::make(int64_t step) const {
  const int64_t epoch = step / steps_per_epoch_;
  const int64_t first = step % steps_per_epoch_ * options_.batch_size;
  Random order_stream({options_.seed, options_.stage, "order", epoch});
  const std::vector<int64_t> order = permutation(static_cast<int64_t>(options_.indices.size()), order_stream);
  Batch batch;
  batch.size = options_.batch_size;
  batch.pixels.resize(static_cast<size_t>(batch.size * data_.image_bytes()));
  std::vector<uint8_t> image(static_cast<size_t>(data_.image_bytes()));
  for (int64_t i = 0; i < batch.size; ++i) {
    Random random({options_.seed, options_.stage, "augment", step * options_.batch_size + i});
    const int64_t index = read_next(order, first + i, image.data());
    augment(data_, image.data(), options_.augmentation, random, batch.pixels.data() + i * data_.image_bytes());
    batch.indices.push_back(index);
    batch.labels.push_back(data_.labels[static_cast<size_t>(index)]);
  }
  return batch;
}

void Loader::work() {
  std::unique_lock lock(mutex_);
  const auto ahead = 2 * static_cast<int64_t>(std::max<int64_t>(1, options_.threads)) + 2;
  while (true) {
    changed_.wait(lock, [&] { return stopping_ || claimed_ < next_ + ahead; });
    if (stopping_) return;
    const int64_t step = claimed_++;
    const int64_t era = era_;
    lock.unlock();
    Batch batch;
    std::exception_ptr failure;
    try {
      batch = make(step);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    if (failure) failure_ = failure;
    if (era == era_) ready_[step] = std::move(batch);
    changed_.notify_all();
  }
}

Batch Loader::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return failure_ || ready_.contains(next_); });
  if (failure_) std::rethrow_exception(failure_);
  Batch batch = std::move(ready_.extract(next_++).mapped());
  lock.unlock();
  changed_.notify_all();
  return batch;
}

void Loader::seek(int64_t step) {
  {
    const std::lock_guard lock(mutex_);
    next_ = claimed_ = step;
    ++era_;
    ready_.clear();
  }
  changed_.notify_all();
}

HeldBack hold_back(const Dataset& data, int64_t count, int64_t seed) {
  require(count >= 0 && count < data.size(), "held_back: expected 0 to {} images, got {}", data.size() - 1, count);
  Random random({seed, "data", "held back", 0});
  const std::vector<int64_t> order = permutation(data.size(), random);
  const auto cut = order.end() - static_cast<std::ptrdiff_t>(count);
  HeldBack split{{order.begin(), cut}, {cut, order.end()}};
  std::sort(split.training.begin(), split.training.end());
  return split;
}

}  // namespace carat
