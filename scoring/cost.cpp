// SPDX-License-Identifier: Apache-2.0
#include "scoring/cost.h"

#include <fmt/format.h>

#include "scoring/score_sheet.h"

namespace carat {

const std::vector<Cost>& all_costs() {
  static const std::vector<Cost> all = {Cost::weights,      Cost::mask,          Cost::scales,    Cost::tables,
                                        Cost::stored_other, Cost::multiplies,    Cost::additions, Cost::scale_layers,
                                        Cost::functions,    Cost::pooling,       Cost::residuals, Cost::gates,
                                        Cost::lookups,      Cost::executed_other};
  return all;
}

const char* cost_name(Cost cost) {
  switch (cost) {
    case Cost::weights:
      return "weights";
    case Cost::mask:
      return "mask";
    case Cost::scales:
      return "scales and biases";
    case Cost::tables:
      return "tables";
    case Cost::stored_other:
      return "other stored";
    case Cost::multiplies:
      return "multiplies";
    case Cost::additions:
      return "additions";
    case Cost::scale_layers:
      return "scale layers";
    case Cost::functions:
      return "functions";
    case Cost::pooling:
      return "pooling";
    case Cost::residuals:
      return "residuals";
    case Cost::gates:
      return "gates";
    case Cost::lookups:
      return "look-ups";
    case Cost::executed_other:
      return "other executed";
  }
  return "";
}

Cost cost_of(What what) {
  switch (what) {
    case What::mult:
      return Cost::multiplies;
    case What::add:
      return Cost::additions;
    case What::bias_add:
    case What::scale_mult:
    case What::norm_mult:
    case What::norm_add:
    case What::zero_point:
      return Cost::scale_layers;
    case What::residual_add:
      return Cost::residuals;
    case What::elementwise_mult:
      return Cost::gates;
    case What::pool_add:
    case What::pool_mult:
    case What::comparison:
      return Cost::pooling;
    case What::relu:
    case What::function_mult:
    case What::function_add:
    case What::transcendental:
      return Cost::functions;
    case What::lookup:
      return Cost::lookups;
    case What::permutation:
    case What::conversion:
    case What::bitwise:
      return Cost::executed_other;
  }
  return Cost::executed_other;
}

Cost cost_of(Stored stored) {
  switch (stored) {
    case Stored::weights:
    case Stored::codebook:
      return Cost::weights;
    case Stored::bias:
    case Stored::scale:
    case Stored::scale_bias:
    case Stored::norm_scale:
    case Stored::norm_bias:
    case Stored::zero_point:
      return Cost::scales;
    case Stored::table:
      return Cost::tables;
    case Stored::permutation:
    case Stored::other:
      return Cost::stored_other;
  }
  return Cost::stored_other;
}

Part part_of(Cost cost) { return cost <= Cost::stored_other ? Part::params : Part::ops; }

std::vector<CostShare> cost_shares(const Ledger& ledger, const Track& track) {
  std::vector<CostShare> shares;
  for (const Cost cost : all_costs()) {
    CostShare share;
    share.cost = cost;
    for (const Row& row : ledger.rows)
      if (row.cost == cost) share.bits += row.total_bits();
    const int64_t norm = part_of(cost) == Part::params ? track.parameter_norm : track.op_norm;
    share.millionths = 1e6 * share.bits.to_double() / 32.0 / static_cast<double>(norm);
    shares.push_back(share);
  }
  return shares;
}

std::string costs_text(const ScoreSheet& sheet) {
  const double all = 1e6 * sheet.score();
  std::string text = fmt::format("{:<12} {:<18} {:>14} {:>8}\n", "part", "what", "millionths", "%");
  for (const CostShare& share : cost_shares(sheet.ledger, sheet.track)) {
    if (share.bits == Ratio(0)) continue;
    text += fmt::format("{:<12} {:<18} {:>14.1f} {:>8.2f}\n",
                        part_of(share.cost) == Part::params ? "parameters" : "operations", cost_name(share.cost),
                        share.millionths, 100.0 * share.millionths / all);
  }
  return text + fmt::format("{:<12} {:<18} {:>14.1f} {:>8.2f}\n", "score", "", all, 100.0);
}

}  // namespace carat
