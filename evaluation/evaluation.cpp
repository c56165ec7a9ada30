// SPDX-License-Identifier: Apache-2.0
#include "evaluation/evaluation.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "base/fail.h"
#include "data/loader.h"

namespace carat {
namespace {

double percent(int64_t part, int64_t whole) {
  return whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

std::string share_line(const char* what, int64_t correct, int64_t total) {
  const Interval interval = wilson_interval(correct, total);
  return fmt::format("{}  {:6.2f} %  {}/{}  (95 % interval {:.2f} to {:.2f} %)\n", what, percent(correct, total),
                     correct, total, 100.0 * interval.low, 100.0 * interval.high);
}

void check_fit(const ModelGraph& graph, const Dataset& data) {
  const Shape images{data.channels, data.height, data.width};
  require(graph.input().input_shape == images, "network {} reads {} images, {} has {}", graph.name(),
          to_text(graph.input().input_shape), data.name, to_text(images));
  require(graph.classes() == data.classes, "network {} knows {} classes, {} has {}", graph.name(), graph.classes(),
          data.name, data.classes);
}

}  // namespace

ImageFormat format_of(const ModelGraph& graph) {
  const Shape& shape = graph.input().input_shape;
  ImageFormat format = format_for(shape.channels, shape.height, shape.width);
  if (!graph.input().preprocessing) return format;
  format.resize = graph.input().preprocessing->resize;
  format.interpolation = graph.input().preprocessing->interpolation;
  format.background_classes = graph.input().preprocessing->background_classes;
  return format;
}

EvaluationReport evaluate_images(Predictor& predictor, const Dataset& data, int64_t limit,
                                 const std::function<void(int64_t, int64_t)>& progress) {
  const int64_t most = predictor.batch();
  check_fit(predictor.graph(), data);
  const int64_t total = limit > 0 ? std::min(limit, data.size()) : data.size();
  EvaluationReport report{.method = predictor.describe(), .tally = Tally(predictor.graph().classes())};
  report.preprocessing = predictor.graph().input().preprocessing.value_or(Preprocessing{});
  const auto start = std::chrono::steady_clock::now();
  for (int64_t begin = 0; begin < total; begin += most) {
    const int64_t end = std::min(begin + most, total);
    const Batch batch = gather(data, begin, end);
    report.skipped += end - begin - batch.size;
    if (batch.size > 0) report.tally.add(predictor.logits(batch.pixels, batch.size), batch.labels);
    progress(end, total);
  }
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return report;
}

std::string to_text(const EvaluationReport& report) {
  const Tally& tally = report.tally;
  std::string text = fmt::format("{} on {} ({})\n", report.model, report.data, report.method);
  text += share_line("top-1", tally.correct(), tally.total());
  text += share_line("top-5", tally.correct5(), tally.total());
  text += fmt::format("loss   {:.6f} nats, {:.1f} images/s\n", tally.loss(), report.images_per_second());
  if (report.skipped > 0) text += fmt::format("{} unreadable images were left out\n", report.skipped);
  return text;
}

std::string to_json(const EvaluationReport& report) {
  const Tally& tally = report.tally;
  const Interval top1 = wilson_interval(tally.correct(), tally.total());
  const Preprocessing& how = report.preprocessing;
  const nlohmann::ordered_json json = {
      {"model", report.model},
      {"data", report.data},
      {"method", report.method},
      {"correct", tally.correct()},
      {"correct5", tally.correct5()},
      {"total", tally.total()},
      {"skipped", report.skipped},
      {"accuracy", tally.total() == 0 ? 0.0 : percent(tally.correct(), tally.total()) / 100.0},
      {"interval95", {top1.low, top1.high}},
      {"loss", tally.loss()},
      {"images_per_second", report.images_per_second()},
      {"preprocessing",
       {{"mean", how.mean},
        {"deviation", how.deviation},
        {"resize", how.resize},
        {"interpolation", std::string(name_of(how.interpolation))},
        {"background_classes", how.background_classes}}}};
  return json.dump(2) + "\n";
}

std::string per_class_csv(const EvaluationReport& report) {
  std::string text = "class,images,correct,correct5,predicted,accuracy\n";
  int64_t number = 0;
  for (const ClassCount& row : report.tally.classes())
    text += fmt::format("{},{},{},{},{},{:.4f}\n", number++, row.images, row.correct, row.correct5, row.predicted,
                        percent(row.correct, row.images) / 100.0);
  return text;
}

}  // namespace carat
