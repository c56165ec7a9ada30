// SPDX-License-Identifier: Apache-2.0
#include "pipeline/recipe.h"

#include <algorithm>
#include <filesystem>

#include "base/fail.h"
#include "base/text.h"
#include "evaluation/evaluation.h"
#include "models/zoo/zoo.h"

namespace carat {
namespace {

std::vector<std::string> track_names() {
  std::vector<std::string> names;
  for (const Track& track : tracks()) names.push_back(track.name);
  return names;
}

void refuse_unknown_keys(const Node& mapping, const std::vector<std::string>& legal) {
  for (const auto& [key, value] : mapping.as_mapping())
    if (std::find(legal.begin(), legal.end(), key) == legal.end()) mapping.refuse_key(key, legal);
}

const Node& required_key(const Node& mapping, const std::string& key) {
  const Node* found = mapping.find(key);
  if (found == nullptr) mapping.fail_here(fmt::format("expected a key '{}', found none", key));
  return *found;
}

// A name out of a list, with the nearest legal one.
void refuse_name(const Node& node, const std::vector<std::string>& legal) {
  const std::string nearest = nearest_name(node.scalar, legal);
  node.refuse(
      fmt::format("one of: {}{}", join(legal, ", "), nearest.empty() ? "" : " (did you mean '" + nearest + "'?)"));
}

void read_track(const Node& root, Recipe& recipe) {
  const Node& node = required_key(root, "track");
  if (node.kind == Node::Kind::mapping) {
    Track custom{"custom", 1, 1, 0, 1, {}, "", "the recipe's own normaliser and gate"};
    OptionTable table;
    table.integer("parameters", custom.parameter_norm, {1, int64_t{1} << 50},
                  "parameters that score 1, in 32-bit units");
    table.integer("operations", custom.op_norm, {1, int64_t{1} << 50}, "operations that score 1, in 32-bit units");
    table.integer("gate_correct", custom.gate_correct, {0, int64_t{1} << 40}, "test images that must be right");
    table.integer("gate_total", custom.gate_total, {1, int64_t{1} << 40}, "out of so many");
    table.required("parameters");
    table.required("operations");
    table.read(node);
    recipe.track = custom;
    return;
  }
  const std::string& name = node.as_text();
  const std::vector<std::string> names = track_names();
  if (std::find(names.begin(), names.end(), name) == names.end()) refuse_name(node, names);
  recipe.track = track_named(name);
}

// Height and width of the named network's published input.
int64_t usual_size(const Node& root) {
  constexpr int64_t kUsual = 224;
  const Node* model = root.find("model");
  const Node* name = model == nullptr || model->kind != Node::Kind::mapping ? nullptr : model->find("name");
  const ZooVariant* variant = name == nullptr ? nullptr : zoo_variant(name->scalar);
  return variant == nullptr ? kUsual : variant->input.height;
}

void read_data(const Node& root, Recipe& recipe) {
  std::vector<std::string> names;
  for (const DatasetInfo& info : dataset_table()) names.push_back(info.name);
  OptionTable table;
  recipe.data.name = names.front();
  table.choice("name", recipe.data.name, names, "data set");
  table.text("root", recipe.data.root, "folder of the data files; empty takes the usual place");
  table.integer("held_back", recipe.held_back, {0, 1000000}, "training images kept from training, for measurements");
  table.text("labels", recipe.data.labels, "label list of a flat folder: file,class lines or ILSVRC2012 ids");
  table.text("synsets", recipe.data.synsets, "class names by ILSVRC2012 id, one per line, for lists of ids");
  recipe.data.size = usual_size(root);
  table.integer("size", recipe.data.size, {1, 4096}, "height and width of the network's input, for image files");
  table.integer("classes", recipe.data.classes, {1, 1000000}, "classes of a flat folder without synsets");
  std::string on_bad_image = "error";
  table.choice("on_bad_image", on_bad_image, {"error", "skip"}, "what an unreadable image file does");
  table.required("name");
  const Node& node = required_key(root, "data");
  table.read(node);
  recipe.data.on_bad_image = on_bad_image == "skip" ? OnBadImage::skip : OnBadImage::error;
  try {
    recipe.data_info = describe(recipe.data);
  } catch (const Error& error) {
    node.fail_here(error.what());
  }
  const DatasetInfo& info = recipe.data_info;
  if (recipe.held_back >= info.train_size)
    table.fail_at("held_back",
                  fmt::format("expected fewer than the {} training images, got {}", info.train_size, recipe.held_back));
  if (!recipe.track.dataset.empty() && recipe.track.dataset != recipe.data.name)
    table.fail_at("name", fmt::format("expected {} for the track {}, got {}", recipe.track.dataset, recipe.track.name,
                                      recipe.data.name));
}

bool starts_with_select(const Node& root) {
  const Node* stages = root.find("stages");
  if (stages == nullptr || stages->kind != Node::Kind::sequence || stages->items.empty()) return false;
  const Node& first = stages->items.front();
  if (first.kind == Node::Kind::mapping) return !first.entries.empty() && first.entries.front().first == "select";
  return first.kind == Node::Kind::scalar && first.scalar == "select";
}

void read_model(const Node& root, Recipe& recipe) {
  if (starts_with_select(root)) {
    if (const Node* chosen = root.find("model"))
      chosen->fail_here("expected no model where the select stage chooses it");
    return;
  }
  const Node& node = required_key(root, "model");
  node.as_mapping();
  const Node& name = required_key(node, "name");
  std::vector<std::string> names;
  for (const ZooEntry& family : zoo()) {
    if (std::any_of(family.variants.begin(), family.variants.end(), is_trainable)) names.push_back(family.name);
    for (const ZooVariant& variant : family.variants)
      if (is_trainable(variant) && variant.name != family.name) names.push_back(variant.name);
  }
  if (std::find(names.begin(), names.end(), name.as_text()) == names.end()) refuse_name(name, names);
  recipe.model_name = name.as_text();
  const ZooEntry& entry = zoo_entry(recipe.model_name);
  const ZooVariant* variant = zoo_variant(recipe.model_name);
  OptionTable table;
  std::string unused = recipe.model_name;
  table.text("name", unused, "network");
  for (const ModelOption& option : entry.options) {
    recipe.model_options[option.name] = option.default_value;
    if (variant != nullptr && variant->options.contains(option.name))
      recipe.model_options[option.name] = variant->options.at(option.name);
    table.integer(option.name, recipe.model_options[option.name], {option.lowest, option.highest}, option.help);
  }
  table.read(node);
  const DatasetInfo& data = recipe.data_info;
  const int64_t background = variant == nullptr ? 0 : variant->preprocessing.background_classes;
  try {
    recipe.graph = build_model(recipe.model_name, recipe.model_options, {data.channels, data.height, data.width},
                               data.classes + background);
  } catch (const Error& error) {
    node.fail_here(error.what());
  }
}

RecipeStage read_stage(const Node& item, size_t number) {
  RecipeStage stage;
  stage.at = item.at;
  Node options;
  const Node* name = &item;
  if (item.kind == Node::Kind::mapping) {
    if (item.entries.size() != 1)
      item.refuse("one stage, as in '- prune: {target_sparsity: 0.7}' (are the options indented under it?)");
    options = item.entries.front().second;
  }
  Node named = *name;
  if (item.kind == Node::Kind::mapping) {
    named.kind = Node::Kind::scalar;
    named.scalar = item.entries.front().first;
  }
  std::vector<std::string> names;
  for (const StageInfo& info : stage_catalog()) names.push_back(info.name);
  if (std::find(names.begin(), names.end(), named.as_text()) == names.end()) refuse_name(named, names);
  stage.info = &stage_named(named.scalar);
  stage.id = fmt::format("{:02}-{}", number, stage.info->name);
  stage.stage = stage.info->make();
  stage.table = std::make_unique<OptionTable>();
  stage.stage->describe(*stage.table);
  if (options.path.empty()) {
    options.at = item.at;
    options.path = item.path + "." + stage.info->name;
  }
  stage.table->read(options);
  return stage;
}

// A message that has no position yet gets the stage's.
void plan_stage(const RecipeStage& stage, Prediction& prediction) {
  prediction.notes.clear();
  prediction.forward_images = prediction.training_passes = 0;
  try {
    stage.stage->plan(prediction);
  } catch (const Error& error) {
    const std::string message = error.what();
    if (message.starts_with(stage.at.file + ":") || message.starts_with("--set")) throw;
    fail("{}:{}:{}: {}", stage.at.file, stage.at.line, stage.at.column, message);
  }
}

void plan_stages(const Node& stages, Recipe& recipe) {
  Prediction prediction;
  prediction.graph = recipe.graph;
  prediction.track = recipe.track;
  prediction.images = {recipe.data_info.channels, recipe.data_info.height, recipe.data_info.width};
  prediction.classes = recipe.data_info.classes;
  prediction.takes_any_size = dataset_named(recipe.data.name).has_files;
  prediction.held_back_images = recipe.held_back;
  prediction.training_images = recipe.data_info.train_size - recipe.held_back;
  for (size_t i = 0; i < recipe.stages.size(); ++i) {
    const RecipeStage& stage = recipe.stages[i];
    const bool is_last = i + 1 == recipe.stages.size();
    if (stage.info->name == "pack" && !is_last)
      stages.items[i].fail_here("pack must be the last stage: nothing may change after the file is written");
    if (i == 0 && stage.info->name != "train" && stage.info->name != "load" && stage.info->name != "select")
      stages.items[i].fail_here(
          fmt::format("expected train, load or select as the first stage, got {}", stage.info->name));
    if (i > 0 && (stage.info->name == "load" || stage.info->name == "select"))
      stages.items[i].fail_here(fmt::format("{} must be the first stage: it replaces the network", stage.info->name));
    plan_stage(stage, prediction);
    recipe.predictions.push_back(prediction);
  }
}

// The options of data but its name. Those of image files stand there only with such data.
std::string resolved_data(const Recipe& recipe) {
  const DataSource& data = recipe.data;
  std::string text;
  const auto add_text = [&](const char* key, const std::string& value) {
    if (!value.empty()) text += fmt::format(", {}: \"{}\"", key, value);
  };
  add_text("root", data.root);
  add_text("labels", data.labels);
  add_text("synsets", data.synsets);
  text += fmt::format(", held_back: {}", recipe.held_back);
  if (dataset_named(data.name).has_files)
    text += fmt::format(", size: {}, classes: {}, on_bad_image: {}", data.size, data.classes,
                        data.on_bad_image == OnBadImage::skip ? "skip" : "error");
  return text;
}

std::string resolved_text(const Recipe& recipe, const std::string& data) {
  std::string model = "model: {name: " + recipe.model_name;
  for (const auto& [name, value] : recipe.model_options) model += fmt::format(", {}: {}", name, value);
  model = recipe.model_name.empty() ? "" : model + "}\n";
  std::string track = recipe.track.name;
  if (track == "custom")
    track =
        fmt::format("{{parameters: {}, operations: {}, gate_correct: {}, gate_total: {}}}", recipe.track.parameter_norm,
                    recipe.track.op_norm, recipe.track.gate_correct, recipe.track.gate_total);
  std::string text = fmt::format("track: {}\n{}data: {{name: {}{}}}\nseed: {}\nstages:\n", track, model,
                                 recipe.data.name, data, recipe.seed);
  for (const RecipeStage& stage : recipe.stages)
    text += fmt::format("  - {}: {}\n", stage.info->name, stage.table->resolved());
  return text;
}

}  // namespace

Recipe read_recipe(const std::string& file, const std::vector<std::string>& overrides) {
  const Node root = read_yaml(file, overrides);
  refuse_unknown_keys(root, {"track", "model", "data", "seed", "stages", "include"});
  Recipe recipe;
  recipe.name = std::filesystem::path(file).stem().string();
  read_track(root, recipe);
  read_data(root, recipe);
  read_model(root, recipe);
  if (const Node* seed = root.find("seed")) recipe.seed = seed->as_integer();
  const Node& stages = required_key(root, "stages");
  if (stages.as_sequence().empty()) stages.refuse("a list of stages");
  for (const Node& item : stages.items) recipe.stages.push_back(read_stage(item, recipe.stages.size() + 1));
  plan_stages(stages, recipe);
  if (recipe.stages.front().info->name == "select") recipe.graph = recipe.predictions.front().graph;
  recipe.format = format_of(recipe.predictions.front().graph);
  recipe.resolved = resolved_text(recipe, resolved_data(recipe));
  return recipe;
}

}  // namespace carat
