// SPDX-License-Identifier: Apache-2.0
// The rules of the MicroNet Challenge 2019 (R1 to R27) and the organisers' rulings (O1 to O8), by number.
// Source: the challenge's scoring_and_submission page and its review issues.
#pragma once

#include <string>
#include <vector>

namespace carat {

struct Rule {
  std::string id;
  std::string text;
};

const std::vector<Rule>& rules();
// The sentence of one rule; throws Error for an unknown number.
const std::string& rule_text(const std::string& id);
// Ids in a row's rule column, "R16 R18" -> {"R16", "R18"}.
std::vector<std::string> rule_ids(const std::string& column);

}  // namespace carat
