// SPDX-License-Identifier: Apache-2.0
// What a person sees: stage headings, one progress bar on a terminal (plain lines otherwise), a closing table.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <string>
#include <vector>

namespace carat {

class Console {
 public:
  explicit Console(std::FILE* out = stdout);

  void heading(const std::string& text);
  void line(const std::string& text);
  // Share done, rate and remaining time. On a terminal redrawn at most ten times a second; otherwise a line every ten
  // seconds and at the end.
  void progress(const std::string& what, int64_t done, int64_t total, const std::string& note);

  // Columns aligned, the first to the left, the others to the right.
  void table(const std::vector<std::vector<std::string>>& rows);

 private:
  using Clock = std::chrono::steady_clock;
  void clear_bar();

  std::mutex mutex_;  // lines may come from loader threads
  std::FILE* out_;
  bool is_terminal_;
  bool bar_is_shown_ = false;
  std::string current_;
  int64_t first_done_ = 0;
  Clock::time_point started_;
  Clock::time_point last_shown_;
};

}  // namespace carat
