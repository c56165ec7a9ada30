// SPDX-License-Identifier: Apache-2.0
// An option table binds names to variables with type, range, default (the variable's value at binding) and help. The
// same table reads a recipe, prints the help, emits the resolved values and feeds the store key.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "config/node.h"

namespace carat {

struct IntegerRange {
  int64_t lowest = std::numeric_limits<int64_t>::min();
  int64_t highest = std::numeric_limits<int64_t>::max();
};

// Interval of numbers, e.g. {0, 1, "[0, 1)"}: the text decides which ends belong to it and is printed in messages.
struct NumberRange {
  double lowest;
  double highest;
  std::string text;
};

// One printed row of a table.
struct OptionRow {
  std::string name;  // with the group's name in front: "retrain.epochs"
  std::string type;  // "integer in [1, 10000]", "number in [0, 1)", "one of: a, b", "text", "true or false"
  std::string default_value;
  std::string help;
};

class OptionTable {
 public:
  // Functions that describe options take the table and bind their variables; variables must outlive the table.
  void integer(const std::string& name, int64_t& value, IntegerRange range, const std::string& help);
  void number(const std::string& name, double& value, const NumberRange& range, const std::string& help);
  void choice(const std::string& name, std::string& value, const std::vector<std::string>& legal,
              const std::string& help);
  void text(const std::string& name, std::string& value, const std::string& help);
  void flag(const std::string& name, bool& value, const std::string& help);
  // An empty list is taken where the default is empty.
  void numbers(const std::string& name, std::vector<double>& value, const NumberRange& each, const std::string& help);
  void texts(const std::string& name, std::vector<std::string>& value, const std::string& help);
  // A nested mapping.
  void group(const std::string& name, const std::string& help, const std::function<void(OptionTable&)>& describe);
  // A mapping from layer patterns to nested mappings: layers: {"conv*": {bits: 8}}. describe is called once per
  // pattern with its text and position, and once with an empty pattern to print help.
  struct Pattern {
    std::string text;
    Position at;
    std::string path;
  };
  void patterns(const std::string& name, const std::string& help,
                const std::function<void(const Pattern&, OptionTable&)>& describe);
  // The named option must be given.
  void required(const std::string& name);

  // Reads a mapping (or nothing: all defaults) into the variables. Unknown keys, wrong types, values out of range and
  // missing required options throw with the position.
  void read(const Node& mapping);

  // Position of an option's value in the recipe, or of the mapping when it was left at its default.
  const Position& position_of(const std::string& name) const;

  // Throws "file:line:column: path.name: message" at the option's value.
  [[noreturn]] void fail_at(const std::string& name, const std::string& message) const;

  std::vector<OptionRow> rows() const;

  // Resolved values as one canonical line of YAML flow text, "{epochs: 10, lr: 0.1}": every option in table order,
  // numbers in shortest round-trip form. Equal values give equal text.
  std::string resolved() const;

 private:
  struct Entry {
    OptionRow row;
    std::function<void(const Node&)> read;         // a value that was given
    std::function<std::string()> resolved;         // canonical text
    std::function<std::vector<OptionRow>()> rows;  // of a group; empty otherwise
    bool is_required = false;
    Position at;
  };
  void add(Entry entry) { entries_.push_back(std::move(entry)); }
  const Entry& entry(const std::string& name) const;

  std::vector<Entry> entries_;
  Position at_;
  std::string path_;
};

}  // namespace carat
