// SPDX-License-Identifier: Apache-2.0
#include "scoring/json_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/fail.h"
#include "base/text.h"

namespace carat {
namespace {

using Json = nlohmann::json;

std::string found(const Json& value) {
  std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  return text.size() > 40 ? text.substr(0, 37) + "..." : text;
}

// JSON Schema's integer: 10, and 10.0 too.
bool is_integral(const Json& value) {
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (value.is_number_integer()) return true;
  if (!value.is_number_float()) return false;
  const auto number = value.get<double>();
  return std::abs(number) <= kExact && number == std::trunc(number);
}

// Neither 0 nor false.
bool says_yes(const Json& value) {
  if (value.is_boolean()) return value.get<bool>();
  return !value.is_number() || value.get<double>() > 0.0;
}

Ratio to_ratio(const Json& value) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<uint64_t>();
    require(number <= static_cast<uint64_t>(INT64_MAX), "the number {} does not fit 64 bits", number);
    return static_cast<int64_t>(number);
  }
  if (value.is_number_integer()) return value.get<int64_t>();
  return Ratio::from_decimal(fmt::format("{}", value.get<double>()));
}

const Json& usual_value(const FieldSpec& spec) {
  // The tables are few and constant; a default is parsed once.
  static std::map<const FieldSpec*, Json> cache;
  const auto [entry, is_new] = cache.try_emplace(&spec);
  if (is_new) entry->second = Json::parse(spec.usual);
  return entry->second;
}

}  // namespace

FieldSpec owned_by(const std::string& owner, FieldSpec field, std::vector<std::string> values) {
  field.belongs_to.push_back({owner, std::move(values)});
  return field;
}

Fields::Fields(const Json& object, const std::vector<FieldSpec>& specs, JsonPlace place, std::string subject)
    : object_(object), specs_(specs), place_(std::move(place)), subject_(std::move(subject)) {
  if (!subject_.empty()) subject_ += ": ";
  if (!object.is_object()) refuse("expected an object, got " + found(object));
  for (const auto& [name, entry] : object.items()) {
    const auto field =
        std::find_if(specs.begin(), specs.end(), [&n = name](const FieldSpec& f) { return f.name == n; });
    if (field == specs.end()) {
      std::vector<std::string> known;
      for (const FieldSpec& legal : specs) known.push_back(legal.name);
      const std::string nearest = nearest_name(name.substr(0, 60), known);
      place_.at(name).refuse(fmt::format("{}unknown field '{}', expected one of: {}{}", subject_, name.substr(0, 60),
                                         join(known, ", "),
                                         nearest.empty() ? "" : "; did you mean '" + nearest + "'?"));
    }
    check(*field, entry);
  }
  for (const FieldSpec& field : specs)
    if (field.is_required && !object.contains(field.name))
      refuse(fmt::format("expected the field '{}' ({}), it is missing", field.name, field.help));
  for (const FieldSpec& field : specs)
    if (object.contains(field.name)) check_owners(field);
  check_groups();
}

void Fields::check_owners(const FieldSpec& field) const {
  for (const FieldOwner& owner : field.belongs_to) {
    const FieldSpec& other = spec(owner.field);
    const bool is_given = object_.contains(owner.field);
    const std::string text = is_given ? object_[owner.field].dump() : other.usual;
    const bool is_any = owner.values.empty();
    const bool is_listed = std::find(owner.values.begin(), owner.values.end(), text) != owner.values.end();
    const bool is_on = is_given && (other.usual.empty() || says_yes(object_[owner.field]));
    if (is_any ? is_on : is_listed) continue;
    refuse(field.name, fmt::format("'{}' belongs to '{}'{}, {}", field.name, owner.field,
                                   is_any ? "" : " " + join(owner.values, " or "),
                                   text.empty() ? "which is not given" : "got " + text));
  }
}

void Fields::check_groups() const {
  std::map<std::string, std::string> first;
  for (const FieldSpec& field : specs_) {
    if (field.group.empty() || !object_.contains(field.name)) continue;
    const auto [entry, is_new] = first.try_emplace(field.group, field.name);
    if (is_new) continue;
    std::vector<std::string> names;
    for (const FieldSpec& other : specs_)
      if (other.group == field.group) names.push_back(other.name);
    refuse(field.name, fmt::format("expected one of {}, got {} and {}", join(names, ", "), entry->second, field.name));
  }
}

void Fields::refuse(const std::string& field, const std::string& message) const {
  (object_.contains(field) ? place_.at(field) : place_).refuse(subject_ + message);
}

int64_t Fields::bounded(const std::string& field, const Json& value, const FieldSpec& spec) const {
  const bool is_huge = value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX);
  const bool is_number = is_integral(value) && !is_huge;
  const int64_t number = is_number ? value.get<int64_t>() : 0;
  if (!is_number || number < spec.lowest || number > spec.highest)
    refuse(field, fmt::format("expected an integer in [{}, {}], got {}", spec.lowest, spec.highest, found(value)));
  return number;
}

