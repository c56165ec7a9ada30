// SPDX-License-Identifier: Apache-2.0
// pack: k-bit codes, masks and scales in one file.
#include "base/fail.h"
#include "models/packed/packed_model.h"
#include "stages/catalog.h"

namespace carat {
namespace {

class Pack : public Stage {
 public:
  void describe(OptionTable&) override {}
  void plan(Prediction& prediction) const override {
    for (const LayerSpec& layer : prediction.graph.layers())
      require(layer.op != OpKind::batch_norm && (!layer.quant || layer.has_unit_scale),
              "pack: layer {} is not fused; put fuse before pack", layer.name);
  }
  void run(Model& model, StageContext& context) override { context.write_file("model.carat", to_bytes(pack(model))); }
};

}  // namespace

std::unique_ptr<Stage> make_pack() { return std::make_unique<Pack>(); }

}  // namespace carat
