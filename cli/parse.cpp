// SPDX-License-Identifier: Apache-2.0
#include "cli/parse.h"

#include "base/error.h"

namespace carat {

namespace po = boost::program_options;

po::variables_map parse_words(const std::vector<std::string>& words, po::options_description options) {
  options.add_options()("arguments", po::value<std::vector<std::string>>()->composing(), "");
  po::positional_options_description position;
  position.add("arguments", -1);
  po::variables_map map;
  try {
    po::store(po::command_line_parser(words).options(options).positional(position).run(), map);
    po::notify(map);
  } catch (const po::error& error) {
    throw UsageError(error.what());
  }
  return map;
}

std::vector<std::string> arguments_of(const po::variables_map& map) {
  return map.count("arguments") != 0 ? map["arguments"].as<std::vector<std::string>>() : std::vector<std::string>{};
}

}  // namespace carat