void Fields::check(const FieldSpec& spec, const Json& value) const {
  const auto expect = [&](bool condition, const std::string& what) {
    if (!condition) refuse(spec.name, fmt::format("expected {}, got {}", what, found(value)));
  };
  const auto all_bounded = [&](const Json& array) {
    for (const Json& entry : array) bounded(spec.name, entry, spec);
  };
  switch (spec.type) {
    case FieldType::integer:
      bounded(spec.name, value, spec);
      return;
    case FieldType::number: {
      expect(value.is_number(), "a number");
      Ratio number;
      try {
        number = to_ratio(value);
      } catch (const Error& error) {
        refuse(spec.name, error.what());
      }
      expect(!(number < Ratio(spec.lowest)) && !(Ratio(spec.highest) < number),
             fmt::format("a number in [{}, {}]", spec.lowest, spec.highest));
      return;
    }
    case FieldType::boolean:
      expect(value.is_boolean(), "true or false");
      return;
    case FieldType::text:
      expect(value.is_string(), "a text");
      return;
    case FieldType::name:
      expect(value.is_string() && printable(value.get<std::string>()) == value.get<std::string>(),
             "a text without control characters");
      return;
    case FieldType::counts:
      expect(is_integral(value) || (value.is_array() && !value.empty()), "an integer or an array of integers");
      if (value.is_array())
        all_bounded(value);
      else
        bounded(spec.name, value, spec);
      return;
    case FieldType::choice: {
      const bool is_known = value.is_string() && std::find(spec.choices.begin(), spec.choices.end(),
                                                           value.get<std::string>()) != spec.choices.end();
      const std::string nearest = value.is_string() ? nearest_name(value.get<std::string>(), spec.choices) : "";
      expect(is_known, "one of " + join(spec.choices, ", ") + (nearest.empty() ? "" : " (nearest: " + nearest + ")"));
      return;
    }
    case FieldType::integers:
      expect(value.is_array() && !value.empty(), "an array of integers");
      all_bounded(value);
      return;
    case FieldType::extent:
      expect(is_integral(value) || (value.is_array() && value.size() == 2), "an integer or [height, width]");
      if (value.is_array())
        all_bounded(value);
      else
        bounded(spec.name, value, spec);
      return;
    case FieldType::padding:
      expect(is_integral(value) || value == "same" || value == "valid" || (value.is_array() && value.size() == 4),
             "\"same\", \"valid\", an integer or [top, bottom, left, right]");
      if (value.is_array()) all_bounded(value);
      if (value.is_number()) bounded(spec.name, value, spec);
      return;
    case FieldType::fraction:
      expect(value.is_array() && value.size() == 2, "[part, whole]");
      all_bounded(value);
      expect(value[1].get<int64_t>() > 0 && value[0].get<int64_t>() <= value[1].get<int64_t>(),
             "part <= whole, whole > 0");
      return;
    case FieldType::names:
      expect(value.is_string() || value.is_array(), "a name or an array of names");
      for (const Json& entry : value.is_array() ? value : Json::array()) expect(entry.is_string(), "an array of names");
      return;
  }
}

const FieldSpec& Fields::spec(const std::string& name) const {
  const auto field = std::find_if(specs_.begin(), specs_.end(), [&](const FieldSpec& f) { return f.name == name; });
  carat::require(field != specs_.end(), "the table of fields has no '{}'", name);
  return *field;
}

const Json& Fields::value(const std::string& name) const {
  const FieldSpec& field = spec(name);
  const auto entry = object_.find(name);
  if (entry != object_.end()) return *entry;
  if (field.usual.empty()) refuse(fmt::format("expected the field '{}' ({}), it is missing", name, field.help));
  return usual_value(field);
}

bool Fields::has(const std::string& name) const { return object_.contains(spec(name).name); }
int64_t Fields::integer(const std::string& name) const { return value(name).get<int64_t>(); }
Ratio Fields::number(const std::string& name) const { return to_ratio(value(name)); }
bool Fields::flag(const std::string& name) const { return value(name).get<bool>(); }
std::string Fields::text(const std::string& name) const { return value(name).get<std::string>(); }

bool Fields::is_array(const std::string& name) const { return value(name).is_array(); }

std::vector<int64_t> Fields::integers(const std::string& name) const {
  const Json& entry = value(name);
  return entry.is_array() ? entry.get<std::vector<int64_t>>() : std::vector<int64_t>{entry.get<int64_t>()};
}

std::pair<int64_t, int64_t> Fields::extent(const std::string& name) const {
  const Json& entry = value(name);
  if (entry.is_array()) return {entry[0].get<int64_t>(), entry[1].get<int64_t>()};
  return {entry.get<int64_t>(), entry.get<int64_t>()};
}

Ratio Fields::fraction(const std::string& name) const {
  const Json& entry = value(name);
  return Ratio::of(entry[0].get<int64_t>(), entry[1].get<int64_t>());
}

std::vector<std::string> Fields::names(const std::string& name) const {
  const Json& entry = value(name);
  return entry.is_array() ? entry.get<std::vector<std::string>>() : std::vector<std::string>{entry.get<std::string>()};
}

Fields::Padding Fields::padding(const std::string& name) const {
  const Json& entry = value(name);
  if (entry == "same") return {true, 0, 0};
  if (entry == "valid") return {};
  if (entry.is_array())
    return {false, entry[0].get<int64_t>() + entry[1].get<int64_t>(),
            entry[2].get<int64_t>() + entry[3].get<int64_t>()};
  return {false, 2 * entry.get<int64_t>(), 2 * entry.get<int64_t>()};
}

}  // namespace carat
