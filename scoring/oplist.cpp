// SPDX-License-Identifier: Apache-2.0
#include "scoring/oplist.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "base/fail.h"
#include "base/text.h"
#include "scoring/sources.h"

namespace carat {
namespace {

using Json = nlohmann::json;
using T = FieldType;

class Reader {
 public:
  Reader(const std::string& text, const std::string& origin)
      : text_(text), origin_(origin), json_(parse_json(text, origin)) {}

  OpList read() {
    const JsonPlace root{&origin_, &text_, {}};
    if (!json_.is_object() || json_.value("format", Json()) != "carat-oplist")
      root.refuse("expected an operation list with \"format\": \"carat-oplist\"");
    Json scalars = Json::object();
    for (const auto& [key, value] : json_.items())
      if (key != "layers" && key != "exits" && key != "accuracy" && !(key == "track" && value.is_object()))
        scalars[key] = value;
    if (!json_.contains("layers")) root.refuse("expected the field 'layers', it is missing");
    if (json_.contains("track") && !json_["track"].is_object() && !json_["track"].is_string())
      root.at("track").refuse("expected the name of a track or an object");
    const Fields top(scalars, top_fields(), root, "");
    list_.walk.network = top.text("name");
    list_.examples = top.integer("examples");
    read_track(top, root);
    if (json_.contains("accuracy")) read_accuracy(root.at("accuracy"));
    read_exits(root);
    if (top.has("sparsity_mode")) mode_ = top.text("sparsity_mode");
    read_layers(root.at("layers"));
    return std::move(list_);
  }

 private:
  void read_track(const Fields& top, const JsonPlace& root) {
    if (!json_.contains("track")) return;
    const Json& track = json_["track"];
    if (track.is_string()) {
      try {
        list_.track = track_named(top.text("track"));
      } catch (const Error& error) {
        root.at("track").refuse(error.what());
      }
      return;
    }
    const Fields fields(track, track_fields(), root.at("track"), "");
    Track own;
    own.name = fields.text("name");
    own.parameter_norm = fields.integer("params");
    own.op_norm = fields.integer("ops");
    own.gate_correct = fields.integer("gate_correct");
    own.gate_total = fields.integer("gate_total");
    fields.require(own.gate_correct <= own.gate_total, "gate_correct",
                   fmt::format("the gate asks for {} right of {}", own.gate_correct, own.gate_total));
    list_.track = own;
  }

  void read_accuracy(const JsonPlace& place) {
    if (json_["accuracy"].is_null()) return;
    const Fields fields(json_["accuracy"], accuracy_fields(), place, "");
    if (fields.has("total")) {
      list_.accuracy.correct = fields.integer("correct");
      list_.accuracy.total = fields.integer("total");
      fields.require(
          list_.accuracy.correct <= list_.accuracy.total, "correct",
          fmt::format("{} correct of {}: more than there are", list_.accuracy.correct, list_.accuracy.total));
      fields.require(
          list_.examples == 0 || list_.examples == list_.accuracy.total, "total",
          fmt::format("accuracy of {} test examples, but 'examples' says {}", list_.accuracy.total, list_.examples));
    }
    if (fields.has("perplexity")) list_.accuracy.perplexity = fields.number("perplexity");
  }

  void read_exits(const JsonPlace& root) {
    if (!json_.contains("exits")) return;
    const Json& exits = json_["exits"];
    if (!exits.is_array()) root.at("exits").refuse("expected an array");
    if (list_.examples == 0) list_.examples = list_.accuracy.total;
    const int64_t total = list_.examples;
    if (total <= 0) root.at("exits").refuse("exits need 'examples' or 'accuracy.total': the size of the test set");
    int64_t left = total;
    for (size_t i = 0; i < exits.size(); ++i) {
      const JsonPlace place = root.at("exits").at(i);
      const Fields fields(exits[i], exit_fields(), place, "");
      left -= fields.integer("leave");
      if (left < 0) fields.refuse("leave", fmt::format("more examples leave than the {} of the test set", total));
      if (!after_.try_emplace(fields.text("name"), Ratio::of(left, total)).second)
        fields.refuse("name", "the exit is named twice");
    }
  }

  void read_layers(const JsonPlace& place) {
    const Json& layers = json_["layers"];
    if (!layers.is_array() || layers.empty()) place.refuse("expected an array of at least one layer");
    WalkBuilder builder(list_.walk);
    for (size_t i = 0; i < layers.size(); ++i) read_layer(layers[i], place.at(i), i, builder);
  }

  const LayerKind& kind_of(const Json& layer, const JsonPlace& place) const {
    if (!layer.is_object() || !layer.contains("kind") || !layer["kind"].is_string())
      place.refuse("expected an object with a text field 'kind'");
    const std::string name = layer["kind"];
    for (const LayerKind& kind : layer_kinds())
      if (kind.name == name) return kind;
    std::vector<std::string> names;
    for (const LayerKind& kind : layer_kinds()) names.push_back(kind.name);
    const std::string nearest = nearest_name(name.substr(0, 60), names);
    place.at("kind").refuse(fmt::format("unknown kind '{}', expected one of: {}{}", name.substr(0, 60),
                                        join(names, ", "), nearest.empty() ? "" : "; did you mean '" + nearest + "'?"));
  }

