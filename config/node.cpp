// SPDX-License-Identifier: Apache-2.0
#include "config/node.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/fail.h"
#include "base/text.h"

namespace carat {
namespace {

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

std::string_view unsigned_part(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  return text;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

}  // namespace

const Node* Node::find(std::string_view key) const {
  for (const auto& [name, value] : entries)
    if (name == key) return &value;
  return nullptr;
}

std::string Node::describe() const {
  switch (kind) {
    case Kind::null:
      return "nothing";
    case Kind::sequence:
      return items.empty() ? "an empty list" : "a list";
    case Kind::mapping:
      return "a mapping";
    case Kind::scalar:
      break;
  }
  return is_quoted ? fmt::format("the text \"{}\"", scalar) : scalar;
}

void Node::fail_here(std::string_view message) const {
  const std::string where = at.line > 0 ? fmt::format("{}:{}:{}", at.file, at.line, at.column) : at.file;
  if (path.empty()) fail("{}: {}", where, message);
  fail("{}: {}: {}", where, path, message);
}

void Node::refuse(std::string_view expected) const {
  fail_here(fmt::format("expected {}, got {}", expected, describe()));
}

void Node::refuse_key(std::string_view key, const std::vector<std::string>& legal) const {
  const Node* value = find(key);
  Node named = value != nullptr ? *value : *this;
  if (value != nullptr && value->key_at.line > 0) named.at = value->key_at;
  const std::string nearest = nearest_name(key, legal);
  const std::string expected = legal.empty() ? "no options here" : "expected one of: " + join(legal, ", ");
  named.fail_here(
      fmt::format("unknown key, {}{}", expected, nearest.empty() ? "" : "; did you mean '" + nearest + "'?"));
}

const std::string& Node::as_text() const {
  if (kind != Kind::scalar) refuse("a text");
  return scalar;
}

int64_t Node::as_integer() const {
  if (kind != Kind::scalar || is_quoted) refuse("an integer");
  const std::string_view digits = unsigned_part(scalar);
  if (digits.size() > 1 && digits[0] == '0' && all_digits(digits))
    refuse("a decimal integer without leading zeros (octal in YAML 1.1)");
  if (!all_digits(digits)) refuse("an integer");
  int64_t value = 0;
  const char* first = scalar.data() + (scalar[0] == '+' ? 1 : 0);
  const auto result = std::from_chars(first, scalar.data() + scalar.size(), value);
  if (result.ec != std::errc{}) refuse("an integer of 64 bits");
  return value;
}

double Node::as_number() const {
  if (kind != Kind::scalar || is_quoted) refuse("a number");
  const std::string_view digits = unsigned_part(scalar);
  const bool plain = !digits.empty() && std::all_of(digits.begin(), digits.end(), [](unsigned char c) {
    return std::isdigit(c) != 0 || c == '.' || c == 'e' || c == 'E' || c == '-' || c == '+';
  });
  if (!plain) refuse("a number");
  if (digits.size() > 1 && digits[0] == '0' && all_digits(digits)) refuse("a number without leading zeros");
  double value = 0.0;
  const char* first = scalar.data() + (scalar[0] == '+' ? 1 : 0);
  const auto result = std::from_chars(first, scalar.data() + scalar.size(), value);
  if (result.ec != std::errc{} || result.ptr != scalar.data() + scalar.size()) refuse("a number");
  return value;
}

bool Node::as_flag() const {
  if (kind == Kind::scalar && !is_quoted) {
    if (scalar == "true") return true;
    if (scalar == "false") return false;
    static const std::vector<std::string> kOldWords = {"yes", "no", "on", "off", "y", "n", "true", "false"};
    if (std::find(kOldWords.begin(), kOldWords.end(), lower(scalar)) != kOldWords.end())
      refuse("true or false, written so");
  }
  refuse("true or false");
}

const std::vector<Node>& Node::as_sequence() const {
  if (kind != Kind::sequence) refuse("a list");
  return items;
}

const std::vector<NodeEntry>& Node::as_mapping() const {
  if (kind != Kind::mapping) refuse("a mapping");
  return entries;
}

}  // namespace carat
