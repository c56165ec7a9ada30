// SPDX-License-Identifier: Apache-2.0
#include "cli/parse.h"

#include <charconv>

#include "base/error.h"
#include "evaluation/parse.h"

namespace carat {

namespace po = boost::program_options;

po::variables_map parse_words(const std::vector<std::string>& words, po::options_description options) {
  options.add_options()("arguments", po::value<std::vector<std::string>>()->composing(), "");
  return parse_options(words, options, "arguments", -1);
}

std::vector<std::string> arguments_of(const po::variables_map& map) {
  return map.count("arguments") != 0 ? map["arguments"].as<std::vector<std::string>>() : std::vector<std::string>{};
}

std::map<std::string, int64_t> key_values(const std::vector<std::string>& words) {
  std::map<std::string, int64_t> values;
  for (const std::string& word : words) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos) throw UsageError("expected key=value, got '" + word + "'");
    int64_t value = 0;
    const char* end = word.data() + word.size();
    const auto [stop, error] = std::from_chars(word.data() + equals + 1, end, value);
    if (error != std::errc() || stop != end) throw UsageError("expected an integer after '=', got '" + word + "'");
    values[word.substr(0, equals)] = value;
  }
  return values;
}

}  // namespace carat
