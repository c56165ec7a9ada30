// SPDX-License-Identifier: Apache-2.0
// fuse: batch norm, bias and scales into one Scale layer.
#include "stages/catalog.h"
#include "stages/fusion.h"

namespace carat {
namespace {

class Fuse : public Stage {
 public:
  void describe(OptionTable& table) override {
    table.choice("arithmetic", arithmetic_, {"fp16", "fp16_strict", "float32"},
                 "how Scale layers are stored and executed; they are charged at these widths");
  }
  void plan(Prediction& prediction) const override {
    prediction.graph = fuse_graph(prediction.graph, arithmetic_named(arithmetic_));
  }
  void run(Model& model, StageContext&) override { model = fuse(model, arithmetic_named(arithmetic_)); }

 private:
  std::string arithmetic_ = "fp16";
};

}  // namespace

std::unique_ptr<Stage> make_fuse() { return std::make_unique<Fuse>(); }

}  // namespace carat
