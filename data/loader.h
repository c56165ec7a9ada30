// SPDX-License-Identifier: Apache-2.0
// Shuffled, augmented batches. What comes out depends on the options and the step only, never on the thread count.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"
#include "data/dataset.h"

namespace carat {

struct Augmentation {
  int64_t crop_padding = 0;  // pixels of zeros on every side before a random crop
  bool flip = false;         // mirror with probability 1/2
  int64_t cutout = 0;        // side of a zeroed square, centred anywhere (DeVries, Taylor 2017)
};

// One image of the data set's size from `from` to `to`.
void augment(const Dataset& data, const uint8_t* from, const Augmentation& how, Random& random, uint8_t* to);

struct Batch {
  std::vector<uint8_t> pixels;  // {size, C, H, W}
  std::vector<int64_t> labels;
  std::vector<int64_t> indices;  // in the data set, of every image in the batch
  int64_t size = 0;
};

// Evaluation pixels in the given order, decoded on several threads. Unreadable images that are to be skipped are left
// out: size and indices say which are there.
Batch gather(const Dataset& data, std::span<const int64_t> indices);
// Of images [begin, end).
Batch gather(const Dataset& data, int64_t begin, int64_t end);

struct LoaderOptions {
  int64_t batch_size = 128;
  Augmentation augmentation;
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
  int64_t read_next(const std::vector<int64_t>& order, int64_t place, uint8_t* to) const;

  const Dataset& data_;
  LoaderOptions options_;
  int64_t steps_per_epoch_;

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
