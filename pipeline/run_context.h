// SPDX-License-Identifier: Apache-2.0
// The pipeline's side of StageContext: one object per stage that is run.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>

#include "base/console.h"
#include "data/loader.h"
#include "pipeline/store.h"
#include "stages/context.h"

namespace carat {

// Data sets opened when first asked for; identities are needed for keys, so both are opened once per run.
struct RunData {
  Dataset training;
  Dataset test;
  HeldBack split;
};

struct EarlierStage {
  std::string name;
  std::filesystem::path folder;
  bool is_dense = false;  // neither masks nor quantization yet, and trained as it is
};

struct RunSettings {
  c10::Device device = c10::Device(c10::kCPU);
  int64_t seed = 1;
  int64_t loader_threads = 1;
  std::optional<Track> track;
  double checkpoint_seconds = 30.0;
};

class RunContext : public StageContext {
 public:
  RunContext(const RunSettings& settings, const RunData& data, const std::vector<EarlierStage>& earlier,
             Console& console, StoreWork& work, std::string stage_id)
      : settings_(settings),
        data_(data),
        earlier_(earlier),
        console_(console),
        work_(work),
        stage_id_(std::move(stage_id)),
        last_checkpoint_(Clock::now()) {}

  const Dataset& training_data() override { return data_.training; }
  const std::vector<int64_t>& training_indices() override { return data_.split.training; }
  const std::vector<int64_t>& held_back_indices() override { return data_.split.held_back; }
  c10::Device device() const override { return settings_.device; }
  int64_t seed() const override { return settings_.seed; }
  int64_t loader_threads() const override { return settings_.loader_threads; }
  std::optional<Track> track() const override { return settings_.track; }
  const std::string& stage_id() const override { return stage_id_; }

  Model dense_model() override;
  std::vector<std::string> earlier_files(const std::string& stage, const std::string& file) override;

  bool checkpoint_is_due() override;
  void save_checkpoint(const std::string& bytes) override;
  std::optional<std::string> load_checkpoint() override { return work_.load_checkpoint(); }
  void append_record(const std::string& record) override { work_.append_record(record); }
  std::vector<std::string> records() override { return work_.records(); }
  void write_file(const std::string& name, const std::string& content) override { work_.write_file(name, content); }
  void progress(const std::string& what, int64_t done, int64_t total, const std::string& note) override {
    console_.progress(what, done, total, note);
  }
  void log(const std::string& line) override { console_.line("      " + line); }

 private:
  using Clock = std::chrono::steady_clock;

  const RunSettings& settings_;
  const RunData& data_;
  const std::vector<EarlierStage>& earlier_;
  Console& console_;
  StoreWork& work_;
  std::string stage_id_;
  Clock::time_point last_checkpoint_;
};

}  // namespace carat
