// SPDX-License-Identifier: Apache-2.0
#include "evaluation/tally.h"

#include <algorithm>
#include <cmath>

#include "base/fail.h"

namespace carat {
namespace {

constexpr int64_t kTop = 5;

// Classes that come before the label when the most likely is first.
int64_t rank_of(std::span<const float> logits, size_t label) {
  int64_t rank = 0;
  for (size_t i = 0; i < logits.size(); ++i)
    if (logits[i] > logits[label] || (logits[i] == logits[label] && i < label)) ++rank;
  return rank;
}

double cross_entropy(std::span<const float> logits, size_t label) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0.0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - largest);
  return largest + std::log(sum) - static_cast<double>(logits[label]);
}

}  // namespace

Tally::Tally(int64_t classes) : classes_(static_cast<size_t>(classes)) {}

void Tally::add(std::span<const float> logits, std::span<const int64_t> labels) {
  const size_t classes = classes_.size();
  require(logits.size() == labels.size() * classes, "expected {} logits of {} images, got {}", labels.size() * classes,
          labels.size(), logits.size());
  for (size_t i = 0; i < labels.size(); ++i) {
    require(labels[i] >= 0 && labels[i] < static_cast<int64_t>(classes), "expected labels below {}, got {}", classes,
            labels[i]);
    const std::span<const float> row = logits.subspan(i * classes, classes);
    const auto label = static_cast<size_t>(labels[i]);
    const auto predicted = static_cast<size_t>(std::max_element(row.begin(), row.end()) - row.begin());
    ++classes_[label].images;
    ++classes_[predicted].predicted;
    predictions_.push_back(static_cast<int64_t>(predicted));
    const int64_t rank = rank_of(row, label);
    if (predicted == label) {
      ++correct_;
      ++classes_[label].correct;
    }
    if (rank < kTop) {
      ++correct5_;
      ++classes_[label].correct5;
    }
    loss_sum_ += cross_entropy(row, label);
    ++total_;
  }
}

Interval wilson_interval(int64_t correct, int64_t total) {
  if (total == 0) return {};
  constexpr double kZ = 1.959964;
  const auto n = static_cast<double>(total);
  const double share = static_cast<double>(correct) / n;
  const double middle = (share + kZ * kZ / (2.0 * n)) / (1.0 + kZ * kZ / n);
  const double half = kZ * std::sqrt(share * (1.0 - share) / n + kZ * kZ / (4.0 * n * n)) / (1.0 + kZ * kZ / n);
  return {std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

}  // namespace carat
