// SPDX-License-Identifier: Apache-2.0
#include "base/console.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/text.h"

namespace carat {

Console::Console(std::FILE* out) : out_(out), is_terminal_(isatty(fileno(out)) == 1) {}

void Console::clear_bar() {
  if (bar_is_shown_) fmt::print(out_, "\r\033[K");
  bar_is_shown_ = false;
}

void Console::heading(const std::string& text) { line(text); }

void Console::line(const std::string& text) {
  const std::lock_guard lock(mutex_);
  clear_bar();
  fmt::print(out_, "{}\n", text);
  std::fflush(out_);
}

void Console::progress(const std::string& what, int64_t done, int64_t total, const std::string& note) {
  const std::lock_guard lock(mutex_);
  const Clock::time_point now = Clock::now();
  if (what != current_ || done < first_done_) {
    current_ = what;
    first_done_ = done;
    started_ = now;
    last_shown_ = {};
  }
  const double since_shown = std::chrono::duration<double>(now - last_shown_).count();
  const bool is_last = done >= total;
  if (!is_last && since_shown < (is_terminal_ ? 0.1 : 10.0)) return;
  last_shown_ = now;

  const double elapsed = std::chrono::duration<double>(now - started_).count();
  const double rate = elapsed > 0.0 ? static_cast<double>(done - first_done_) / elapsed : 0.0;
  const std::string left =
      rate > 0.0 && !is_last ? ", " + readable_seconds(static_cast<double>(total - done) / rate) + " left" : "";
  const std::string speed = rate > 0.0 ? fmt::format("  {:.1f}/s", rate) : "";
  if (is_terminal_) {
    constexpr int64_t kWidth = 24;
    const auto filled = static_cast<size_t>(total > 0 ? kWidth * done / total : kWidth);
    clear_bar();
    fmt::print(out_, "      {} [{}{}] {}/{}{}{}  {}", what, std::string(filled, '#'), std::string(kWidth - filled, '.'),
               done, total, speed, left, note);
    bar_is_shown_ = true;
    if (is_last) {
      fmt::print(out_, "\n");
      bar_is_shown_ = false;
    }
  } else {
    fmt::print(out_, "      {} {}/{}{}{}  {}\n", what, done, total, speed, left, note);
  }
  std::fflush(out_);
  if (is_last) current_.clear();
}

void Console::table(const std::vector<std::vector<std::string>>& rows) {
  clear_bar();
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  }
  for (const auto& row : rows) {
    std::string text;
    for (size_t c = 0; c < row.size(); ++c)
      text += c == 0 ? fmt::format("{:<{}}", row[c], widths[c]) : fmt::format("  {:>{}}", row[c], widths[c]);
    fmt::print(out_, "{}\n", text);
  }
  std::fflush(out_);
}

}  // namespace carat
