// SPDX-License-Identifier: Apache-2.0
// Fusing a quantized network: batch norm, bias and all scales become one Scale layer after each convolution, and
// activation quantizers round plain codes. The one place where batch norm and scales are folded.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "models/weights/model.h"

namespace carat {

// The graph alone, for planning: merges that depend on numbers (all scales positive) are taken to happen.
ModelGraph fuse_graph(const ModelGraph& graph, Arithmetic arithmetic);

// Steps, in float64 until the last rounding to `arithmetic`:
//   1. quantized conv, linear:  weights become codes, followed by k = a * s_k, b = bias   (a: scale of the input codes)
//   2. batch norm:              k = gamma / sqrt(var + eps), b = beta - mean * k
//   3. activation quantizer:    preceded by k = 1 / a, b = zero point, then rounds with unit scale; a function between
//      two of them becomes a table (stages/fuse_tables.h)
//      a zero point z of the input: b = -k z * (sum of the kernel's codes), and the border is padded with z
//   4. neighbours merge: k = k1 * k2, b = b1 * k2 + b2; a positive factor common to all channels moves back through
//      relu, add, pools and concat into the Scale layers behind them
//   5. a relu that only unsigned quantizers read is their clamp at 0; dropout goes
// Throws Error naming the layer when a quantized layer reads real values or fp16 cannot hold a scale.
// Source: Jacob et al. 2018, section 3.2; the 2019 MicroNet winners' merge (scale1, clamp(round), conv, scale2 ...).
Model fuse(const Model& model, Arithmetic arithmetic);

}  // namespace carat
