// SPDX-License-Identifier: Apache-2.0
#include "scoring/walk.h"

namespace carat {

const char* what_name(What what) {
  switch (what) {
    case What::mult:
      return "mult";
    case What::add:
      return "add";
    case What::bias_add:
      return "bias add";
    case What::scale_mult:
      return "scale mult";
    case What::norm_mult:
      return "norm mult";
    case What::norm_add:
      return "norm add";
    case What::residual_add:
      return "residual add";
    case What::elementwise_mult:
      return "elementwise mult";
    case What::pool_add:
      return "pool add";
    case What::pool_mult:
      return "pool mult";
    case What::comparison:
      return "comparison";
    case What::relu:
      return "relu";
    case What::function_mult:
      return "function mult";
    case What::function_add:
      return "function add";
    case What::transcendental:
      return "transcendental";
    case What::lookup:
      return "lookup";
    case What::permutation:
      return "permutation";
    case What::zero_point:
      return "zero point";
    case What::conversion:
      return "conversion";
    case What::bitwise:
      return "bitwise";
  }
  return "";
}

bool is_multiply(What what) {
  switch (what) {
    case What::mult:
    case What::scale_mult:
    case What::norm_mult:
    case What::elementwise_mult:
    case What::pool_mult:
    case What::relu:
    case What::function_mult:
    case What::transcendental:
    case What::permutation:
      return true;
    default:
      return false;
  }
}

const char* stored_name(Stored stored) {
  switch (stored) {
    case Stored::weights:
      return "weight values";
    case Stored::bias:
      return "bias";
    case Stored::scale:
      return "scale";
    case Stored::scale_bias:
      return "scale bias";
    case Stored::norm_scale:
      return "norm scale";
    case Stored::norm_bias:
      return "norm bias";
    case Stored::zero_point:
      return "zero point";
    case Stored::codebook:
      return "codebook";
    case Stored::table:
      return "table";
    case Stored::permutation:
      return "permutation";
    case Stored::other:
      return "other";
  }
  return "";
}

Ratio DotProducts::total() const {
  if (is_fractional) return products * Ratio(kernels);
  int64_t sum = 0;
  for (const int64_t count : per_kernel) sum = checked_sum(sum, count);
  return sum;
}

}  // namespace carat
