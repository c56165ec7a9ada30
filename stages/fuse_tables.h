// SPDX-License-Identifier: Apache-2.0
// Activation functions between two quantizers become tables from code to code.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "models/weights/model.h"

namespace carat {

// Every function whose only input is a quantizer that nothing else reads, and that only quantizers read, goes; each of
// the quantizers behind it becomes a table with the same codes and name, with an entry for every code q in front:
// clamp(round(f((q - z1) * s1) / s2 + z2)) by the specifications of kernels/, as the network in floating point has it.
// The layers that are left, the tables with codes of unit scale; adds the entries to buffers.
std::vector<LayerSpec> make_tables(const Model& model, std::map<std::string, Buffer>& buffers);

}  // namespace carat
