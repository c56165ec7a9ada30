// SPDX-License-Identifier: Apache-2.0
// train: from random weights to a trained dense network.
#include "stages/catalog.h"
#include "stages/training.h"

namespace carat {
namespace {

class Train : public Stage {
 public:
  Train() {
    options_.epochs = 10;
    options_.lr = 0.1;
  }
  void describe(OptionTable& table) override { options_.describe(table); }
  void plan(Prediction& prediction) const override {
    options_.check("train", prediction.graph, prediction.held_back_images);
    prediction.training_passes = static_cast<double>(options_.epochs * prediction.training_images);
  }
  void run(Model& model, StageContext& context) override { train_model(model, options_, nullptr, context); }
  std::string input_identity(const Prediction& /*planned*/) const override { return options_.input_identity(); }

 private:
  TrainingOptions options_;
};

}  // namespace

std::unique_ptr<Stage> make_train() { return std::make_unique<Train>(); }

}  // namespace carat
