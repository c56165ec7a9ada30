// SPDX-License-Identifier: Apache-2.0
// Command lines of one command: options and positional arguments.
#pragma once

#include <boost/program_options.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace carat {

// Throws UsageError.
boost::program_options::variables_map parse_words(const std::vector<std::string>& words,
                                                  boost::program_options::options_description options);
std::vector<std::string> arguments_of(const boost::program_options::variables_map& map);
// key=value words with integer values. Throws UsageError.
std::map<std::string, int64_t> key_values(const std::vector<std::string>& words);

}  // namespace carat
