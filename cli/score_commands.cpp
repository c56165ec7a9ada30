// SPDX-License-Identifier: Apache-2.0
// carat score, explain, diff, policies.
#include "base/fail.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/accumulators.h"
#include "cli/commands.h"
#include "cli/parse.h"
#include "cli/score_input.h"
#include "models/file/model_file.h"
#include "scoring/declare.h"
#include "scoring/oplist.h"
#include "scoring/score_sheet.h"

namespace carat {
namespace {

namespace po = boost::program_options;

struct ScoreWords {
  std::string track;
  std::string model;
  std::string perplexity;
  std::vector<std::string> policies;
  std::vector<std::string> declares;
  int64_t correct = -1;
  int64_t total = -1;

  void add_to(po::options_description& options) {
    options.add_options()("track", po::value(&track), "name or custom:PARAMETERS:OPERATIONS[:CORRECT/TOTAL]")(
        "policy", po::value(&policies)->composing(), "way of counting, repeatable")(
        "declare", po::value(&declares)->composing(), "change of the declaration, repeatable")(
        "model", po::value(&model), "network of the zoo whose tensors a foreign file holds")(
        "correct", po::value(&correct), "test images right")("total", po::value(&total), "test images")(
        "perplexity", po::value(&perplexity), "word-level test perplexity");
  }
};

std::vector<ScoreSheet> make_sheets(const std::string& path, const ScoreWords& words) {
  if ((words.correct >= 0) != (words.total >= 0)) throw UsageError("--correct and --total belong together");
  ScoreInput input = read_score_input(path, words.model);
  for (const std::string& name : words.declares) declare(input.walk, name);
  if (words.total >= 0) input.accuracy = {words.correct, words.total, {}};
  require(words.total < 0 || input.examples == 0 || words.total == input.examples,
          "{}: --total says {} test examples, its exits were measured on {}", path, words.total, input.examples);
  if (!words.perplexity.empty()) input.accuracy.perplexity = Ratio::from_decimal(words.perplexity);
  const std::string name = words.track.empty() ? input.track : words.track;
  require(!name.empty(), "{}: expected a track: \"track\" in an operation list, or --track NAME", path);
  const Track track = words.track.empty() && input.own_track ? *input.own_track : track_named(name);
  std::vector<ScoreSheet> sheets;
  for (const std::string& policy : words.policies.empty() ? std::vector<std::string>{"strict"} : words.policies) {
    try {
      sheets.push_back(make_sheet(input.walk, policy_named(policy), track, input.accuracy));
    } catch (const Error& error) {
      fail("{}: {}", path, error.what());
    }
  }
  return sheets;
}

std::string one_file(const po::variables_map& map, size_t count, const char* expected) {
  const std::vector<std::string> arguments = arguments_of(map);
  if (arguments.size() != count) throw UsageError(fmt::format("expected {}", expected));
  return arguments[0];
}

int score_command(const std::vector<std::string>& words) {
  ScoreWords score;
  std::string format;
  int64_t layers = 0;
  bool by_part = false;
  po::options_description options;
  score.add_to(options);
  options.add_options()("format", po::value(&format)->default_value("table"), "table, md, csv or json")(
      "layers", po::value(&layers)->default_value(12), "rows of the table by layer, 0 for all")(
      "by-part", po::bool_switch(&by_part), "what the score consists of, in millionths");
  const po::variables_map map = parse_words(words, options);
  const std::vector<std::string> formats = {"table", "md", "csv", "json"};
  if (std::find(formats.begin(), formats.end(), format) == formats.end())
    throw UsageError("--format: expected " + join(formats, ", ") + ", got " + format);
  const std::vector<ScoreSheet> sheets =
      make_sheets(one_file(map, 1, "one file: a model, a packed model or an operation list"), score);
  if (by_part && format != "table") throw UsageError("--by-part: expected --format table, got " + format);
  const bool is_list = format == "json" && sheets.size() > 1;
  std::string text = is_list ? "[\n" : "";
  for (size_t i = 0; i < sheets.size(); ++i) {
    if (i > 0) text += is_list ? ",\n" : "\n";
    text += by_part
                ? fmt::format("policy {}, track {}\n{}", sheets[i].policy, sheets[i].track.name, costs_text(sheets[i]))
            : format == "table" ? to_text(sheets[i], layers)
            : format == "md"    ? to_markdown(sheets[i])
            : format == "csv"   ? to_csv(sheets[i])
                                : to_json(sheets[i]);
  }
  fmt::print("{}{}", text, is_list ? "]\n" : "");
  return 0;
}

int explain_command(const std::vector<std::string>& words) {
  ScoreWords score;
  Observation observation;
  po::options_description options;
  score.add_to(options);
  options.add_options()("data", po::value(&observation.data.name), "observe the sums on these images")(
      "root", po::value(&observation.data.root), "")("labels", po::value(&observation.data.labels), "")(
      "synsets", po::value(&observation.data.synsets), "")("limit", po::value(&observation.limit), "");
  const po::variables_map map = parse_words(words, options);
  const std::string file = one_file(map, 2, "a file and a layer");
  const std::string layer = arguments_of(map)[1];
  for (const ScoreSheet& sheet : make_sheets(file, score)) fmt::print("{}", explain(sheet, layer));
  if (is_model_file(read_text(file)))
    fmt::print("{}", accumulator_text(read_model_file(file, score.model).model, layer, observation));
  return 0;
}

// A sheet that was written before, or one made now.
std::string sheet_json(const std::string& path, const ScoreWords& words, const std::string& policy) {
  std::string text = read_text(path);
  if (text.starts_with("{") && text.find("\"rows\"") != std::string::npos &&
      text.find("\"bit_ops\"") != std::string::npos)
    return text;
  ScoreWords one = words;
  one.policies = {policy};
  return to_json(make_sheets(path, one).front());
}

int diff_command(const std::vector<std::string>& words) {
  ScoreWords score;
  int64_t rows = 0;
  po::options_description options;
  score.add_to(options);
  options.add_options()("rows", po::value(&rows)->default_value(30), "rows to show, 0 for all");
  const po::variables_map map = parse_words(words, options);
  one_file(map, 2, "two files: score sheets (JSON) or anything that carat score takes");
  const std::vector<std::string> files = arguments_of(map);
  const std::vector<std::string>& p = score.policies;
  const std::string first = p.empty() ? "strict" : p.front();
  const std::string second = p.empty() ? "strict" : p.back();
  fmt::print("{}",
             diff(sheet_json(files[0], score, first), files[0], sheet_json(files[1], score, second), files[1], rows));
  return 0;
}

int policies_command(const std::vector<std::string>& words) {
  const std::vector<std::string> names = arguments_of(parse_words(words, {}));
  if (names.empty()) fmt::print("{}", policies_text());
  for (const std::string& name : names) fmt::print("{}", policy_text(policy_named(name)));
  return 0;
}

int oplist_command(const std::vector<std::string>& words) {
  po::options_description options;
  options.add_options()("schema", "the JSON Schema");
  fmt::print("{}", parse_words(words, options).count("schema") != 0 ? oplist_schema() : oplist_reference());
  return 0;
}

}  // namespace

const std::vector<Command>& score_commands() {
  static const std::vector<Command> table = {{"score", score_command},
                                             {"explain", explain_command},
                                             {"diff", diff_command},
                                             {"policies", policies_command},
                                             {"oplist", oplist_command}};
  return table;
}

}  // namespace carat
