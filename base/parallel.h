// SPDX-License-Identifier: Apache-2.0
// Runs a function over 0..count-1 on several threads. The result may not depend on the split.
#pragma once

#include <cstdint>
#include <functional>

namespace carat {

// Threads to use: CARAT_THREADS when set, else the cores this process may run on.
int64_t default_threads();

// Calls body(begin, end) on disjoint ranges that cover [0, count). Rethrows the first exception.
void parallel_ranges(int64_t count, int64_t threads, const std::function<void(int64_t, int64_t)>& body);

}  // namespace carat