  void read_layer(const Json& layer, const JsonPlace& place, size_t index, WalkBuilder& builder) {
    const LayerKind& kind = kind_of(layer, place);
    Json with_mode = layer;
    const bool has_mode = std::any_of(kind.fields.begin(), kind.fields.end(),
                                      [](const FieldSpec& f) { return f.name == "sparsity_mode"; });
    if (has_mode && !mode_.empty() && layer.contains("sparsity") && !layer.contains("sparsity_mode"))
      with_mode["sparsity_mode"] = mode_;
    const Json& read = has_mode ? with_mode : layer;
    std::string name = fmt::format("{}-{}", kind.name, index);
    if (layer.contains("name") && layer["name"].is_string() && layer["name"] != "") name = layer["name"];
    const Fields fields(read, kind.fields, place, name.substr(0, 60));
    if (shapes_.contains(name)) fields.refuse("name", "the name is used twice");
    Ratio share = fields.has("executed") ? fields.fraction("executed") : Ratio(1);
    if (fields.has("after")) {
      const auto exit = after_.find(fields.text("after"));
      if (exit == after_.end()) fields.refuse("after", fmt::format("no exit '{}' in 'exits'", fields.text("after")));
      share = share * exit->second;
    }
    builder.begin(name, kind.name, share);
    try {
      const LayerShapes shapes = kind.walk(fields, builder);
      if (fields.has("from")) check_sources(fields, kind.name, shapes, shapes_);
      shapes_[name] = shapes.out;
    } catch (const Error& error) {
      const std::string what = error.what();
      if (what.starts_with(origin_ + ":")) throw;
      place.refuse(name + ": " + what);
    }
  }

  const std::string& text_;
  const std::string& origin_;
  Json json_;
  OpList list_;
  std::string mode_;
  std::map<std::string, Ratio> after_;  // share of the examples that go on behind an exit
  EarlierShapes shapes_;
};

}  // namespace

const std::vector<FieldSpec>& track_fields() {
  static const std::vector<FieldSpec> fields = {
      {"name", T::name, "name of the track", "\"custom\""},
      {"params", T::integer, "parameters that score 1, in 32-bit units", "", true, {}, 1, int64_t{1} << 50},
      {"ops", T::integer, "operations that score 1, in 32-bit units", "", true, {}, 1, int64_t{1} << 50},
      owned_by("gate_total", {"gate_correct", T::integer, "test examples that must be right", "0"}),
      owned_by("gate_correct", {"gate_total", T::integer, "of so many", "0"}),
  };
  return fields;
}

const std::vector<FieldSpec>& accuracy_fields() {
  static const std::vector<FieldSpec> fields = {
      owned_by("total", {"correct", T::integer, "test examples right"}),
      owned_by("correct", {"total", T::integer, "test examples", "", false, {}, 1}),
      {"perplexity", T::number, "word-level test perplexity", "", false, {}, 1},
  };
  return fields;
}

const std::vector<FieldSpec>& exit_fields() {
  static const std::vector<FieldSpec> fields = {
      {"name", T::name, "name that layers give in 'after'", "", true},
      {"leave", T::integer, "test examples that leave the network here", "", true},
  };
  return fields;
}

const std::vector<FieldSpec>& top_fields() {
  static const std::vector<FieldSpec> fields = {
      {"format", T::choice, "tells what the file is", "", true, {"carat-oplist"}},
      {"version", T::integer, "of the format", "1", false, {}, 1, 1},
      {"name", T::name, "name of the network", "", true},
      {"note", T::text, "anything: source, assumptions", "\"\""},
      {"track", T::text,
       "imagenet, cifar100, wikitext103 or another track by name; or an object: name, params, ops, "
       "gate_correct, gate_total",
       "\"\""},
      {"examples", T::integer, "size of the test set that exits were measured on; accuracy.total when missing", "0"},
      {"sparsity_mode",
       T::choice,
       "meaning of every 'sparsity' that has no mode of its own",
       "",
       false,
       {"uniform", "real", "floor", "fractional"}},
  };
  return fields;
}

const std::vector<FieldSpec>& common_fields() {
  static const std::vector<FieldSpec> fields = {
      {"kind", T::text, "what the layer is", "", true},
      {"name", T::name, "unique name; the kind and its number when missing", "\"\""},
      {"note", T::text, "anything", "\"\""},
      {"from", T::names, "earlier layers that it reads: their number and shapes are checked", "[]"},
      {"after", T::text, "executed only for examples that have not left at this exit or before", "\"\""},
      {"executed", T::fraction, "[n, N]: executed for n of N examples", "[1, 1]"},
  };
  return fields;
}

const std::vector<LayerKind>& layer_kinds() {
  static const std::vector<LayerKind> table = [] {
    std::vector<LayerKind> all;
    for (auto&& group : {weight_kinds(), elementwise_kinds(), language_kinds()})
      all.insert(all.end(), group.begin(), group.end());
    for (LayerKind& kind : all) {
      kind.fields.insert(kind.fields.begin(), common_fields().begin(), common_fields().end());
    }
    return all;
  }();
  return table;
}

OpList read_oplist(const std::string& text, const std::string& origin) { return Reader(text, origin).read(); }

}  // namespace carat
