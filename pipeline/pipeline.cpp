// SPDX-License-Identifier: Apache-2.0
#include "pipeline/pipeline.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "base/fail.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/parallel.h"
#include "base/text.h"
#include "models/net/device.h"
#include "models/net/network.h"
#include "models/packed/packed_model.h"
#include "models/weights/graph_json.h"
#include "models/weights/safetensors.h"
#include "pipeline/invariants.h"
#include "pipeline/report.h"
#include "pipeline/run_context.h"
#include "pipeline/verify.h"
#include "stages/evaluate.h"

namespace carat {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kVerifyVersion = 1;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

class Run {
 public:
  Run(const Recipe& recipe, const RunOptions& options)
      : recipe_(recipe),
        options_(options),
        store_(std::filesystem::path(options.runs_folder) / "store"),
        folder_(std::filesystem::path(options.runs_folder) / recipe.name) {
    threads_ = options.threads > 0 ? options.threads : default_threads();
    at::set_num_threads(static_cast<int>(threads_));
    settings_.device = device_named(options.device);
    settings_.seed = recipe.seed;
    settings_.track = recipe.track;
    settings_.loader_threads = threads_;
    settings_.checkpoint_seconds = options.checkpoint_seconds;
    report_.device = describe_device(settings_.device);
    report_.command = options.command;
  }

  ScoreSheet run() {
    const Clock::time_point start = Clock::now();
    console_.line(fmt::format("carat run: {} on {} ({})", recipe_.name, recipe_.data.name, report_.device));
    open_data();
    const std::vector<std::string> keys = stage_keys();
    Model model = initialize(recipe_.graph, recipe_.seed);
    for (size_t i = 0; i < recipe_.stages.size(); ++i) run_stage(i, keys[i], model);
    const ScoreSheet sheet = verify_and_score(keys.back(), model);
    report_.wall_seconds = seconds_since(start);
    link_stages(folder_, links_);
    write_report(folder_, recipe_, report_);
    write_sheet(folder_, sheet);
    console_.line("");
    print_table(console_, recipe_, report_);
    return sheet;
  }

 private:
  void open_data() {
    DataSource source = recipe_.data;
    source.report = [this](const std::string& line) { console_.line("      " + line); };
    data_.training = open_dataset(source, Split::train, recipe_.format);
    data_.test = open_dataset(source, Split::test, recipe_.format);
    data_.split = hold_back(data_.training, recipe_.held_back, recipe_.seed);
  }

  // By stage. any_device: the longest beginning that one device has stored, and this device's from there.
  std::vector<std::string> stage_keys() const {
    std::vector<std::string> keys;
    append_keys(keys, first_key(report_.device));
    if (!options_.any_device) return keys;
    size_t most = stored(keys);
    for (const std::string& device : devices_of_store()) {
      std::vector<std::string> theirs;
      append_keys(theirs, first_key(device));
      const size_t count = stored(theirs);
      if (count <= most) continue;
      most = count;
      theirs.resize(count);
      append_keys(theirs, Hasher().text(theirs.back()).text(report_.device).hex());
      keys = theirs;
    }
    return keys;
  }

  // Of the stages that have none yet.
  void append_keys(std::vector<std::string>& keys, std::string key) const {
    for (size_t i = keys.size(); i < recipe_.stages.size(); ++i) keys.push_back(key = next_key(key, i));
  }

  // How many of the first stages have results.
  size_t stored(const std::vector<std::string>& keys) const {
    return static_cast<size_t>(
        std::find_if(keys.begin(), keys.end(), [&](const std::string& key) { return !store_.find(key); }) -
        keys.begin());
  }

  std::set<std::string> devices_of_store() const {
    std::set<std::string> devices;
    for (const std::string& key : store_.keys())
      devices.insert(read_record(store_.path_of(key) / "record.json").device);
    return devices;
  }

  std::string first_key(const std::string& device) const {
    return Hasher()
        .text(to_json(recipe_.graph))
        .number(recipe_.seed)
        .number(recipe_.held_back)
        .text(data_.training.identity)
        .text(data_.test.identity)
        .text(device)
        .hex();
  }

