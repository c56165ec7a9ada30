// SPDX-License-Identifier: Apache-2.0
// carat import, carat export.
#include <filesystem>

#include "base/fail.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/onnx_export.h"
#include "cli/parse.h"
#include "models/file/import.h"
#include "models/file/model_file.h"
#include "models/weights/declare_arithmetic.h"
#include "models/weights/safetensors.h"

namespace carat {
namespace {

namespace po = boost::program_options;

struct Counts {
  int64_t weight_layers = 0;
  int64_t weights = 0;
  int64_t biases = 0;
  int64_t batch_norm = 0;
  int64_t scales = 0;
};

Counts counts_of(const Model& model) {
  Counts counts;
  for (const auto& [name, shape] : buffer_shapes(model.graph)) {
    const auto values = static_cast<int64_t>(model.buffer(name).values.size());
    const LayerSpec& layer = model.graph.layer(name.substr(0, name.rfind('.')));
    const bool is_statistic = name.ends_with(".running_mean") || name.ends_with(".running_var");
    if (layer.op == OpKind::batch_norm)
      counts.batch_norm += is_statistic ? 0 : values;
    else if (!has_weights(layer))
      counts.scales += values;
    else
      (name.ends_with(".weight") ? counts.weights : counts.biases) += values;
    if (has_weights(layer) && name.ends_with(".weight")) ++counts.weight_layers;
  }
  return counts;
}

std::string preprocessing_text(const ModelGraph& graph) {
  const Preprocessing how = graph.input().preprocessing.value_or(Preprocessing{});
  std::string text = how.mean.empty() ? "code / 255"
                                      : fmt::format("(code / 255 - {:.6g}) / {:.6g}", fmt::join(how.mean, " "),
                                                    fmt::join(how.deviation, " "));
  if (how.resize > 0)
    text += fmt::format(", short side to {} ({}), crop {}", how.resize, name_of(how.interpolation),
                        graph.input().input_shape.height);
  if (how.background_classes > 0) text += fmt::format(", background classes {}", how.background_classes);
  return text;
}

void print_summary(const Imported& imported, const std::string& file, const std::string& out) {
  const Model& model = imported.model;
  const Counts n = counts_of(model);
  fmt::print("{} from {}\n", imported.network, file);
  fmt::print("  layout          {}{}\n", imported.layout,
             imported.is_folded ? ", batch norm folded into the weights" : "");
  fmt::print("  layers          {}, {} of them with weights\n", model.graph.size(), n.weight_layers);
  fmt::print("  parameters      {}: {} weights, {} biases, {} of batch norm, {} of Scale layers and quantizers\n",
             with_separators(n.weights + n.biases + n.batch_norm + n.scales), with_separators(n.weights),
             with_separators(n.biases), with_separators(n.batch_norm), with_separators(n.scales));
  fmt::print("  zeros           {:.2f} % of the weights\n", 100.0 * sparsity(model));
  fmt::print("  multiplies      {}\n", with_separators(count_mults(model.graph)));
  fmt::print("  input           {}, {}\n", to_text(model.graph.input().input_shape), preprocessing_text(model.graph));
  fmt::print("  classes         {}\n", model.graph.classes());
  for (const LayerSpec& layer : model.graph.layers())
    if (layer.op == OpKind::scale) {
      fmt::print("  Scale layers    {}\n", name_of(layer.arithmetic));
      break;
    }
  fmt::print("  written         {}\n", out);
}

int import_command(const std::vector<std::string>& words) {
  ImportRequest request;
  std::string out;
  std::string arithmetic;
  int64_t classes = 0;
  po::options_description options;
  options.add_options()("model", po::value(&request.network), "")("layout", po::value(&request.layout), "")(
      "folded", po::bool_switch(&request.is_folded), "")("classes", po::value(&classes), "")(
      "arithmetic", po::value(&arithmetic), "")("out", po::value(&out)->default_value("model.safetensors"), "");
  const po::variables_map map = parse_words(words, options);
  const std::vector<std::string> arguments = arguments_of(map);
  if (arguments.empty()) throw UsageError("expected a file of tensors (safetensors)");
  request.options = key_values({arguments.begin() + 1, arguments.end()});
  if (!request.options.empty() && request.network.empty()) throw UsageError("key=value belongs to --model NAME");
  if (map.count("classes") != 0) {
    if (classes < 1) throw UsageError(fmt::format("--classes: expected at least 1, got {}", classes));
    request.classes = classes;
  }
  const std::string& file = arguments[0];
  std::error_code ignored;
  if (std::filesystem::equivalent(file, out, ignored)) throw UsageError("--out: expected another file than " + file);
  const std::string bytes = read_text(file);
  Imported imported = import_tensors(read_tensors(bytes, file), file, request);
  imported.model = arithmetic.empty() ? with_needed_arithmetic(imported.model)
                                      : with_scale_arithmetic(imported.model, arithmetic_named(arithmetic));
  write_model(out, imported.model);
  print_summary(imported, file, out);
  return 0;
}

int export_command(const std::vector<std::string>& words) {
  ExportRequest request;
  std::string out;
  OnnxRequest onnx;
  po::options_description options;
  options.add_options()("layout", po::value(&request.layout), "")("model", po::value(&request.network), "")(
      "out", po::value(&out), "")("onnx", po::value(&onnx.out), "")("float", po::bool_switch(&onnx.is_float), "");
  const po::variables_map map = parse_words(words, options);
  if (!onnx.out.empty()) {
    if (!request.layout.empty() || !out.empty()) throw UsageError("--onnx takes the place of --layout and --out");
    onnx.files = arguments_of(map);
    onnx.network = request.network;
    return export_onnx(onnx);
  }
  if (onnx.is_float) throw UsageError("--float belongs to --onnx FILE");
  if (request.layout.empty() || out.empty()) throw UsageError("expected --layout L --out FILE, or --onnx FILE");
  const std::vector<std::string> arguments = arguments_of(map);
  if (arguments.empty()) throw UsageError("expected a model: a stage's safetensors");
  request.options = key_values({arguments.begin() + 1, arguments.end()});
  if (!request.options.empty() && request.network.empty()) throw UsageError("key=value belongs to --model NAME");
  const std::string& file = arguments[0];
  std::error_code ignored;
  if (std::filesystem::equivalent(file, out, ignored)) throw UsageError("--out: expected another file than " + file);
  const Model model = read_any_model(file, "");
  std::string bytes;
  try {
    bytes = export_tensors(model, request);
  } catch (const Error& error) {
    fail("{}: {}", file, error.what());
  }
  write_atomically(out, bytes);
  fmt::print("{} in layout {}: {} tensors written to {}\n", model.graph.name(), request.layout,
             read_tensors(bytes, out).tensors.size(), out);
  return 0;
}

}  // namespace

const std::vector<Command>& import_commands() {
  static const std::vector<Command> table = {{"import", import_command}, {"export", export_command}};
  return table;
}

}  // namespace carat
