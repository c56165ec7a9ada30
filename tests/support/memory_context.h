// SPDX-License-Identifier: Apache-2.0
// A stage's context without a pipeline: made-up images, a small network, the checkpoint in memory.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/zoo/zoo.h"
#include "stages/context.h"

namespace carat {

struct Stopped {};

// Keeps its one checkpoint in memory and stops after a step.
class MemoryContext : public StageContext {
 public:
  MemoryContext() {
    DataSource source;
    source.name = "synthetic";
    data_ = open_dataset(source, Split::train);
    for (int64_t i = 0; i < 200; ++i) training_.push_back(i);
    for (int64_t i = 200; i < 260; ++i) held_back_.push_back(i);
    const ModelGraph graph =
        build_model("resnet8", {{"width", 4}}, {data_.channels, data_.height, data_.width}, data_.classes);
    dense_ = initialize(graph, 1);
  }

  const Dataset& training_data() override { return data_; }
  const std::vector<int64_t>& training_indices() override { return training_; }
  const std::vector<int64_t>& held_back_indices() override { return held_back_; }
  c10::Device device() const override { return at::kCPU; }
  int64_t seed() const override { return 1; }
  int64_t loader_threads() const override { return 2; }
  std::optional<Track> track() const override { return std::nullopt; }
  const std::string& stage_id() const override { return id_; }
  Model dense_model() override { return dense_; }
  std::vector<std::string> earlier_files(const std::string&, const std::string&) override { return {}; }
  bool checkpoint_is_due() override { return true; }
  void save_checkpoint(const std::string& bytes) override {
    checkpoint_ = bytes;
    if (++saved_ == stop_after_) throw Stopped{};
  }
  std::optional<std::string> load_checkpoint() override { return checkpoint_; }
  void append_record(const std::string&) override {}
  std::vector<std::string> records() override { return {}; }
  void write_file(const std::string&, const std::string&) override {}
  void progress(const std::string&, int64_t, int64_t, const std::string&) override {}
  void log(const std::string&) override {}

  void stop_after(int64_t steps) {
    saved_ = 0;
    stop_after_ = steps;
  }
  void forget() { checkpoint_.reset(); }

 private:
  Dataset data_;
  std::vector<int64_t> training_, held_back_;
  Model dense_;
  std::string id_ = "02-prune";
  std::optional<std::string> checkpoint_;
  int64_t saved_ = 0;
  int64_t stop_after_ = -1;
};

}  // namespace carat
