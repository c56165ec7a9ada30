// SPDX-License-Identifier: Apache-2.0
// sensitivity: each prunable layer alone at each sparsity or width, on held-back training images.
#include "base/fail.h"
#include "stages/catalog.h"
#include "stages/fisher_estimate.h"
#include "stages/sensitivity_run.h"

namespace carat {
namespace {

class Sensitivity : public Stage {
 public:
  void describe(OptionTable& table) override { options_.describe(table); }

  void plan(Prediction& prediction) const override {
    require(options_.images <= prediction.held_back_images,
            "sensitivity.images: expected at most data.held_back = {}, got {}", prediction.held_back_images,
            options_.images);
    options_.check("sensitivity", prediction.graph);
    const auto points = static_cast<double>(options_.points(prediction.graph).size());
    prediction.forward_images = points * static_cast<double>(options_.images);
    if (options_.quantity != "sparsity") {
      prediction.measured_widths.insert(options_.quantity);
      return;
    }
    prediction.measured.clear();
    for (const PointName& point : options_.points(prediction.graph)) prediction.measured[point.layer] = point.level;
  }

  void run(Model& model, StageContext& context) override {
    std::vector<int64_t> images = context.held_back_indices();
    images.resize(static_cast<size_t>(options_.images));
    SensitivitySink sink;
    for (const std::string& record : context.records()) {
      SensitivityPoint point;
      require(read_record(record, point), "{}: expected a record of a point, got '{}'", context.stage_id(), record);
      sink.known.push_back(point);
    }
    sink.keep = [&](const SensitivityPoint& point) { context.append_record(record_of(point)); };
    sink.progress = [&](int64_t done, int64_t total, const std::string& note) {
      context.progress("measuring", done, total, note);
    };
    const SensitivityTable table =
        run_sensitivity(model, context.training_data(), images, options_, context.device(), sink);
    context.write_file("sensitivity.csv", to_csv(table));
    context.write_file("sensitivity.svg", to_svg(table));
    if (options_.mode != "estimate" && options_.quantity == "sparsity")
      compare_with_estimate(model, table, images, context);
  }

 private:
  void compare_with_estimate(const Model& model, const SensitivityTable& table, const std::vector<int64_t>& images,
                             StageContext& context) const {
    constexpr size_t kImages = 256;
    const std::vector<int64_t> some(images.begin(), images.begin() + std::min(kImages, images.size()));
    SensitivityTable estimate = table;
    estimate.points =
        fisher_estimate(model, context.training_data(), some, options_.points(model.graph), context.device());
    context.write_file("estimate.csv", to_csv(estimate));
    context.log(fmt::format("estimate from the gradients of {} images: rank correlation {:.3f} with what was measured",
                            some.size(), rank_correlation(table, estimate)));
  }

  SensitivityOptions options_;
};

}  // namespace

std::unique_ptr<Stage> make_sensitivity() { return std::make_unique<Sensitivity>(); }

}  // namespace carat
