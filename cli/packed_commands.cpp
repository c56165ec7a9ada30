// SPDX-License-Identifier: Apache-2.0
// carat pack, carat inspect, carat verify.
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "base/fail.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/parse.h"
#include "evaluation/verify_command.h"
#include "models/file/model_file.h"
#include "models/packed/reference_executor.h"
#include "models/weights/declare_arithmetic.h"

namespace carat {
namespace {

namespace po = boost::program_options;

std::vector<std::string> class_names_of(const std::string& file) {
  std::vector<std::string> names;
  std::istringstream lines(read_text(file));
  for (std::string line; std::getline(lines, line);) names.push_back(line);
  return names;
}

int pack_command(const std::vector<std::string>& words) {
  std::string out, network, arithmetic, rounding, classes;
  po::options_description options;
  options.add_options()("out", po::value(&out)->required(), "")("model", po::value(&network), "")(
      "arithmetic", po::value(&arithmetic), "")("rounding", po::value(&rounding), "")("class-names",
                                                                                      po::value(&classes), "");
  const po::variables_map map = parse_words(words, options);
  const std::vector<std::string> arguments = arguments_of(map);
  if (arguments.size() != 1) throw UsageError("expected one model: a fused stage model or a published entry");
  std::error_code ignored;
  if (std::filesystem::equivalent(arguments[0], out, ignored))
    throw UsageError("--out: expected another file than " + arguments[0]);
  Model model = read_any_model(arguments[0], network);
  if (!arithmetic.empty()) model = with_scale_arithmetic(model, arithmetic_named(arithmetic));
  if (!rounding.empty()) model = with_activation_rounding(model, rounding_named(rounding));
  PackedModel packed;
  try {
    packed = pack(model);
    if (!classes.empty()) packed.class_names = class_names_of(classes);
    require(packed.class_names.empty() || static_cast<int64_t>(packed.class_names.size()) == packed.graph.classes(),
            "{}: expected names of {} classes, got {}", classes, packed.graph.classes(), packed.class_names.size());
  } catch (const Error& error) {
    fail("{}: {}", arguments[0], error.what());
  }
  if (const char* commit = std::getenv("CARAT_COMMIT"); commit != nullptr) packed.provenance.commit = commit;
  write_atomically(out, to_bytes(packed));
  const PayloadSize size = payload_size(packed);
  fmt::print("{} packed in {}: payload {} bits ({:.4f} words of 32), padding {} bits, header {} bytes, file {} bytes\n",
             packed.graph.name(), out, with_separators(size.payload_bits),
             static_cast<double>(size.payload_bits) / 32.0, size.padding_bits, with_separators(size.header_bytes),
             with_separators(size.file_bytes));
  return 0;
}

int inspect_command(const std::vector<std::string>& words) {
  const std::vector<std::string> arguments = arguments_of(parse_words(words, {}));
  if (arguments.size() != 1) throw UsageError("expected one packed file");
  fmt::print("{}", describe(read_packed(arguments[0])));
  return 0;
}

int verify_command(const std::vector<std::string>& words) {
  const VerifyRequest request = parse_verify(words);
  if (!request.against.empty()) execute_engine("verify", words);
  const PackedModel packed = read_packed(request.file);
  const ReferenceExecutor reference(packed);
  const LayerSource plain = [&](const uint8_t* image) {
    LayerValues values;
    std::vector<float> logits(static_cast<size_t>(packed.graph.classes()));
    reference.run_observed(image, logits.data(), [&](size_t layer, const std::vector<float>& result) {
      values[packed.graph.layers()[layer].name] = result;
    });
    return values;
  };
  return run_verify(request, packed, plain, "the reference executor");
}

}  // namespace

const std::vector<Command>& packed_commands() {
  static const std::vector<Command> table = {
      {"pack", pack_command}, {"inspect", inspect_command}, {"verify", verify_command}};
  return table;
}

}  // namespace carat
