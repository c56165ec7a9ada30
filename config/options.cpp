// SPDX-License-Identifier: Apache-2.0
#include "config/options.h"

#include <algorithm>
#include <memory>

#include "base/fail.h"
#include "base/text.h"

namespace carat {
namespace {

bool contains(const NumberRange& range, double value) {
  const bool above = range.text.front() == '(' ? value > range.lowest : value >= range.lowest;
  const bool below = range.text.back() == ')' ? value < range.highest : value <= range.highest;
  return above && below;
}

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + "\"";
}

template <typename Values, typename ToText>
std::string list_text(const Values& values, const ToText& to_text) {
  std::vector<std::string> parts;
  for (const auto& value : values) parts.push_back(to_text(value));
  return "[" + join(parts, ", ") + "]";
}

double checked(const Node& node, const NumberRange& range) {
  const double value = node.as_number();
  if (!contains(range, value)) node.refuse("a number in " + range.text);
  return value;
}

std::string number_text(double value) { return fmt::format("{}", value); }

std::string integer_range(const IntegerRange& range) {
  return fmt::format("integer in [{}, {}]", range.lowest, range.highest);
}

}  // namespace

void OptionTable::integer(const std::string& name, int64_t& value, IntegerRange range, const std::string& help) {
  add({{name, integer_range(range), std::to_string(value), help},
       [&value, range](const Node& node) {
         const int64_t given = node.as_integer();
         if (given < range.lowest || given > range.highest) node.refuse("an " + integer_range(range));
         value = given;
       },
       [&value] { return std::to_string(value); },
       {},
       false,
       {}});
}

void OptionTable::number(const std::string& name, double& value, const NumberRange& range, const std::string& help) {
  add({{name, "number in " + range.text, number_text(value), help},
       [&value, range](const Node& node) { value = checked(node, range); },
       [&value] { return number_text(value); },
       {},
       false,
       {}});
}

void OptionTable::choice(const std::string& name, std::string& value, const std::vector<std::string>& legal,
                         const std::string& help) {
  add({{name, "one of: " + join(legal, ", "), value, help},
       [&value, legal](const Node& node) {
         if (std::find(legal.begin(), legal.end(), node.as_text()) == legal.end()) {
           const std::string nearest = nearest_name(node.scalar, legal);
           node.refuse("one of: " + join(legal, ", ") + (nearest.empty() ? "" : " (did you mean '" + nearest + "'?)"));
         }
         value = node.scalar;
       },
       [&value] { return value; },
       {},
       false,
       {}});
}

void OptionTable::text(const std::string& name, std::string& value, const std::string& help) {
  add({{name, "text", value.empty() ? "(empty)" : value, help},
       [&value](const Node& node) { value = node.as_text(); },
       [&value] { return quoted(value); },
       {},
       false,
       {}});
}

void OptionTable::flag(const std::string& name, bool& value, const std::string& help) {
  add({{name, "true or false", value ? "true" : "false", help},
       [&value](const Node& node) { value = node.as_flag(); },
       [&value] { return std::string(value ? "true" : "false"); },
       {},
       false,
       {}});
}

void OptionTable::numbers(const std::string& name, std::vector<double>& value, const NumberRange& each,
                          const std::string& help) {
  add({{name, "list of numbers in " + each.text, list_text(value, number_text), help},
       [&value, each, may_be_empty = value.empty()](const Node& node) {
         if (node.as_sequence().empty() && !may_be_empty) node.refuse("a list with at least one number");
         std::vector<double> given;
         for (const Node& item : node.items) given.push_back(checked(item, each));
         value = given;
       },
       [&value] { return list_text(value, number_text); },
       {},
       false,
       {}});
}

void OptionTable::texts(const std::string& name, std::vector<std::string>& value, const std::string& help) {
  add({{name, "list of texts", list_text(value, quoted), help},
       [&value](const Node& node) {
         std::vector<std::string> given;
         for (const Node& item : node.as_sequence()) given.push_back(item.as_text());
         value = given;
       },
       [&value] { return list_text(value, quoted); },
       {},
       false,
       {}});
}

void OptionTable::group(const std::string& name, const std::string& help,
                        const std::function<void(OptionTable&)>& describe) {
  const auto inner = std::make_shared<OptionTable>();
  describe(*inner);
  add({{name, "mapping", "", help},
       [inner](const Node& node) { inner->read(node); },
       [inner] { return inner->resolved(); },
       [inner] { return inner->rows(); },
       false,
       {}});
}

void OptionTable::patterns(const std::string& name, const std::string& help,
                           const std::function<void(const Pattern&, OptionTable&)>& describe) {
  using Given = std::vector<std::pair<std::string, std::shared_ptr<OptionTable>>>;
  const auto given = std::make_shared<Given>();
  const auto example = std::make_shared<OptionTable>();
  describe({}, *example);
  add({{name, "mapping from layer patterns", "{}", help},
       [given, describe](const Node& node) {
         for (const auto& [pattern, value] : node.as_mapping()) {
           const auto inner = std::make_shared<OptionTable>();
           describe({pattern, value.key_at, value.path}, *inner);
           inner->read(value);
           given->emplace_back(pattern, inner);
         }
       },
       [given] {
         std::vector<std::string> parts;
         for (const auto& [pattern, inner] : *given) parts.push_back(quoted(pattern) + ": " + inner->resolved());
         return "{" + join(parts, ", ") + "}";
       },
       [example] {
         std::vector<OptionRow> rows = example->rows();
         for (OptionRow& row : rows) row.name = "PATTERN." + row.name;
         return rows;
       },
       false,
       {}});
}

const OptionTable::Entry& OptionTable::entry(const std::string& name) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.row.name == name; });
  require(found != entries_.end(), "option table: no option '{}'", name);
  return *found;
}

void OptionTable::required(const std::string& name) { const_cast<Entry&>(entry(name)).is_required = true; }

void OptionTable::read(const Node& mapping) {
  at_ = mapping.at;
  path_ = mapping.path;
  for (Entry& e : entries_) e.at = mapping.at;
  if (mapping.kind != Node::Kind::null) {
    std::vector<std::string> legal;
    for (const Entry& e : entries_) legal.push_back(e.row.name);
    for (const auto& [key, value] : mapping.as_mapping()) {
      const auto found =
          std::find_if(entries_.begin(), entries_.end(), [&key = key](const Entry& e) { return e.row.name == key; });
      if (found == entries_.end()) mapping.refuse_key(key, legal);
      found->at = value.at;
      found->read(value);
    }
  }
  for (const Entry& e : entries_)
    if (e.is_required && mapping.find(e.row.name) == nullptr)
      mapping.fail_here(fmt::format("expected a key '{}', found none", e.row.name));
}

const Position& OptionTable::position_of(const std::string& name) const { return entry(name).at; }

void OptionTable::fail_at(const std::string& name, const std::string& message) const {
  Node node;
  node.at = position_of(name);
  node.path = path_.empty() ? name : path_ + "." + name;
  node.fail_here(message);
}

std::vector<OptionRow> OptionTable::rows() const {
  std::vector<OptionRow> rows;
  for (const Entry& e : entries_) {
    rows.push_back(e.row);
    if (!e.rows) continue;
    for (OptionRow row : e.rows()) {
      row.name = e.row.name + "." + row.name;
      rows.push_back(row);
    }
  }
  return rows;
}

std::string OptionTable::resolved() const {
  std::vector<std::string> parts;
  for (const Entry& e : entries_) parts.push_back(e.row.name + ": " + e.resolved());
  return "{" + join(parts, ", ") + "}";
}

}  // namespace carat
