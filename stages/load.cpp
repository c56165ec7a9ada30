// SPDX-License-Identifier: Apache-2.0
// load: starts from weights that another program or an earlier run wrote.
#include "base/fail.h"
#include "base/file.h"
#include "base/hash.h"
#include "models/file/data_root.h"
#include "models/file/model_file.h"
#include "stages/catalog.h"

namespace carat {
namespace {

class Load : public Stage {
 public:
  void describe(OptionTable& table) override {
    table.text("file", file_,
               "a model of an earlier stage, a packed model, or tensors (safetensors); $CARAT_DATA/ is the data root");
    table.text("network", network_, "whose tensors these are, where neither file nor tensors tell: see carat models");
    table.required("file");
  }

  void plan(Prediction& prediction) const override {
    const Model model = read_any_model(path(), network_);
    const Shape& wanted = prediction.graph.input().input_shape;
    const Shape& found = model.graph.input().input_shape;
    require(found == wanted && model.graph.classes() == prediction.graph.classes(),
            "load: {}: expected a network for {} images and {} classes, found {} and {}", file_, to_text(wanted),
            prediction.graph.classes(), to_text(found), model.graph.classes());
    prediction.graph = model.graph;
    for (const auto& [layer, kernels] : nonzeros_per_kernel(model)) {
      int64_t nonzeros = 0;
      for (const int64_t count : kernels) nonzeros += count;
      const int64_t weights = model.graph.weight_count(model.graph.layer(layer));
      prediction.density[layer] = static_cast<double>(nonzeros) / static_cast<double>(weights);
    }
  }

  void run(Model& model, StageContext& context) override {
    model = read_any_model(path(), network_);
    context.log(fmt::format("{}: network {}, {} layers", file_, model.graph.name(), model.graph.size()));
  }

  std::string input_identity(const Prediction& /*planned*/) const override {
    return Hasher().text(read_text(path())).hex();
  }

 private:
  std::string path() const { return below_data_root(file_, "load"); }

  std::string file_;
  std::string network_;
};

}  // namespace

std::unique_ptr<Stage> make_load() { return std::make_unique<Load>(); }

}  // namespace carat
