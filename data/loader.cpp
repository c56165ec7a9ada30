// SPDX-License-Identifier: Apache-2.0
#include "data/loader.h"

#include <algorithm>
#include <numeric>

#include "base/fail.h"

namespace carat {

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

int64_t Loader::read_next(const std::vector<int64_t>& order, int64_t place, Random& random, uint8_t* to) const {
  for (size_t tried = 0; tried < order.size(); ++tried) {
    const int64_t in_order = order[(static_cast<size_t>(place) + tried) % order.size()];
    const int64_t index = options_.indices[static_cast<size_t>(in_order)];
    if (read_for_training(data_, index, options_.augmentation, random, to)) return index;
  }
  fail("{}: expected at least one readable training image, found none", data_.name);
}

std::shared_ptr<const std::vector<int64_t>> Loader::order_of(int64_t epoch) const {
  const std::lock_guard lock(order_mutex_);
  if (epoch != order_epoch_) {
    Random random({options_.seed, options_.stage, "order", epoch});
    order_ = std::make_shared<const std::vector<int64_t>>(
        permutation(static_cast<int64_t>(options_.indices.size()), random));
    order_epoch_ = epoch;
  }
  return order_;
}

Batch Loader::make(int64_t step) const {
  const int64_t epoch = step / steps_per_epoch_;
  const int64_t first = step % steps_per_epoch_ * options_.batch_size;
  const std::shared_ptr<const std::vector<int64_t>> order = order_of(epoch);
  Batch batch;
  batch.size = options_.batch_size;
  batch.pixels.resize(static_cast<size_t>(batch.size * data_.image_bytes()));
  std::vector<uint8_t> image(static_cast<size_t>(data_.image_bytes()));
  for (int64_t i = 0; i < batch.size; ++i) {
    Random random({options_.seed, options_.stage, "augment", step * options_.batch_size + i});
    const int64_t index = read_next(*order, first + i, random, image.data());
    augment(data_, image.data(), options_.augmentation, random, batch.pixels.data() + i * data_.image_bytes());
    batch.indices.push_back(index);
    batch.labels.push_back(data_.labels[static_cast<size_t>(index)]);
  }
  Random mixing({options_.seed, options_.stage, "mix", step});
  mix(data_, options_.mixing, mixing, batch);
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
