// SPDX-License-Identifier: Apache-2.0
// Operation lists in a line, and what a policy charges for them.
#pragma once

#include <string>

#include "scoring/oplist.h"
#include "scoring/score_sheet.h"

namespace carat {

inline OpList list_of(const std::string& layers, const std::string& more = "") {
  return read_oplist(R"({"format": "carat-oplist", "name": "test", )" + more + R"("layers": [)" + layers + "]}",
                     "list");
}

inline Ledger ledger_of(const std::string& layers, const std::string& policy = "strict", const std::string& more = "") {
  return charge(list_of(layers, more).walk, policy_named(policy));
}

// Bits of every row of this kind of operation or tensor.
inline Ratio bits_of(const Ledger& ledger, const std::string& what) {
  Ratio bits = 0;
  for (const Row& row : ledger.rows)
    if (row.what == what) bits += row.total_bits();
  return bits;
}

}  // namespace carat
