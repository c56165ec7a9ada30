// SPDX-License-Identifier: Apache-2.0
#include "base/random.h"

#include <cmath>
#include <numeric>

#include "base/hash.h"

namespace carat {

Random::Random(const RandomKey& key)
    : state_(Hasher().number(key.seed).text(key.stage).text(key.purpose).number(key.index).low64()) {}

uint64_t Random::bits() {
  state_ += 0x9E3779B97F4A7C15ULL;
  uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

double Random::uniform() { return static_cast<double>(bits() >> 11) * 0x1.0p-53; }

int64_t Random::below(int64_t n) {
  const auto range = static_cast<uint64_t>(n);
  const uint64_t reject_below = (0 - range) % range;
  uint64_t value = bits();
  while (value < reject_below) value = bits();
  return static_cast<int64_t>(value % range);
}

double Random::normal() {
  constexpr double kTwoPi = 6.283185307179586;
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
  return radius * std::cos(kTwoPi * uniform());
}

std::vector<int64_t> permutation(int64_t n, Random& random) {
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), int64_t{0});
  for (int64_t i = n - 1; i > 0; --i)
    std::swap(order[static_cast<size_t>(i)], order[static_cast<size_t>(random.below(i + 1))]);
  return order;
}

}  // namespace carat
