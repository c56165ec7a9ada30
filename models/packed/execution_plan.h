// SPDX-License-Identifier: Apache-2.0
// How the fast executor runs a network: which layers run together, in which form values lie in memory, and where.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "kernels/convolve_codes.h"
#include "kernels/sparse_sums.h"
#include "models/packed/packed_model.h"
#include "models/packed/planes.h"
#include "models/packed/row_ops.h"
#include "models/packed/tap_plan.h"

namespace carat {

// The result of a layer in memory: as floats {C, H, W}, as codes in padded planes, or both.
struct PlannedValue {
  bool is_materialized = false;  // else it lives only inside a step
  bool has_floats = false;
  bool has_codes = false;
  SumLane lane = SumLane::int16;  // type of the codes: uint8_t or int16_t
  Planes planes;                  // of the codes
  int64_t floats_at = 0;          // bytes from the start of the workspace
  int64_t codes_at = 0;
};

// One of: sums of a convolution or linear layer, row by row through element-wise layers; element-wise layers alone; any
// other layer by its specification.
struct PlannedStep {
  enum class Kind { sums, rows, plain } kind = Kind::plain;
  size_t layer = 0;   // the first layer
  size_t result = 0;  // the layer whose value it gives
  std::vector<size_t> inputs;
  RowOps ops;
  bool has_factors = false;  // rows: the second input holds a factor for every channel

  // sums
  bool on_codes = false;
  TapPlan taps;
  std::unique_ptr<SumProgram> program;            // codes by codes
  std::vector<std::vector<FloatTap>> float_taps;  // otherwise, by kernel
  int64_t copy_at = 0;                            // of the input's phases in the workspace

  // plain
  std::optional<SparseKernels> kernels;
  std::vector<bool> input_is_placed;  // concat: the input already lies where it belongs
};

struct ExecutionPlan {
  explicit ExecutionPlan(const PackedModel& packed);
  ExecutionPlan(const ExecutionPlan&) = delete;
  ExecutionPlan& operator=(const ExecutionPlan&) = delete;

  Model model;
  std::vector<PlannedValue> values;  // by layer
  std::vector<PlannedStep> steps;
  int64_t workspace_bytes = 0;
};

}  // namespace carat
