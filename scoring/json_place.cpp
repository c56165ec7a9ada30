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

// The first pass: depth, keys, and where the text stops being JSON. The second one builds the values.
class Checker : public nlohmann::json_sax<Json> {
 public:
  Checker(const std::string& text, const std::string& origin) : text_(text), origin_(origin) {}

  bool null() override { return true; }
  bool boolean(bool /*value*/) override { return true; }
  bool number_integer(number_integer_t /*value*/) override { return true; }
  bool number_unsigned(number_unsigned_t /*value*/) override { return true; }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return true; }
  bool string(string_t& /*value*/) override { return true; }
  bool binary(binary_t& /*value*/) override { return true; }
  bool start_object(size_t /*size*/) override { return enter(); }
  bool end_object() override { return leave(); }
  bool start_array(size_t /*size*/) override { return enter(); }
  bool end_array() override { return leave(); }
  bool key(string_t& name) override {
    require(keys_.back().insert(name).second, "{}: the field '{}' is given twice in one object", origin_,
            printable(name.substr(0, 60)));
    return true;
  }
  bool parse_error(size_t position, const std::string& /*token*/, const Json::exception& error) override {
    std::string what = error.what();
    if (const size_t colon = what.find(": ", what.find("column")); colon != std::string::npos)
      what = what.substr(colon + 2);
    fail("{}:{}: expected JSON: {}", origin_, line_and_column(text_, position > 0 ? position - 1 : 0),
         printable(what).substr(0, 160));
  }

 private:
  bool enter() {
    require(std::ssize(keys_) <= kDepth, "{}: expected JSON of at most {} levels, it is nested deeper", origin_,
            kDepth);
    keys_.emplace_back();
    return true;
  }
  bool leave() {
    keys_.pop_back();
    return true;
  }

  const std::string& text_;
  const std::string& origin_;
  std::vector<std::set<std::string>> keys_;  // of every object or array that is open
};

}  // namespace

std::string printable(const std::string& text) {
  std::string shown;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F, a second row of control characters, are C2 80 to C2 9F in UTF-8.
    const bool is_second_row = byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (byte == '\n')
      shown += "\\n";
    else if (is_second_row)
      shown += fmt::format("\\u{:04x}", static_cast<unsigned char>(text[++i]));
    else if (byte < ' ' || byte == 0x7F)
      shown += fmt::format("\\u{:04x}", byte);
    else
      shown += text[i];
  }
  return shown;
}

void JsonPlace::refuse(const std::string& message) const {
  std::string where;
  for (const auto& step : path) {
    if (const auto* key = std::get_if<std::string>(&step))
      where += (where.empty() ? "" : ".") + *key;
    else
      where += fmt::format("[{}]", std::get<size_t>(step));
  }
  fail("{}:{}: {}{}{}", *origin, line_and_column(*text, Scanner(*text).find(path)), printable(where.substr(0, 200)),
       where.empty() ? "" : ": ", printable(message));
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
  Checker checker(text, origin);
  Json::sax_parse(text, &checker);
  return Json::parse(text);
}

}  // namespace carat
