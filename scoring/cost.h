// SPDX-License-Identifier: Apache-2.0
// What a sheet's rows are for: the levers that lower a score, each with its share.
#pragma once

#include <string>
#include <vector>

#include "scoring/walk.h"

namespace carat {

struct Ledger;
struct ScoreSheet;
struct Track;
enum class Part;

// Every row of a sheet has exactly one.
enum class Cost {
  weights,         // stored: values and codebooks
  mask,            // stored
  scales,          // stored: scales, biases, batch norm, zero points
  tables,          // stored: look-up tables
  stored_other,    // stored: permutations and what an operation list declares beside
  multiplies,      // of dot products
  additions,       // of dot products
  scale_layers,    // multiplies and additions of scales, biases, batch norm and zero points
  functions,       // activation functions
  pooling,         // averages and comparisons
  residuals,       // additions of whole results
  gates,           // products of whole results
  lookups,         // in tables
  executed_other,  // permutations, conversions, bitwise operations
};

// In the order of Cost.
const std::vector<Cost>& all_costs();
const char* cost_name(Cost cost);
Cost cost_of(What what);
Cost cost_of(Stored stored);
// Part::params for what is stored, Part::ops for what is executed.
Part part_of(Cost cost);

struct CostShare {
  Cost cost = Cost::weights;
  Ratio bits;
  double millionths = 0.0;  // of score: 1e6 * bits / 32 / the track's normaliser
};

// One entry for every Cost, in order; the bits of a part add up to the ledger's.
std::vector<CostShare> cost_shares(const Ledger& ledger, const Track& track);

// Table of the costs that are not zero: part, what, millionths, percent of the score.
std::string costs_text(const ScoreSheet& sheet);

}  // namespace carat
