// SPDX-License-Identifier: Apache-2.0
// Shuffled, augmented batches. What comes out depends on the options and the step only, never on the thread count. At
// most 2 * threads + 2 batches are ready or being made ahead of the one that is asked for, whatever the data set's
// size.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "data/augment.h"
#include "data/batch.h"
#include "data/mix.h"

namespace carat {

struct LoaderOptions {
  int64_t batch_size = 128;
  Augmentation augmentation;
  Mixing mixing;
  int64_t seed = 0;
  std::string stage;  // names the random streams
  int64_t threads = 1;
  std::vector<int64_t> indices;  // empty: all images
};

class Loader {
 public:
  Loader(const Dataset& data, LoaderOptions options);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  // A last partial batch of an epoch is left out.
  int64_t steps_per_epoch() const { return steps_per_epoch_; }
  Batch next();
  // The next batch will be that of this step of the run.
  void seek(int64_t step);

 private:
  void work();
  Batch make(int64_t step) const;
  // Reads the image at this place of the epoch's order, or the next readable one; its index in the data set.
  int64_t read_next(const std::vector<int64_t>& order, int64_t place, Random& random, uint8_t* to) const;
  std::shared_ptr<const std::vector<int64_t>> order_of(int64_t epoch) const;

  const Dataset& data_;
  LoaderOptions options_;
  int64_t steps_per_epoch_;

  // The latest epoch's order, shared by the workers.
  mutable std::mutex order_mutex_;
  mutable std::shared_ptr<const std::vector<int64_t>> order_;
  mutable int64_t order_epoch_ = -1;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<int64_t, Batch> ready_;
  std::exception_ptr failure_;
  int64_t next_ = 0;     // step that next() gives
  int64_t claimed_ = 0;  // first step that no worker has taken
  int64_t era_ = 0;      // raised by seek: batches of an earlier era are dropped
  bool stopping_ = false;
  std::vector<std::thread> workers_;
};

struct HeldBack {
  std::vector<int64_t> training;
  std::vector<int64_t> held_back;
};

// A shuffle by seed; the last `count` images are held back.
HeldBack hold_back(const Dataset& data, int64_t count, int64_t seed);

}  // namespace carat
