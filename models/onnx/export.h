// SPDX-License-Identifier: Apache-2.0
// A network as an ONNX model, opset 21, for ONNX Runtime, Netron and whatever else reads the format. See docs/onnx.md.
#pragma once

#include <string>

#include "models/weights/model.h"

namespace carat {

// codes: a fused network, weights as integer initializers and quantizers as QuantizeLinear and DequantizeLinear; every
// code is that of the executor, bit for bit. real: weights as float32.
enum class OnnxNumbers { codes, real };

// The serialized ModelProto. Input: uint8 {N, C, H, W}, the image's pixels; output: float32 {N, classes}, logits.
// Nodes and values bear the layers' names. Throws Error naming the layer that ONNX cannot express exactly.
// Source: onnx.ai/onnx/operators, opset 21.
std::string to_onnx(const Model& model, OnnxNumbers numbers);

}  // namespace carat
