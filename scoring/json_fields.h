// SPDX-License-Identifier: Apache-2.0
// A JSON object read against a table of fields: types, bounds and defaults come from the table, an error names
// file:line:column, and an unknown field its nearest legal name. The same table makes the schema and the documentation.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <variant>
#include <vector>

#include "base/ratio.h"

namespace carat {

enum class FieldType {
  integer,
  number,  // decimal
  boolean,
  choice,
  text,
  name,      // text without control characters
  integers,  // array of integers
  counts,    // integer, or array of integers
  extent,    // integer, or [height, width]
  padding,   // "same", "valid", integer, or [top, bottom, left, right]
  fraction,  // [part, whole]
  names,     // text, or array of texts
};

// A field means something only beside this one.
struct FieldOwner {
  std::string field;
  std::vector<std::string> values;  // as JSON, one of which it must have; empty: it is given, not as its default
};

struct FieldSpec {
  std::string name;
  FieldType type = FieldType::integer;
  std::string help;
  std::string usual = {};  // default as JSON; "" = none
  bool is_required = false;
  std::vector<std::string> choices = {};
  int64_t lowest = 0;
  int64_t highest = int64_t{1} << 40;
  std::vector<FieldOwner> belongs_to = {};
  std::string group = {};  // at most one field of a group is given
};

// The field with another one beside which it means something.
FieldSpec owned_by(const std::string& owner, FieldSpec field, std::vector<std::string> values = {});

// Where an object lies in its file.
struct JsonPlace {
  const std::string* origin = nullptr;
  const std::string* text = nullptr;
  std::vector<std::variant<std::string, size_t>> path;

  // "file:line:column: path: message", on one line.
  [[noreturn]] void refuse(const std::string& message) const;
  JsonPlace at(const std::string& key) const;
  JsonPlace at(size_t index) const;
};

class Fields {
 public:
  // Refuses unknown fields, missing required ones, wrong types, values out of bounds, fields that mean nothing beside
  // the others, and two of one group.
  Fields(const nlohmann::json& object, const std::vector<FieldSpec>& specs, JsonPlace place, std::string subject);

  bool has(const std::string& name) const;
  int64_t integer(const std::string& name) const;
  Ratio number(const std::string& name) const;
  bool flag(const std::string& name) const;
  std::string text(const std::string& name) const;               // choice, text, name
  std::vector<int64_t> integers(const std::string& name) const;  // integers, counts
  bool is_array(const std::string& name) const;
  std::pair<int64_t, int64_t> extent(const std::string& name) const;
  Ratio fraction(const std::string& name) const;
  std::vector<std::string> names(const std::string& name) const;
  // padding: {top + bottom, left + right}; same_output: ceil(in / stride) is asked for.
  struct Padding {
    bool is_same = false;
    int64_t vertical = 0;
    int64_t horizontal = 0;
  };
  Padding padding(const std::string& name) const;

  [[noreturn]] void refuse(const std::string& field, const std::string& message) const;
  [[noreturn]] void refuse(const std::string& message) const { place_.refuse(subject_ + message); }
  void require(bool condition, const std::string& field, const std::string& message) const {
    if (!condition) refuse(field, message);
  }

 private:
  const nlohmann::json& value(const std::string& name) const;
  const FieldSpec& spec(const std::string& name) const;
  int64_t bounded(const std::string& field, const nlohmann::json& value, const FieldSpec& spec) const;
  void check(const FieldSpec& spec, const nlohmann::json& value) const;
  void check_owners(const FieldSpec& spec) const;
  void check_groups() const;

  const nlohmann::json& object_;
  const std::vector<FieldSpec>& specs_;
  JsonPlace place_;
  std::string subject_;
};

// Control characters as escapes: whatever is quoted stays on one line.
std::string printable(const std::string& text);

// Parses with limits: depth, and no key twice in an object. Throws Error "file:line:column: ...".
nlohmann::json parse_json(const std::string& text, const std::string& origin);

}  // namespace carat
