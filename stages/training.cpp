// SPDX-License-Identifier: Apache-2.0
#include "stages/training.h"

#include "stages/trainer.h"

namespace carat {

void train_model(Model& model, const TrainingOptions& options, MaskSchedule* masks, StageContext& context) {
  if (options.epochs == 0 && options.norm_images == 0) return;
  options.check(context.stage_id(), model.graph, static_cast<int64_t>(context.held_back_indices().size()));
  Trainer(model, options, masks, context).run();
}

}  // namespace carat
