// SPDX-License-Identifier: Apache-2.0
// Small text helpers: nearest legal name, layer patterns, readable counts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace carat {

// The candidate with the smallest edit distance (Damerau, adjacent swaps count one), or "" when none is within
// max(1, length / 3) edits of the name.
std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates);

// Whole-string match; '*' stands for any run of characters (also none), '?' for one.
bool matches_pattern(std::string_view pattern, std::string_view text);

std::string join(const std::vector<std::string>& parts, std::string_view separator);

// 12345678 -> "12,345,678".
std::string with_separators(int64_t value);

// 75 -> "1m15s", 3.2 -> "3.2s", 7300 -> "2h01m".
std::string readable_seconds(double seconds);

}  // namespace carat
