// SPDX-License-Identifier: Apache-2.0
// The same numbers under another declaration: in which arithmetic Scale layers compute, how activations are rounded.
#pragma once

#include "models/weights/model.h"

namespace carat {

// Every Scale layer in this arithmetic. fp16, fp16_strict: its scales and biases are rounded to fp16, ties to even.
// A normalised image is then rounded to fp16 too, as hardware of that precision reads it. Integer Scale layers and
// other layers keep their declaration. Throws Error for a value that fp16 cannot hold, and for integer, which is
// fitted.
Model with_scale_arithmetic(const Model& model, Arithmetic arithmetic);

// Every activation quantizer rounds this way.
Model with_activation_rounding(const Model& model, Rounding rounding);

// Scale layers that declare fp16 and hold numbers beyond it compute in float32: what the numbers as they are need. The
// image is then read in float32 as well.
Model with_needed_arithmetic(const Model& model);

}  // namespace carat