  std::string next_key(const std::string& key, size_t index) const {
    const RecipeStage& stage = recipe_.stages[index];
    Hasher hasher;
    hasher.text(key).text(stage.info->name).number(stage.info->version).text(stage.table->resolved());
    const std::string input = stage.stage->input_identity(recipe_.predictions[index]);
    if (!input.empty()) hasher.text(input);
    return hasher.hex();
  }

  void run_stage(size_t index, const std::string& key, Model& model) {
    const RecipeStage& stage = recipe_.stages[index];
    if (options_.fresh) store_.remove(key);
    const std::string heading = fmt::format("[{}/{}] {}", index + 1, recipe_.stages.size(), stage.info->name);
    std::optional<std::filesystem::path> result = store_.find(key);
    RunRow row;
    row.id = stage.id;
    row.reused = result.has_value();
    if (result) {
      row.record = read_record(*result / "record.json");
      model = read_model(*result / "model.safetensors");
      const bool is_foreign = row.record.device != report_.device && !row.record.device.empty();
      console_.heading(fmt::format("{}: stored result {}{}", heading, key.substr(0, 12),
                                   is_foreign ? " (" + row.record.device + ")" : ""));
    } else {
      console_.heading(fmt::format("{}: {}", heading, stage.info->help));
      for (const std::string& note : recipe_.predictions[index].notes) console_.line("      " + note);
      const Clock::time_point start = Clock::now();
      const std::unique_ptr<StoreWork> work = store_.begin(key);
      RunContext context(settings_, data_, earlier_, console_, *work, stage.id);
      const Model before = model;
      stage.stage->run(model, context);
      check_invariants(stage.id, before, model, {stage.stage->changes_structure(), stage.stage->changes_scales()});
      row.record = measure(stage, model);
      row.seconds = row.record.seconds = seconds_since(start);
      work->write_file("model.safetensors", to_safetensors(model));
      work->write_file("record.json", to_json(row.record));
      result = work->finish();
      log_change(row.record);
    }
    row.costs = cost_shares(count_network(model.graph, nonzeros_per_kernel(model)), recipe_.track);
    earlier_.push_back({stage.info->name, *result, row.record.is_dense});
    links_.emplace_back(stage.id, *result);
    report_.rows.push_back(row);
  }

  StageRecord measure(const RecipeStage& stage, const Model& model) {
    const std::string bytes = to_safetensors(model);
    StageRecord record;
    record.stage = stage.id;
    record.device = report_.device;
    record.model_hash = Hasher().text(bytes).hex();
    if (!report_.rows.empty() && report_.rows.back().record.model_hash == record.model_hash) {
      record = report_.rows.back().record;
      record.stage = stage.id;
      record.device = report_.device;
      return record;
    }
    Network network(model, settings_.device);
    const Evaluation result = evaluate(network, data_.test);
    record.correct = result.correct;
    record.total = result.total;
    record.loss = result.loss;
    const KernelNonzeros nonzeros = nonzeros_per_kernel(model);
    for (const std::string& name : model.graph.weight_layers()) {
      record.weights += model.graph.weight_count(model.graph.layer(name));
      for (const int64_t count : nonzeros.at(name)) record.zeros -= count;
    }
    record.zeros += record.weights;
    const Ledger ledger = count_network(model.graph, nonzeros);
    record.storage_bits = ledger.storage_bits().to_integer();
    record.op_bits = ledger.op_bits().to_integer();
    record.is_dense = !stage.stage->changes_structure() &&
                      std::none_of(model.graph.layers().begin(), model.graph.layers().end(),
                                   [](const LayerSpec& layer) { return layer.quant || layer.is_masked; });
    return record;
  }

  void log_change(const StageRecord& record) {
    console_.line(fmt::format(
        "      accuracy {:.2f} % ({}/{}), score {:.6f}, {}", 100.0 * record.accuracy(), record.correct, record.total,
        score_of(recipe_.track, record.storage_bits, record.op_bits), readable_seconds(record.seconds)));
  }

