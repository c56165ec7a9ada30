// SPDX-License-Identifier: Apache-2.0
// Mixed precision on a GPU.
#pragma once

#include <ATen/autocast_mode.h>

namespace carat {

// bfloat16 convolutions on a GPU for as long as it lives.
class Autocast {
 public:
  explicit Autocast(bool is_on) : is_on_(is_on) {
    if (!is_on_) return;
    at::autocast::set_autocast_enabled(at::kCUDA, true);
    at::autocast::set_autocast_dtype(at::kCUDA, at::kBFloat16);
  }
  ~Autocast() {
    if (!is_on_) return;
    at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(at::kCUDA, false);
  }
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  bool is_on_;
};

}  // namespace carat
