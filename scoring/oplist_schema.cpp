// SPDX-License-Identifier: Apache-2.0
// The JSON Schema and the reference page of operation lists, made from the tables that the reader goes by.
#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "scoring/oplist.h"

namespace carat {
namespace {

using Json = nlohmann::ordered_json;

Json bounded_integer(const FieldSpec& field) {
  return {{"type", "integer"}, {"minimum", field.lowest}, {"maximum", field.highest}};
}

Json schema_of(const FieldSpec& field) {
  Json json;
  switch (field.type) {
    case FieldType::integer:
      json = bounded_integer(field);
      break;
    case FieldType::number:
      json = {{"type", "number"}, {"minimum", field.lowest}, {"maximum", field.highest}};
      break;
    case FieldType::boolean:
      json = {{"type", "boolean"}};
      break;
    case FieldType::choice:
      json = {{"enum", field.choices}};
      break;
    case FieldType::text:
      json = {{"type", "string"}};
      break;
    case FieldType::name:
      json = {{"type", "string"}, {"pattern", "^[^\\u0000-\\u001f\\u007f-\\u009f]*$"}};
      break;
    case FieldType::integers:
      json = {{"type", "array"}, {"items", bounded_integer(field)}, {"minItems", 1}};
      break;
    case FieldType::counts:
      json["anyOf"] = Json::array(
          {bounded_integer(field), Json{{"type", "array"}, {"items", bounded_integer(field)}, {"minItems", 1}}});
      break;
    case FieldType::extent:
    case FieldType::padding: {
      const int count = field.type == FieldType::extent ? 2 : 4;
      json["anyOf"] = Json::array(
          {bounded_integer(field),
           Json{{"type", "array"}, {"items", bounded_integer(field)}, {"minItems", count}, {"maxItems", count}}});
      if (field.type == FieldType::padding) json["anyOf"].push_back({{"enum", {"same", "valid"}}});
      break;
    }
    case FieldType::fraction:
      json = {{"type", "array"}, {"items", bounded_integer(field)}, {"minItems", 2}, {"maxItems", 2}};
      break;
    case FieldType::names:
      json["anyOf"] = Json::array({Json{{"type", "string"}}, Json{{"type", "array"}, {"items", {{"type", "string"}}}}});
      break;
  }
  json["description"] = field.help;
  if (!field.usual.empty()) json["default"] = Json::parse(field.usual);
  return json;
}

const FieldSpec* field_named(const std::vector<FieldSpec>& fields, const std::string& name) {
  for (const FieldSpec& field : fields)
    if (field.name == name) return &field;
  return nullptr;
}

// What must hold of the other fields when this one is given; null when nothing.
Json conditions_of(const FieldSpec& field, const std::vector<FieldSpec>& fields) {
  Json json;
  for (const FieldOwner& owner : field.belongs_to) {
    const FieldSpec& other = *field_named(fields, owner.field);
    bool is_usual_good = false;
    Json values = Json::array();
    for (const std::string& value : owner.values) {
      values.push_back(Json::parse(value));
      is_usual_good = is_usual_good || value == other.usual;
    }
    if (!is_usual_good) json["required"].push_back(owner.field);
    Json& condition = json["properties"][owner.field];
    if (!values.empty())
      condition["enum"] = values;
    else if (!other.usual.empty() && other.type == FieldType::boolean)
      condition["const"] = true;
    else if (!other.usual.empty())
      condition["minimum"] = 1;
    else
      condition = Json::object();
  }
  if (field.name == "kept_blocks") json["properties"]["mask"] = {{"const", "block"}};
  if (field.group.empty()) return json;
  for (const FieldSpec& other : fields)
    if (other.group == field.group && other.name != field.name)
      json["not"]["anyOf"].push_back({{"required", {other.name}}});
  return json;
}

// A value of one field that needs another.
struct Need {
  const char* field;
  const char* value;
  const char* needed;
};
constexpr std::array<Need, 3> kNeeds = {Need{"weight_encoding", "codebook", "codebook_entries"},
                                        Need{"accumulator", "fixed", "accumulator_bits"},
                                        Need{"mask", "block", "kept_blocks"}};

Json object_of(const std::vector<FieldSpec>& fields) {
  Json json = {{"type", "object"}, {"additionalProperties", false}, {"properties", Json::object()}};
  Json required = Json::array();
  for (const FieldSpec& field : fields) {
    json["properties"][field.name] = schema_of(field);
    if (field.is_required) required.push_back(field.name);
    const Json conditions = conditions_of(field, fields);
    if (!conditions.is_null()) json["dependentSchemas"][field.name] = conditions;
  }
  json["required"] = required;
  for (const Need& need : kNeeds)
    if (field_named(fields, need.field) != nullptr && field_named(fields, need.needed) != nullptr)
      json["allOf"].push_back(
          {{"if", {{"properties", {{need.field, {{"const", need.value}}}}}, {"required", {need.field}}}},
           {"then", {{"required", {need.needed}}}}});
  return json;
}

const char* type_word(FieldType type) {
  switch (type) {
    case FieldType::integer:
      return "integer";
    case FieldType::number:
      return "number";
    case FieldType::boolean:
      return "true or false";
    case FieldType::choice:
      return "choice";
    case FieldType::text:
      return "text";
    case FieldType::name:
      return "name";
    case FieldType::counts:
      return "integer or integers";
    case FieldType::integers:
      return "integers";
    case FieldType::extent:
      return "integer or [h, w]";
    case FieldType::padding:
      return "padding";
    case FieldType::fraction:
      return "[n, N]";
    case FieldType::names:
      return "name or names";
  }
  return "";
}

std::string owner_text(const FieldSpec& field) {
  std::string text;
  for (const FieldOwner& owner : field.belongs_to)
    text += fmt::format("{}{}{}", text.empty() ? "; with " : ", ", owner.field,
                        owner.values.empty() ? "" : fmt::format(" {}", fmt::join(owner.values, " or ")));
  return text;
}

std::string table_of(const std::vector<FieldSpec>& fields, size_t skip) {
  std::string text = "| field | type | usual | meaning |\n|---|---|---|---|\n";
  for (size_t i = skip; i < fields.size(); ++i) {
    const FieldSpec& field = fields[i];
    std::string type = type_word(field.type);
    if (field.type == FieldType::choice) type = fmt::format("{}", fmt::join(field.choices, ", "));
    text += fmt::format("| {} | {} | {} | {} |\n", field.name, type,
                        field.is_required     ? "**required**"
                        : field.usual.empty() ? "-"
                                              : field.usual,
                        field.help + owner_text(field));
  }
  return text;
}

bool is_shared(const FieldSpec& field, const std::vector<FieldSpec>& shared) {
  for (const FieldSpec& other : shared)
    if (other.name == field.name && other.help == field.help && other.usual == field.usual) return true;
  return false;
}

}  // namespace

std::string oplist_schema() {
  Json root = object_of(top_fields());
  Json json = {{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", "Carat operation list"}};
  json.update(root);
  json["required"].push_back("layers");
  const Json track = json["properties"]["track"];
  json["properties"]["track"] = {{"anyOf", Json::array({track, object_of(track_fields())})}};
  json["properties"]["accuracy"] = {{"anyOf", Json::array({Json{{"type", "null"}}, object_of(accuracy_fields())})}};
  json["properties"]["exits"] = {{"type", "array"}, {"items", object_of(exit_fields())}};
  Json kinds = Json::array();
  for (const LayerKind& kind : layer_kinds()) {
    Json one = object_of(kind.fields);
    one["description"] = kind.help;
    one["properties"]["kind"] = {{"const", kind.name}};
    kinds.push_back(std::move(one));
  }
  json["properties"]["layers"] = {{"type", "array"}, {"minItems", 1}, {"items", {{"oneOf", kinds}}}};
  json["if"] = {{"not", {{"required", {"sparsity_mode"}}}}};
  json["then"]["properties"]["layers"]["items"]["dependentRequired"] = {{"sparsity", {"sparsity_mode"}}};
  return json.dump(1) + "\n";
}

std::string oplist_reference() {
  std::string text =
      "# Operation lists: every kind and field\n\nMade from the reader's own tables (`carat oplist`); how to write a "
      "list "
      "is in scoring_rules.md. A field \"with\" another one is refused without it.\n\n## The file\n\n";
  text += table_of(top_fields(), 0);
  text +=
      "| accuracy | object or null | null | correct and total as integers, or perplexity (at least 1), or both |\n"
      "| exits | array | [] | in order: {name, leave}, the number of test examples that leave at each |\n"
      "| layers | array | **required** | in the order of execution |\n\n## Fields of every layer\n\n";
  text += table_of(common_fields(), 0);
  const std::vector<LayerKind>& kinds = layer_kinds();
  std::vector<FieldSpec> dots;
  for (const LayerKind& kind : kinds)
    if (kind.name == "linear")
      for (const FieldSpec& field : kind.fields)
        if (!is_shared(field, common_fields()) && field.name != "in_features" && field.name != "out_features" &&
            field.name != "positions")
          dots.push_back(field);
  text += "\n## Weights, inputs, sums and outputs of dot products\n\n" + table_of(dots, 0) + "\n## Kinds\n";
  for (const LayerKind& kind : kinds) {
    text += fmt::format("\n### {}\n\n{}.\n\n", kind.name, kind.help);
    std::vector<FieldSpec> own;
    size_t shared = 0;
    for (const FieldSpec& field : kind.fields) {
      if (is_shared(field, common_fields())) continue;
      if (is_shared(field, dots))
        ++shared;
      else
        own.push_back(field);
    }
    if (!own.empty()) text += table_of(own, 0);
    if (shared == dots.size())
      text += "\nand all fields of dot products.\n";
    else if (shared > 0 && kind.name == "embedding")
      text += "\nand the weight fields of dot products.\n";
    else if (shared > 0)
      text += "\nand the input and accumulator fields of dot products.\n";
  }
  return text;
}

}  // namespace carat