  ScoreSheet verify_and_score(const std::string& last_key, const Model& model) {
    const bool is_packed = recipe_.stages.back().info->name == "pack";
    const StageRecord& last = report_.rows.back().record;
    if (!is_packed) {
      console_.line("      not packed: the sheet is of the stage model; end the recipe with fuse and pack");
      return make_sheet(model.graph, nonzeros_per_kernel(model), recipe_.track, last.correct, last.total);
    }
    const PackedModel packed = read_packed(earlier_.back().folder / "model.carat");
    const StageRecord verified = verified_record(last_key, packed, model);
    const Model unpacked = unpack(packed);
    const ScoreSheet sheet =
        make_sheet(unpacked.graph, nonzeros_per_kernel(unpacked), recipe_.track, verified.correct, verified.total);
    const PayloadSize size = payload_size(packed);
    const Ratio held = sheet.ledger.held_bits();
    require(Ratio(size.payload_bits) == held, "pack: the payload has {} bits, the score sheet {}", size.payload_bits,
            held.text());
    console_.line(
        fmt::format("      packed file: payload {} bits = storage on the sheet; padding {} bits, header {} bytes, file "
                    "{} bytes",
                    with_separators(size.payload_bits), size.padding_bits, size.header_bytes, size.file_bytes));
    if (held != sheet.param_bits) console_.line("      and the matrices of channel permutations, charged beyond (R23)");
    write_packed(packed, verified);
    return sheet;
  }

  // The packed file of the run folder: the pack stage's, with where it comes from and what was measured on it.
  void write_packed(PackedModel packed, const StageRecord& verified) {
    const char* commit = std::getenv("CARAT_COMMIT");
    packed.provenance = {.recipe = Hasher().text(recipe_.resolved).hex(),
                         .commit = commit != nullptr ? commit : "",
                         .data = recipe_.data.name + " test",
                         .correct = verified.correct,
                         .total = verified.total};
    write_atomically(folder_ / "model.carat", to_bytes(packed));
  }

  StageRecord verified_record(const std::string& last_key, const PackedModel& packed, const Model& model) {
    const std::string key = Hasher().text(last_key).text("verify").number(kVerifyVersion).hex();
    if (options_.fresh) store_.remove(key);
    std::optional<std::filesystem::path> result = store_.find(key);
    RunRow row;
    row.id = "verify";
    row.costs = report_.rows.back().costs;
    row.reused = result.has_value();
    console_.heading(fmt::format("[verify] the packed file on integer codes, {} test images{}", data_.test.size(),
                                 row.reused ? ": stored result " + key.substr(0, 12) : ""));
    if (result) {
      row.record = read_record(*result / "record.json");
    } else {
      const Clock::time_point start = Clock::now();
      const std::unique_ptr<StoreWork> work = store_.begin(key);
      const Verification v = verify(packed, model, data_.test, threads_, [this](int64_t done, int64_t total) {
        console_.progress("verifying", done, total, "");
      });
      require(v.differences == 0, "verify: {} of {} images differ from the trained network; first: {}", v.differences,
              v.images, v.first_difference);
      row.record = report_.rows.back().record;
      row.record.stage = row.id;
      row.record.device = report_.device;
      row.record.correct = v.correct;
      row.record.total = v.images;
      row.seconds = row.record.seconds = seconds_since(start);
      work->write_file("record.json", to_json(row.record));
      result = work->finish();
    }
    console_.line(fmt::format("      0 differences in {} images; accuracy of the packed file {:.2f} % ({}/{})",
                              row.record.total, 100.0 * row.record.accuracy(), row.record.correct, row.record.total));
    links_.emplace_back(fmt::format("{:02}-verify", recipe_.stages.size() + 1), *result);
    report_.rows.push_back(row);
    return row.record;
  }

  const Recipe& recipe_;
  const RunOptions& options_;
  ArtifactStore store_;
  std::filesystem::path folder_;
  int64_t threads_ = 1;
  RunSettings settings_;
  RunReport report_;
  RunData data_;
  std::vector<EarlierStage> earlier_;
  std::vector<std::pair<std::string, std::filesystem::path>> links_;
  Console console_;
};

}  // namespace

ScoreSheet run_recipe(const Recipe& recipe, const RunOptions& options) { return Run(recipe, options).run(); }

}  // namespace carat
