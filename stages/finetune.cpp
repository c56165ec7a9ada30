// SPDX-License-Identifier: Apache-2.0
// finetune: trains the network as it is, in floating point or quantized (straight-through gradients); masks stay.
#include "base/fail.h"
#include "stages/catalog.h"
#include "stages/quantize_weights.h"
#include "stages/training.h"

namespace carat {
namespace {

class Finetune : public Stage {
 public:
  Finetune() {
    options_.epochs = 5;
    options_.lr = 0.01;
    options_.optimizer.weight_decay = 1e-4;
    options_.loss.distillation = 1.0;
  }
  void describe(OptionTable& table) override {
    options_.quantized.describe(table);
    table.choice("zeros", zeros_, {"mask", "keep"},
                 "of a quantized network: weights that round to 0 in the end join the mask, which costs no accuracy");
    table.number("scale_lr", options_.optimizer.scale_lr, {0, 1000, "(0, 1000]"},
                 "scales learned: their learning rate, as a multiple of lr");
    options_.describe(table);
  }
  void plan(Prediction& prediction) const override {
    for (const LayerSpec& layer : prediction.graph.layers())
      require(layer.op != OpKind::scale, "finetune: the network is already fused; put finetune before fuse");
    options_.check("finetune", prediction.graph, prediction.held_back_images);
    options_.quantized.check("finetune", prediction.graph);
    prediction.training_passes = static_cast<double>(options_.epochs * prediction.training_images);
    if (options_.loss.needs_teacher()) prediction.forward_images = prediction.training_passes;
  }
  void run(Model& model, StageContext& context) override {
    train_model(model, options_, nullptr, context);
    if (zeros_ != "mask") return;
    WeightFitReport report;
    mask_zeros(model, report);
    if (report.zeros > 0)
      context.log(fmt::format("{} zeros join masks, {} layers get one", report.zeros, report.new_masks));
  }
  bool changes_scales() const override { return options_.quantized.changes_scales(); }
  std::string input_identity(const Prediction& /*planned*/) const override { return options_.input_identity(); }

 private:
  TrainingOptions options_;
  std::string zeros_ = "mask";
};

}  // namespace

std::unique_ptr<Stage> make_finetune() { return std::make_unique<Finetune>(); }

}  // namespace carat
