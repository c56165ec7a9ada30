// SPDX-License-Identifier: Apache-2.0
#include "stages/sensitivity_run.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/fail.h"
#include "stages/fisher_estimate.h"
#include "stages/sensitivity_interval.h"

namespace carat {
namespace {

constexpr const char* kDense = "(dense)";

// {n}: mean ranks.
std::vector<double> ranks(const std::vector<double>& values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a] < values[b]; });
  std::vector<double> rank(values.size());
  for (size_t i = 0; i < order.size();) {
    size_t end = i;
    while (end < order.size() && values[order[end]] == values[order[i]]) ++end;
    for (size_t j = i; j < end; ++j) rank[order[j]] = 0.5 * static_cast<double>(i + end - 1);
    i = end;
  }
  return rank;
}

}  // namespace

void SensitivityOptions::describe(OptionTable& table) {
  table.choice("mode", mode, {"exact", "interval", "estimate", "naive"},
               "exact: every point on every image; interval: points that do not matter at `target` stop early; "
               "estimate: from the gradients of one pass; naive: the whole network for every point");
  table.choice("quantity", quantity, {"sparsity", "weight_bits", "activation_bits"}, "what is changed in a layer");
  table.numbers("sparsities", sparsities, {0, 1, "(0, 1)"}, "sparsities to try, rising");
  table.numbers("bits", bits, {2, 8, "[2, 8]"}, "widths to try, rising whole numbers");
  table.texts("layers", layers, "patterns of the layers to change; none: all");
  table.integer("images", images, {1, 10000000}, "held-back training images to measure on");
  table.integer("batch", batch, {1, 65536}, "images that run together");
  table.integer("memory_mib", memory_mib, {1, 1 << 20}, "memory for results in front of the changed layer");
  table.number("target", target, {0, 1, "(0, 1)"}, "interval: the overall sparsity whose allocation must be right");
}

void SensitivityOptions::check(const std::string& stage, const ModelGraph& graph) const {
  const char* name = quantity == "sparsity" ? "sparsities" : "bits";
  require(!levels().empty(), "{}.{}: expected at least one, got none", stage, name);
  for (size_t i = 0; i < levels().size(); ++i) {
    require(i == 0 || levels()[i] > levels()[i - 1], "{}.{}: expected a rising list, got {} after {}", stage, name,
            levels()[i], i == 0 ? 0.0 : levels()[i - 1]);
    require(quantity == "sparsity" || levels()[i] == std::floor(levels()[i]), "{}.bits: expected whole numbers, got {}",
            stage, levels()[i]);
  }
  require(quantity == "sparsity" || mode == "exact" || mode == "naive",
          "{}.mode: expected exact or naive for {}, got {}", stage, quantity, mode);
  require(shards == 1 || mode != "interval",
          "{}: expected one process in mode interval, whose decisions need all layers, got shard {}/{}", stage, shard,
          shards);
  require(shard >= 1 && shard <= shards, "{}: expected shard 1 to {}, got {}", stage, shards, shard);
  for (const std::string& pattern : layers)
    require(!match_layers(pattern, graph.weight_layers()).empty(),
            "{}.layers: expected a pattern that matches a convolution or linear layer, got '{}'", stage, pattern);
}

std::vector<PointName> SensitivityOptions::points(const ModelGraph& graph) const {
  std::vector<PointName> points;
  int64_t number = 0;
  for (const std::string& layer : graph.weight_layers()) {
    const bool is_wanted = layers.empty() || std::any_of(layers.begin(), layers.end(), [&](const std::string& pattern) {
                             return !match_layers(pattern, {layer}).empty();
                           });
    if (!is_wanted || number++ % shards != shard - 1) continue;
    for (const double level : levels()) points.push_back({layer, level});
  }
  return points;
}

SensitivityRequest SensitivityOptions::request() const {
  std::string rule = mode == "naive" ? "exact" : mode;  // the same numbers
  if (mode == "interval") rule += fmt::format(" {} {} {}", target, fmt::join(levels(), " "), fmt::join(layers, " "));
  return {.quantity = quantity, .batch = batch, .memory = memory_mib << 20, .reuses = mode != "naive", .rule = rule};
}

