// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage_record.h"

#include <nlohmann/json.hpp>

#include "base/fail.h"
#include "base/file.h"

namespace carat {

std::string to_json(const StageRecord& r) {
  const nlohmann::json json = {{"stage", r.stage},
                               {"correct", r.correct},
                               {"total", r.total},
                               {"loss", r.loss},
                               {"weights", r.weights},
                               {"zeros", r.zeros},
                               {"storage_bits", r.storage_bits},
                               {"op_bits", r.op_bits},
                               {"seconds", r.seconds},
                               {"model_hash", r.model_hash},
                               {"is_dense", r.is_dense},
                               {"device", r.device}};
  return json.dump(2) + "\n";
}

StageRecord read_record(const std::filesystem::path& file) {
  try {
    const auto j = nlohmann::json::parse(read_text(file));
    return {j.at("stage"),   j.at("correct"),    j.at("total"),        j.at("loss"),
            j.at("weights"), j.at("zeros"),      j.at("storage_bits"), j.at("op_bits"),
            j.at("seconds"), j.at("model_hash"), j.at("is_dense"),     j.value("device", "")};
  } catch (const nlohmann::json::exception& error) {
    fail("{}: expected a stage record, got {}; run with --fresh", file.string(), error.what());
  }
}

}  // namespace carat
