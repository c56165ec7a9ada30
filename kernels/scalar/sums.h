// SPDX-License-Identifier: Apache-2.0
// Sums in one order on CPU and GPU: thread t of kElementThreads adds the parts t, t + kElementThreads, ...; then the
// upper half of the threads is added to the lower one, down to one. `plus` and the value T{} say what a sum is.
#pragma once

#include "kernels/scalar/elementwise.h"

namespace carat::scalar {

CARAT_SHARED double plus(double a, double b) { return add(a, b); }

template <typename T>
CARAT_SHARED T sum_of_thread(const T* parts, int64_t count, int thread) {
  T sum = {};
  for (int64_t i = thread; i < count; i += kElementThreads) sum = plus(sum, parts[i]);
  return sum;
}

// part(thread) is that thread's own sum.
template <typename T, typename Part>
T sum_of_threads(const Part& part) {
  T sums[kElementThreads];
  for (int thread = 0; thread < kElementThreads; ++thread) sums[thread] = part(thread);
  for (int half = kElementThreads / 2; half > 0; half /= 2)
    for (int thread = 0; thread < half; ++thread) sums[thread] = plus(sums[thread], sums[thread + half]);
  return sums[0];
}

template <typename T>
T sum_in_order(const T* parts, int64_t count) {
  return sum_of_threads<T>([&](int thread) { return sum_of_thread(parts, count, thread); });
}

}  // namespace carat::scalar
