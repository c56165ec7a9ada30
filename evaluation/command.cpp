// SPDX-License-Identifier: Apache-2.0
#include "evaluation/command.h"

#include <cstdio>
#include <fstream>

#include "base/console.h"
#include "base/fail.h"
#include "base/file.h"
#include "evaluation/parse.h"
#include "models/file/model_file.h"
#include "models/weights/declare_arithmetic.h"
#include "models/zoo/zoo.h"

namespace carat {
namespace {

namespace po = boost::program_options;

po::options_description options_of(EvaluateRequest& request, std::string& split, std::string& on_bad_image) {
  po::options_description options;
  options.add_options()("file", po::value(&request.file), "")("data", po::value(&request.data.name)->required(), "")(
      "root", po::value(&request.data.root), "")("labels", po::value(&request.data.labels), "")(
      "synsets", po::value(&request.data.synsets), "")("on-bad-image", po::value(&on_bad_image)->default_value("error"),
                                                       "")("split", po::value(&split)->default_value("test"), "")(
      "model", po::value(&request.network), "")("format", po::value(&request.format)->default_value("text"), "")(
      "per-class", po::value(&request.per_class_file), "")("predictions", po::value(&request.predictions_file), "")(
      "device", po::value(&request.device)->default_value("auto"), "")(
      "arithmetic", po::value(&request.arithmetic), "")("rounding", po::value(&request.rounding), "")(
      "resize", po::value(&request.resize), "")("interpolation", po::value(&request.interpolation), "")(
      "limit", po::value(&request.limit), "")("threads", po::value(&request.threads), "")(
      "exact", po::bool_switch(&request.is_exact), "");
  return options;
}

void require_choice(const char* option, const std::string& value, const std::vector<std::string>& choices) {
  if (std::find(choices.begin(), choices.end(), value) != choices.end()) return;
  throw UsageError(fmt::format("--{}: expected {}, got '{}'", option, fmt::join(choices, ", "), value));
}

void change_preprocessing(Model& model, const EvaluateRequest& request) {
  if (request.resize < 0 && request.interpolation.empty()) return;
  Preprocessing how = model.graph.input().preprocessing.value_or(Preprocessing{});
  if (request.resize >= 0) how.resize = request.resize;
  if (!request.interpolation.empty()) how.interpolation = interpolation_named(request.interpolation);
  model.graph = with_preprocessing(model.graph, how);
}

}  // namespace

EvaluateRequest parse_evaluate(const std::vector<std::string>& words) {
  EvaluateRequest request;
  std::string split;
  std::string on_bad_image;
  const po::options_description options = options_of(request, split, on_bad_image);
  parse_options(words, options, "file", 1);
  if (request.file.empty())
    throw UsageError("expected a file to evaluate: a packed model, a model of any stage or tensors");
  require_choice("split", split, {"train", "test"});
  require_choice("on-bad-image", on_bad_image, {"error", "skip"});
  require_choice("device", request.device, {"auto", "cpu", "cuda"});
  require_choice("format", request.format, {"text", "json"});
  if (request.limit < 0 || request.threads < 0) throw UsageError("--limit and --threads: expected at least 0");
  request.split = split == "train" ? Split::train : Split::test;
  request.data.on_bad_image = on_bad_image == "skip" ? OnBadImage::skip : OnBadImage::error;
  return request;
}

bool is_packed_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  char magic[5] = {};
  return file.read(magic, sizeof magic) && std::string_view(magic, sizeof magic) == "CARAT";
}

Model requested_model(const EvaluateRequest& request) {
  Model model = read_any_model(request.file, request.network);
  if (!request.arithmetic.empty()) model = with_scale_arithmetic(model, arithmetic_named(request.arithmetic));
  if (!request.rounding.empty()) model = with_activation_rounding(model, rounding_named(request.rounding));
  change_preprocessing(model, request);
  return model;
}

int run_evaluate(const EvaluateRequest& request, Predictor& predictor) {
  Console console(stderr);
  const Dataset data = open_dataset(request.data, request.split, format_of(predictor.graph()));
  EvaluationReport report = evaluate_images(predictor, data, request.limit, [&](int64_t done, int64_t total) {
    console.progress("evaluating", done, total, "");
  });
  report.model = request.file;
  report.data = request.data.name + (request.split == Split::train ? " train" : " test");
  if (!request.per_class_file.empty()) write_atomically(request.per_class_file, per_class_csv(report));
  if (!request.predictions_file.empty()) {
    std::string lines;
    for (const int64_t predicted : report.tally.predictions()) lines += fmt::format("{}\n", predicted);
    write_atomically(request.predictions_file, lines);
  }
  fmt::print("{}", request.format == "json" ? to_json(report) : to_text(report));
  return 0;
}

}  // namespace carat
