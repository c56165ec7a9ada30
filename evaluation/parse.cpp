// SPDX-License-Identifier: Apache-2.0
#include "evaluation/parse.h"

#include "base/error.h"

namespace carat {

namespace po = boost::program_options;

po::variables_map parse_options(const std::vector<std::string>& words, const po::options_description& options,
                                const char* positional, int most) {
  po::positional_options_description position;
  position.add(positional, most);
  po::variables_map map;
  try {
    po::store(po::command_line_parser(words).options(options).positional(position).run(), map);
    po::notify(map);
  } catch (const po::error& error) {
    throw UsageError(error.what());
  }
  return map;
}

}  // namespace carat