SensitivityTable run_sensitivity(const Model& model, const Dataset& data, const std::vector<int64_t>& images,
                                 const SensitivityOptions& options, const at::Device& device,
                                 const SensitivitySink& sink) {
  SensitivityEngine engine(model, data, images, options.request(), device);
  SensitivityTable table{options.quantity, sensitivity_identity(model, data, images, options.request()), {}};
  std::map<std::pair<std::string, double>, PointSums> known;
  IntervalRounds rounds;
  for (const SensitivityPoint& point : sink.known) {
    if (point.layer.starts_with(kPart))
      rounds.known[{point.layer.substr(kPart.size()), point.level, point.sums.images}] = point.sums;
    else
      known[{point.layer, point.level}] = point.sums;
  }
  rounds.keep = [&](const PointName& name, const PointSums& sums) {
    sink.keep({std::string(kPart) + name.layer, name.level, sums});
  };
  rounds.progress = sink.progress;
  const std::vector<PointName> wanted = options.points(model.graph);
  const auto total = static_cast<int64_t>(wanted.size()) + 1;
  int64_t number = 0;
  const auto done = [&](const PointName& name, const PointSums& sums) {
    const SensitivityPoint point{name.layer, name.level, sums};
    if (known.emplace(std::pair(name.layer, name.level), sums).second) sink.keep(point);
    sink.progress(++number, total, fmt::format("{} at {:g}", name.layer, name.level));
  };
  const auto count = static_cast<int64_t>(images.size());
  if (!known.contains({kDense, 0.0})) done({kDense, 0.0}, engine.dense(0, count));
  std::vector<PointName> missing;
  for (const PointName& point : wanted)
    if (!known.contains({point.layer, point.level})) missing.push_back(point);
  number = total - static_cast<int64_t>(missing.size());
  if (options.mode == "estimate")
    for (const SensitivityPoint& point : fisher_estimate(model, data, images, missing, device))
      done({point.layer, point.level}, point.sums);
  else if (options.mode == "interval" && !missing.empty())  // what is decided depends on all points
    measure_by_intervals(engine, model.graph, wanted, {count, options.batch, options.target}, rounds, done);
  else
    engine.measure(missing, 0, count, done);
  table.points.push_back({kDense, 0.0, known.at({kDense, 0.0})});
  for (const PointName& point : wanted)
    table.points.push_back({point.layer, point.level, known.at({point.layer, point.level})});
  return table;
}

double rank_correlation(const SensitivityTable& a, const SensitivityTable& b) {
  std::map<std::pair<std::string, double>, double> first;
  for (const SensitivityPoint& point : a.points) first[{point.layer, point.level}] = point.sums.mean_rise();
  std::vector<double> x;
  std::vector<double> y;
  for (const SensitivityPoint& point : b.points) {
    const auto found = first.find({point.layer, point.level});
    if (found == first.end() || point.layer == kDense) continue;
    x.push_back(found->second);
    y.push_back(point.sums.mean_rise());
  }
  const std::vector<double> p = ranks(x);
  const std::vector<double> q = ranks(y);
  const auto n = static_cast<double>(p.size());
  const double mean = 0.5 * (n - 1.0);
  double both = 0.0;
  double pp = 0.0;
  double qq = 0.0;
  for (size_t i = 0; i < p.size(); ++i) {
    both += (p[i] - mean) * (q[i] - mean);
    pp += (p[i] - mean) * (p[i] - mean);
    qq += (q[i] - mean) * (q[i] - mean);
  }
  return pp > 0.0 && qq > 0.0 ? both / std::sqrt(pp * qq) : 0.0;
}

SensitivityTable earlier_table(StageContext& context, const std::string& quantity) {
  for (const std::string& text : context.earlier_files("sensitivity", "sensitivity.csv")) {
    SensitivityTable table = table_from_csv(text, "sensitivity.csv");
    if (table.quantity == quantity) return table;
  }
  fail("{}: needs a sensitivity stage of quantity: {} before it", context.stage_id(), quantity);
}

}  // namespace carat
