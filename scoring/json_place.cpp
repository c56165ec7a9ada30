// SPDX-License-Identifier: Apache-2.0
// Parsing with limits, and finding the line and column of a value again when there is something to say about it.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "base/fail.h"
#include "scoring/json_fields.h"

namespace carat {
namespace {

using Json = nlohmann::json;

constexpr int kDepth = 12;

// Walks over JSON text that has been parsed before, so it is well formed.
class Scanner {
 public:
  explicit Scanner(const std::string& text) : text_(text) {}

  size_t find(const std::vector<std::variant<std::string, size_t>>& path) {
    space();
    for (const auto& step : path) {
      const bool is_object = at_ < text_.size() && text_[at_] == '{';
      if (!is_object && (at_ >= text_.size() || text_[at_] != '[')) return at_;
      ++at_;
      for (size_t index = 0;; ++index) {
        space();
        if (at_ >= text_.size() || text_[at_] == '}' || text_[at_] == ']') return at_;
        bool is_wanted = std::holds_alternative<size_t>(step) && !is_object && std::get<size_t>(step) == index;
        if (is_object) {
          const size_t start = at_;
          skip();
          const std::string key = text_.substr(start, at_ - start);
          space();
          ++at_;  // the colon
          space();
          is_wanted = std::holds_alternative<std::string>(step) && key == Json(std::get<std::string>(step)).dump();
        }
        if (is_wanted) break;
        skip();
        space();
        if (at_ < text_.size() && text_[at_] == ',') ++at_;
      }
    }
    return at_;
  }

 private:
  void space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
  }
  void string() {
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_)
      if (text_[at_] == '\\') ++at_;
    ++at_;
  }
  void skip() {
    int depth = 0;
    do {
      if (at_ >= text_.size()) return;
      const char c = text_[at_];
      if (c == '"') {
        string();
        if (depth == 0) return;
        continue;
      }
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') {
        if (depth == 0) return;
        --depth;
      }
      if (depth == 0 && (c == ',' || c == ':' || c == ' ' || c == '\n' || c == '\r' || c == '\t')) return;
      ++at_;
    } while (true);
  }

  const std::string& text_;
  size_t at_ = 0;
};

std::string line_and_column(const std::string& text, size_t at) {
  size_t line = 1;
  size_t column = 1;
  for (size_t i = 0; i < at && i < text.size(); ++i) {
    ++column;
    if (text[i] == '\n') {
      ++line;
      column = 1;
    }
  }
  return fmt::format("{}:{}", line, column);
}

}  // namespace

void JsonPlace::refuse(const std::string& message) const {
  std::string where;
  for (const auto& step : path) {
    if (const auto* key = std::get_if<std::string>(&step))
      where += (where.empty() ? "" : ".") + *key;
    else
      where += fmt::format("[{}]", std::get<size_t>(step));
  }
  fail("{}:{}: {}{}{}", *origin, line_and_column(*text, Scanner(*text).find(path)), where, where.empty() ? "" : ": ",
       message);
}

JsonPlace JsonPlace::at(const std::string& key) const {
  JsonPlace place = *this;
  place.path.emplace_back(key);
  return place;
}

JsonPlace JsonPlace::at(size_t index) const {
  JsonPlace place = *this;
  place.path.emplace_back(index);
  return place;
}

Json parse_json(const std::string& text, const std::string& origin) {
  std::vector<std::set<std::string>> keys;
  const auto check = [&](int depth, Json::parse_event_t event, Json& value) {
    require(depth <= kDepth, "{}: expected JSON of at most {} levels, it is nested deeper", origin, kDepth);
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end && !keys.empty()) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.empty())
      require(keys.back().insert(value.get<std::string>()).second, "{}: the field '{}' is given twice in one object",
              origin, value.get<std::string>().substr(0, 60));
    return true;
  };
  try {
    return Json::parse(text, check);
  } catch (const Json::parse_error& error) {
    const size_t at = error.byte > 0 ? error.byte - 1 : 0;
    std::string what = error.what();
    if (const size_t colon = what.find(": ", what.find("column")); colon != std::string::npos)
      what = what.substr(colon + 2);
    for (char& c : what)
      if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = '?';
    fail("{}:{}: expected JSON: {}", origin, line_and_column(text, at), what.substr(0, 160));
  } catch (const Json::exception& error) {
    fail("{}: expected JSON: {}", origin, error.what());
  }
}

}  // namespace carat
