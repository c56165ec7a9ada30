// SPDX-License-Identifier: Apache-2.0
// Command lines: options and positional words, for both programs.
#pragma once

#include <boost/program_options.hpp>
#include <string>
#include <vector>

namespace carat {

// Words without an option's name go to the option `positional`; at most `most` of them, -1: any number.
// Throws UsageError.
boost::program_options::variables_map parse_options(const std::vector<std::string>& words,
                                                    const boost::program_options::options_description& options,
                                                    const char* positional, int most);

}  // namespace carat
