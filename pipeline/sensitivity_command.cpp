// SPDX-License-Identifier: Apache-2.0
#include "pipeline/sensitivity_command.h"

#include <ATen/Parallel.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "base/console.h"
#include "base/fail.h"
#include "base/file.h"
#include "base/text.h"
#include "data/loader.h"
#include "evaluation/parse.h"
#include "models/file/model_file.h"
#include "models/net/device.h"
#include "stages/sensitivity_run.h"

namespace carat {
namespace {

namespace po = boost::program_options;

struct Request {
  std::vector<std::string> files;  // the model, or tables to merge
  std::string network;
  DataSource data;
  std::string split = "train";
  std::string device = "auto";
  std::string shard = "1/1";
  std::string out;
  std::string svg;
  std::string levels;
  int64_t seed = 1;
  int64_t threads = 0;
  bool merges = false;
  SensitivityOptions options;
};

std::vector<double> numbers_of(const std::string& text) {
  std::vector<double> numbers;
  size_t begin = 0;
  while (begin <= text.size()) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::string cell = text.substr(begin, end - begin);
    char* rest = nullptr;
    numbers.push_back(std::strtod(cell.c_str(), &rest));
    if (cell.empty() || *rest != '\0')
      throw UsageError(fmt::format("--levels: expected numbers with commas between them, got '{}'", text));
    begin = end + 1;
  }
  return numbers;
}

Request parse(const std::vector<std::string>& words) {
  Request request;
  SensitivityOptions& o = request.options;
  po::options_description options;
  options.add_options()("file", po::value(&request.files)->composing(), "")("data", po::value(&request.data.name), "")(
      "root", po::value(&request.data.root), "")("labels", po::value(&request.data.labels), "")(
      "synsets", po::value(&request.data.synsets), "")("split", po::value(&request.split), "")(
      "model", po::value(&request.network), "")("device", po::value(&request.device), "")(
      "threads", po::value(&request.threads), "")("seed", po::value(&request.seed), "")(
      "images", po::value(&o.images), "")("mode", po::value(&o.mode), "")("quantity", po::value(&o.quantity), "")(
      "levels", po::value(&request.levels), "")("layers", po::value(&o.layers)->composing(), "")(
      "batch", po::value(&o.batch), "")("memory-mib", po::value(&o.memory_mib), "")("target", po::value(&o.target), "")(
      "shard", po::value(&request.shard), "")("out", po::value(&request.out), "")("svg", po::value(&request.svg), "")(
      "merge", po::bool_switch(&request.merges), "");
  parse_options(words, options, "file", -1);
  if (request.out.empty()) throw UsageError("expected --out FILE.csv");
  if (request.merges) {
    if (request.files.size() < 2) throw UsageError("--merge: expected at least two tables");
    return request;
  }
  if (request.files.size() != 1) throw UsageError("expected one model: a stage's, or tensors with --model");
  if (request.data.name.empty()) throw UsageError("expected --data NAME");
  const auto one_of = [](const char* option, const std::string& value, const std::vector<std::string>& legal) {
    if (std::find(legal.begin(), legal.end(), value) == legal.end())
      throw UsageError(fmt::format("--{}: expected {}, got '{}'", option, join(legal, ", "), value));
  };
  one_of("split", request.split, {"train", "test"});
  one_of("mode", o.mode, {"exact", "interval", "estimate", "naive"});
  one_of("quantity", o.quantity, {"sparsity", "weight_bits", "activation_bits"});
  if (std::sscanf(request.shard.c_str(), "%ld/%ld", &o.shard, &o.shards) != 2 || o.shard < 1 || o.shard > o.shards)
    throw UsageError(fmt::format("--shard: expected i/n with 1 <= i <= n, got '{}'", request.shard));
  if (o.images < 1 || o.batch < 1 || o.memory_mib < 1)
    throw UsageError("--images, --batch and --memory-mib: expected at least 1");
  if (!request.levels.empty()) (o.quantity == "sparsity" ? o.sparsities : o.bits) = numbers_of(request.levels);
  return request;
}

// What the file holds already; a torn last record is cut off. The header must be that of this analysis.
std::vector<SensitivityPoint> continue_file(const std::string& path, const SensitivityTable& wanted) {
  if (!std::filesystem::exists(path)) {
    write_atomically(path, header_of(wanted));
    return {};
  }
  size_t end = 0;
  const SensitivityTable found = table_from_csv(read_text(path), path, &end);
  require(found.identity == wanted.identity && found.quantity == wanted.quantity,
          "{}:1: expected {} with identity {}, found {} with identity {}: another network, other images or settings",
          path, wanted.quantity, wanted.identity, found.quantity, found.identity);
  std::filesystem::resize_file(path, end);
  return found.points;
}

// One process at a time on a file; the lock goes with the process.
class FileLock {
 public:
  explicit FileLock(const std::string& path)
      : fd_(::open((path + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
    require(fd_ >= 0, "{}.lock: cannot create: {}", path, std::strerror(errno));
    if (::flock(fd_, LOCK_EX | LOCK_NB) == 0) return;
    ::close(fd_);
    fail("{}: another process is measuring into this file; wait for it or give each its own and merge them", path);
  }
  ~FileLock() { ::close(fd_); }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int fd_;
};

int merge(const Request& request) {
  std::vector<SensitivityTable> tables;
  for (const std::string& file : request.files) tables.push_back(table_from_csv(read_text(file), file));
  const SensitivityTable all = merged(tables, request.files);
  write_atomically(request.out, to_csv(all));
  if (!request.svg.empty()) write_atomically(request.svg, to_svg(all));
  fmt::print("{}: {} points of {} tables\n", request.out, all.points.size(), tables.size());
  return 0;
}

}  // namespace

int sensitivity_command(const std::vector<std::string>& words) {
  Request request = parse(words);
  if (request.merges) return merge(request);
  if (request.threads > 0) at::set_num_threads(static_cast<int>(request.threads));
  const at::Device device = device_named(request.device);
  const Model model = read_any_model(request.files.front(), request.network);
  const Split split = request.split == "train" ? Split::train : Split::test;
  const Dataset data =
      open_dataset(request.data, split,
                   format_for(model.graph.input().input_shape.channels, model.graph.input().input_shape.height,
                              model.graph.input().input_shape.width));
  SensitivityOptions& options = request.options;
  options.images = std::min(options.images, data.size());
  options.check("sensitivity", model.graph);
  // Those that a recipe with this seed and as many held-back images measures on.
  std::vector<int64_t> images(static_cast<size_t>(data.size()));
  std::iota(images.begin(), images.end(), int64_t{0});
  if (options.images < data.size()) images = hold_back(data, options.images, request.seed).held_back;
  const SensitivityTable head{options.quantity, sensitivity_identity(model, data, images, options.request()), {}};
  const FileLock lock(request.out);
  SensitivitySink sink;
  sink.known = continue_file(request.out, head);
  std::ofstream out(request.out, std::ios::app | std::ios::binary);
  sink.keep = [&](const SensitivityPoint& point) {
    out << record_of(point) + "\n" << std::flush;
    require(out.good(), "{}: cannot write", request.out);
  };
  Console console;
  sink.progress = [&](int64_t done, int64_t total, const std::string& note) {
    console.progress("measuring", done, total, note);
  };
  const SensitivityTable table = run_sensitivity(model, data, images, options, device, sink);
  out.close();
  if (options.mode == "interval") write_atomically(request.out, to_csv(table));  // without the rounds
  if (!request.svg.empty()) write_atomically(request.svg, to_svg(table));
  console.line(fmt::format("{}: {} points, identity {}", request.out, table.points.size(), table.identity));
  return 0;
}

}  // namespace carat
