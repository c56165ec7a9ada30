// SPDX-License-Identifier: Apache-2.0
// Counter-based random numbers: a stream is a pure function of (run seed, stage, purpose, index), so a run gives the
// same numbers after a restart and with any number of threads. Never global state.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace carat {

struct RandomKey {
  int64_t seed = 0;
  std::string_view stage;
  std::string_view purpose;
  int64_t index = 0;
};

// SplitMix64 (Steele, Lea, Flood 2014) started at the XXH3 hash of the key.
class Random {
 public:
  explicit Random(const RandomKey& key);

  uint64_t bits();
  // Uniform in [0, 1), 53 bits.
  double uniform();
  // Uniform integer in [0, n), n > 0, without bias.
  int64_t below(int64_t n);
  // Standard normal by the Box-Muller transform.
  double normal();

 private:
  uint64_t state_;
};

// The integers 0..n-1 in random order (Fisher-Yates).
std::vector<int64_t> permutation(int64_t n, Random& random);

}  // namespace carat
