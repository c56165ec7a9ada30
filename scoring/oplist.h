// SPDX-License-Identifier: Apache-2.0
// Operation lists: a JSON form in which anybody can describe a network that Carat has never seen.
// docs/scoring_rules.md tells how to write one, docs/oplist.schema.json is its schema; both come from the tables here.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/graph/layer.h"
#include "scoring/json_fields.h"
#include "scoring/track.h"
#include "scoring/walk_builder.h"

namespace carat {

struct OpList {
  Walk walk;
  std::optional<Track> track;
  Accuracy accuracy;
  int64_t examples = 0;  // of the test set that the exits were measured on; 0: not said
};

// Throws Error "file:line:column: ...", one line, for anything that does not fit.
OpList read_oplist(const std::string& text, const std::string& origin);

// What a layer reads and gives per example, where its kind says so.
struct LayerShapes {
  std::optional<Shape> in;
  std::optional<Shape> out;
};

struct LayerKind {
  std::string name;
  std::string help;  // what it is and what strict charges for it
  std::vector<FieldSpec> fields;
  LayerShapes (*walk)(const Fields& fields, WalkBuilder& builder);
};

// Every kind, with the fields that all have put in front.
const std::vector<LayerKind>& layer_kinds();
const std::vector<FieldSpec>& common_fields();
const std::vector<FieldSpec>& top_fields();
const std::vector<FieldSpec>& track_fields();
const std::vector<FieldSpec>& accuracy_fields();
const std::vector<FieldSpec>& exit_fields();

std::vector<LayerKind> weight_kinds();
std::vector<LayerKind> elementwise_kinds();
std::vector<LayerKind> language_kinds();

// JSON Schema, draft 2020-12.
std::string oplist_schema();
// Markdown: the fields of every kind.
std::string oplist_reference();

}  // namespace carat
