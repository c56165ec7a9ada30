// SPDX-License-Identifier: Apache-2.0
// What a stage may ask of the pipeline: data, device, checkpoints, earlier results, log.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "models/weights/model.h"
#include "scoring/track.h"

namespace carat {

class StageContext {
 public:
  virtual ~StageContext() = default;

  virtual const Dataset& training_data() = 0;
  // Indices into the training data: images to train on, and images held back from all training.
  virtual const std::vector<int64_t>& training_indices() = 0;
  virtual const std::vector<int64_t>& held_back_indices() = 0;

  virtual c10::Device device() const = 0;
  virtual int64_t seed() const = 0;
  virtual int64_t loader_threads() const = 0;
  // The recipe's; nothing where no score is asked for.
  virtual std::optional<Track> track() const = 0;
  // "02-prune": names the stage's random streams.
  virtual const std::string& stage_id() const = 0;

  // The network before any compression, else the first that was loaded: the teacher. Throws Error when there is none.
  virtual Model dense_model() = 0;
  // A file that the earlier stages of this kind wrote, the latest first.
  virtual std::vector<std::string> earlier_files(const std::string& stage, const std::string& file) = 0;

  // The one checkpoint of this stage: replaced atomically, gone when the stage has ended.
  virtual bool checkpoint_is_due() = 0;
  virtual void save_checkpoint(const std::string& bytes) = 0;
  virtual std::optional<std::string> load_checkpoint() = 0;

  // Records that survive a kill, one by one, in order; a damaged last record is dropped.
  virtual void append_record(const std::string& record) = 0;
  virtual std::vector<std::string> records() = 0;

  // A file in the stage's folder, kept with its result.
  virtual void write_file(const std::string& name, const std::string& content) = 0;

  virtual void progress(const std::string& what, int64_t done, int64_t total, const std::string& note) = 0;
  virtual void log(const std::string& line) = 0;
};

}  // namespace carat
