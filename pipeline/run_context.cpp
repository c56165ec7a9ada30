// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run_context.h"

#include "base/fail.h"
#include "base/file.h"
#include "models/weights/safetensors.h"

namespace carat {

Model RunContext::dense_model() {
  for (auto stage = earlier_.rbegin(); stage != earlier_.rend(); ++stage)
    if (stage->is_dense) return read_model(stage->folder / "model.safetensors");
  // A network that was published with masks is what its own compression starts from.
  for (const EarlierStage& stage : earlier_)
    if (stage.name == "load") return read_model(stage.folder / "model.safetensors");
  fail("{}: needs a trained dense network as teacher; put a train or load stage before it", stage_id_);
}

std::vector<std::string> RunContext::earlier_files(const std::string& stage, const std::string& file) {
  std::vector<std::string> files;
  for (auto earlier = earlier_.rbegin(); earlier != earlier_.rend(); ++earlier)
    if (earlier->name == stage) files.push_back(read_text(earlier->folder / file));
  return files;
}

bool RunContext::checkpoint_is_due() {
  return std::chrono::duration<double>(Clock::now() - last_checkpoint_).count() >= settings_.checkpoint_seconds;
}

void RunContext::save_checkpoint(const std::string& bytes) {
  work_.save_checkpoint(bytes);
  last_checkpoint_ = Clock::now();
}

}  // namespace carat
