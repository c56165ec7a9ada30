// SPDX-License-Identifier: Apache-2.0
// Fields that several kinds of operation lists share, and what they mean.
#pragma once

#include <string>
#include <vector>

#include "scoring/oplist.h"

namespace carat {

using FieldGroup = std::vector<FieldSpec>;

FieldGroup joined(std::initializer_list<FieldGroup> groups);

FieldGroup weight_fields();       // width, encoding, sparsity, mask, codebook, tying
FieldGroup input_fields();        // width and type of the activations that are multiplied
FieldGroup accumulator_fields();  // how products are summed
FieldGroup output_fields();       // bias, scales, zero points
FieldGroup plane_fields();        // channels, size
FieldSpec required_integer(const std::string& name, const std::string& help, int64_t lowest = 1);
FieldSpec width_field(const std::string& name, const std::string& help, int64_t usual = 32);

// Weights as kernels x length, at positions: dot products and stored tensors.
struct WeightSize {
  int64_t kernels = 1;
  int64_t length = 1;
  int64_t positions = 1;
  int64_t groups = 1;
  bool is_linear = false;
  int64_t input_elements = 0;  // read per example: for an input zero point
};
void walk_weights(const Fields& fields, WalkBuilder& builder, const WeightSize& size);

// Type and width of the inputs and accumulator of a dot product, without weights.
void read_operands(const Fields& fields, DotProducts& dots);
// Once both operands are known: a float sum is as wide as the widest of 32 bits and them unless it is declared; floats
// of unusual widths are noted, they may be codes whose type was forgotten.
void settle_floats(const Fields& fields, WalkBuilder& builder, DotProducts& dots);
// Refuses a count that is neither 1 nor count.
void require_one_or(const Fields& fields, const std::string& name, int64_t count);

// Width of the exact sum of n values of bits.
int64_t tree_width(int64_t n, int64_t bits);

// channels and size of an elementwise kind.
Shape plane_of(const Fields& fields);

}  // namespace carat
