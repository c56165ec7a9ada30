// SPDX-License-Identifier: Apache-2.0
// carat codes: what another program must compute, number by number.
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/fail.h"
#include "base/file.h"
#include "base/parallel.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/parse.h"
#include "data/batch.h"
#include "evaluation/command.h"
#include "models/file/model_file.h"
#include "models/packed/reference_executor.h"
#include "models/weights/fold.h"

namespace carat {
namespace {

namespace po = boost::program_options;

// One result in an image's record.
struct Part {
  size_t layer;
  std::string type;  // uint8, int8, uint16, int16, float32
  int64_t offset;    // bytes from the record's begin
};

struct Record {
  std::vector<Part> parts;
  int64_t bytes = 0;
};

int64_t width_of(const std::string& type) { return type == "float32" ? 4 : type.ends_with("16") ? 2 : 1; }

std::string type_of(const QuantSpec& codes) {
  constexpr int64_t kByte = 8;
  return fmt::format("{}int{}", codes.is_signed() ? "" : "u", codes.bits() <= kByte ? 8 : 16);
}

// The pixels, the codes after every quantizer in execution order, the logits.
Record record_of(const ModelGraph& graph) {
  Record record;
  const auto add = [&](size_t layer, const std::string& type) {
    record.parts.push_back({layer, type, record.bytes});
    record.bytes += graph.output_shape(static_cast<int64_t>(layer)).elements() * width_of(type);
  };
  const std::vector<LayerSpec>& layers = graph.layers();
  add(0, "uint8");
  for (size_t i = 1; i < layers.size(); ++i)
    if (layers[i].op == OpKind::activation_quant || layers[i].op == OpKind::table) add(i, type_of(*layers[i].quant));
  add(layers.size() - 1, "float32");
  return record;
}

template <typename Number>
void store(const std::vector<float>& values, char* to) {
  for (size_t i = 0; i < values.size(); ++i) {
    const auto number = static_cast<Number>(values[i]);
    std::memcpy(to + i * sizeof number, &number, sizeof number);
  }
}

void store(const std::vector<float>& values, const std::string& type, char* to) {
  if (type == "uint8") return store<uint8_t>(values, to);
  if (type == "int8") return store<int8_t>(values, to);
  if (type == "uint16") return store<uint16_t>(values, to);
  if (type == "int16") return store<int16_t>(values, to);
  store<float>(values, to);
}

void fill(const ReferenceExecutor& executor, const Record& record, std::span<const uint8_t> image, char* to) {
  std::copy(image.begin(), image.end(), to);
  std::vector<float> logits(static_cast<size_t>(record.bytes - record.parts.back().offset) / sizeof(float));
  executor.run_observed(image.data(), logits.data(), [&](size_t layer, const std::vector<float>& values) {
    for (const Part& part : record.parts)
      if (layer > 0 && part.layer == layer) store(values, part.type, to + part.offset);
  });
}

std::string index_json(const ModelGraph& graph, const Record& record, const std::vector<int64_t>& labels) {
  nlohmann::ordered_json index = {{"network", graph.name()},
                                  {"images", labels.size()},
                                  {"record_bytes", record.bytes},
                                  {"labels", labels},
                                  {"parts", nlohmann::ordered_json::array()}};
  for (const Part& part : record.parts) {
    const Shape& shape = graph.output_shape(static_cast<int64_t>(part.layer));
    index["parts"].push_back({{"layer", graph.layers()[part.layer].name},
                              {"type", part.type},
                              {"shape", {shape.channels, shape.height, shape.width}},
                              {"offset", part.offset}});
  }
  return index.dump(1) + "\n";
}

PackedModel executable(const std::string& file, const std::string& network) {
  if (is_packed_file(file)) return read_packed(file);
  return pack(fold_batch_norm(read_any_model(file, network)));
}

// Records of the first images, in a file that appears when it is whole. Labels of what was written.
std::vector<int64_t> write_records(const EvaluateRequest& request, const PackedModel& packed, const std::string& out) {
  constexpr int64_t kBatch = 16;
  const ReferenceExecutor executor(packed);
  const Record record = record_of(packed.graph);
  const Dataset data = open_dataset(request.data, request.split, format_of(packed.graph));
  const auto pixels = static_cast<size_t>(packed.graph.input().input_shape.elements());
  const int64_t total = request.limit > 0 ? std::min(request.limit, data.size()) : data.size();
  const int64_t threads = request.threads > 0 ? request.threads : default_threads();
  std::vector<int64_t> labels;
  std::ofstream file(out + ".part", std::ios::binary);
  for (int64_t begin = 0; begin < total; begin += kBatch) {
    const Batch batch = gather(data, begin, std::min(begin + kBatch, total));
    require(batch.pixels.size() == static_cast<size_t>(batch.size) * pixels,
            "network {}: expected images of {} bytes, {} has {}", packed.graph.name(), pixels, data.name,
            data.channels * data.height * data.width);
    std::string bytes(static_cast<size_t>(batch.size * record.bytes), '\0');
    parallel_ranges(batch.size, threads, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i)
        fill(executor, record, {batch.pixels.data() + static_cast<size_t>(i) * pixels, pixels},
             bytes.data() + i * record.bytes);
    });
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    labels.insert(labels.end(), batch.labels.begin(), batch.labels.end());
  }
  file.close();
  require(file.good(), "{}: the disk refuses", out);
  std::filesystem::rename(out + ".part", out);
  return labels;
}

}  // namespace

int codes_command(const std::vector<std::string>& words) {
  EvaluateRequest request;
  std::string out;
  std::string split;
  po::options_description options;
  options.add_options()("data", po::value(&request.data.name)->required(), "")(
      "output", po::value(&out)->required(), "")("root", po::value(&request.data.root), "")(
      "labels", po::value(&request.data.labels), "")("synsets", po::value(&request.data.synsets), "")(
      "split", po::value(&split)->default_value("test"), "")("limit", po::value(&request.limit), "")(
      "model", po::value(&request.network), "")("threads", po::value(&request.threads), "");
  const std::vector<std::string> files = arguments_of(parse_words(words, options));
  if (files.size() != 1) throw UsageError("expected one model: packed, of a stage, or tensors");
  if (split != "train" && split != "test") throw UsageError("--split: expected train, test, got '" + split + "'");
  if (request.limit < 0 || request.threads < 0) throw UsageError("--limit and --threads: expected at least 0");
  request.split = split == "train" ? Split::train : Split::test;
  const PackedModel packed = executable(files[0], request.network);
  const std::vector<int64_t> labels = write_records(request, packed, out);
  const Record record = record_of(packed.graph);
  write_atomically(out + ".json", index_json(packed.graph, record, labels));
  fmt::print("{}: {} images, codes of {} quantizers, {} bytes an image, written to {}, index {}.json\n",
             packed.graph.name(), labels.size(), record.parts.size() - 2, with_separators(record.bytes), out, out);
  return 0;
}

}  // namespace carat
