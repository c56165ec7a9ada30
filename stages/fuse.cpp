// SPDX-License-Identifier: Apache-2.0
// fuse: batch norm, bias and scales into one Scale layer.
#include "base/fail.h"
#include "models/weights/declare_arithmetic.h"
#include "stages/catalog.h"
#include "stages/fusion.h"
#include "stages/integer_scales.h"

namespace carat {
namespace {

class Fuse : public Stage {
 public:
  void describe(OptionTable& table) override {
    table.choice("arithmetic", arithmetic_, {"fp16", "fp16_strict", "float32", "integer"},
                 "how Scale layers are stored and executed; they are charged at these widths; integer: those between "
                 "integers as multiplier, bias and shift, the others as fp16_strict");
    table.integer("multiplier_bits", widths_.multiplier_bits, {2, 24}, "integer: bits of a multiplier");
    table.integer("bias_bits", widths_.bias_bits, {2, 24}, "integer: bits of a bias");
  }
  void plan(Prediction& prediction) const override {
    for (const LayerSpec& layer : prediction.graph.layers())
      require(layer.op != OpKind::scale, "fuse: layer {} is a Scale layer: the network is already fused", layer.name);
    prediction.graph = fuse_graph(prediction.graph, base());
    if (arithmetic_ == "integer") prediction.graph = with_integer_scales(prediction.graph, widths_);
  }
  void run(Model& model, StageContext&) override {
    if (arithmetic_ != "integer") {
      model = fuse(model, base());
      return;
    }
    // Multipliers come from unrounded factors.
    const Model integers = with_integer_scales(fuse(model, Arithmetic::float32), widths_);
    model = with_scale_arithmetic(integers, base());
  }

 private:
  Arithmetic base() const { return arithmetic_ == "integer" ? Arithmetic::fp16_strict : arithmetic_named(arithmetic_); }

  std::string arithmetic_ = "fp16";
  IntegerWidths widths_;
};

}  // namespace

std::unique_ptr<Stage> make_fuse() { return std::make_unique<Fuse>(); }

}  // namespace carat
