// SPDX-License-Identifier: Apache-2.0
// Where activation quantizers stand in a network: behind the source of every layer with weights, and in front of
// activation functions that become tables of codes.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "models/graph/graph.h"

namespace carat {

struct InsertionOptions {
  Rounding rounding = Rounding::half_even;
  // functions: shifted codes behind and in front of activation functions that reach below zero unevenly (swish,
  // hard_swish); never; always: wherever values may be negative.
  std::string shift = "functions";
  // Functions whose readers are quantizers only get one in front too, of table_bits, so that fuse makes a table of
  // them; 0: none. Results of fewer than table_elements per image stay in floating point, which costs less than the
  // table.
  int64_t table_bits = 0;
  int64_t table_elements = 1024;
  // Bits of a layer's input; 32: it stays in floating point.
  std::function<int64_t(const LayerSpec&)> bits_of;
};

// Quantizers are named SOURCE.quant (SOURCE.quantBITS where readers want different widths); those in front of a
// function FUNCTION.input. A normalised image keeps at least its 8 bits, a plain one is codes already.
ModelGraph insert_quantizers(const ModelGraph& graph, const InsertionOptions& options);

// The network in floating point again: without activation quantizers, its weights without codes. Throws Error for a
// fused one.
ModelGraph without_quantizers(const ModelGraph& graph);

// A function that a table of codes can stand for.
bool can_be_table(OpKind op);

}  // namespace carat
