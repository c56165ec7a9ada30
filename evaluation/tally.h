// SPDX-License-Identifier: Apache-2.0
// Counts what a classifier got right: top-1, top-5, loss, and the same by class.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace carat {

struct ClassCount {
  int64_t images = 0;
  int64_t correct = 0;
  int64_t correct5 = 0;
  int64_t predicted = 0;  // images of any class that were taken for this one
};

class Tally {
 public:
  explicit Tally(int64_t classes);

  // logits {labels.size(), classes}. The most likely class is the first of equals, as argmax has it; top-5 orders
  // equals alike. loss: -log softmax of the label, summed in double. Throws Error for a label that is no class.
  void add(std::span<const float> logits, std::span<const int64_t> labels);

  int64_t correct() const { return correct_; }
  int64_t correct5() const { return correct5_; }
  int64_t total() const { return total_; }
  // Mean cross entropy in nats; 0 before the first image.
  double loss() const { return total_ == 0 ? 0.0 : loss_sum_ / static_cast<double>(total_); }
  const std::vector<ClassCount>& classes() const { return classes_; }
  const std::vector<int64_t>& predictions() const { return predictions_; }

 private:
  int64_t correct_ = 0;
  int64_t correct5_ = 0;
  int64_t total_ = 0;
  double loss_sum_ = 0.0;
  std::vector<ClassCount> classes_;
  std::vector<int64_t> predictions_;
};

struct Interval {
  double low = 0.0;
  double high = 1.0;
};
// 95 % confidence interval of a share. Source: Wilson 1927; z = 1.959964.
Interval wilson_interval(int64_t correct, int64_t total);

}  // namespace carat
