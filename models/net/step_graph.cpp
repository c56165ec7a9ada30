// SPDX-License-Identifier: Apache-2.0
#include "models/net/step_graph.h"

#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>

#include <filesystem>

namespace carat {
namespace {

constexpr int64_t kPlainRuns = 3;

// models/net/cuda_graph.cpp, a library beside the program: the program itself is linked without LibTorch's CUDA part.
struct Plugin {
  void* (*begin)() = nullptr;
  void (*end)(void*) = nullptr;
  void (*replay)(void*) = nullptr;
  void (*drop)(void*) = nullptr;
};

Plugin load_plugin() {
  std::error_code none;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", none);
  Plugin plugin;
  void* library = dlopen((program.parent_path() / "libcarat_cuda_graph.so").c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return plugin;
  plugin.begin = reinterpret_cast<void* (*)()>(dlsym(library, "carat_graph_begin"));
  plugin.end = reinterpret_cast<void (*)(void*)>(dlsym(library, "carat_graph_end"));
  plugin.replay = reinterpret_cast<void (*)(void*)>(dlsym(library, "carat_graph_replay"));
  plugin.drop = reinterpret_cast<void (*)(void*)>(dlsym(library, "carat_graph_drop"));
  return plugin;
}

const Plugin& plugin() {
  static const Plugin loaded = load_plugin();
  return loaded;
}

}  // namespace

OwnStream::OwnStream(const at::Device& device) {
  if (!device.is_cuda()) return;
  const c10::impl::VirtualGuardImpl guard(device.type());
  own_ = guard.getNewStream(device);
  before_ = guard.exchangeStream(*own_);
  guard.synchronizeStream(*before_);
}

OwnStream::~OwnStream() {
  if (!own_) return;
  const c10::impl::VirtualGuardImpl guard(own_->device_type());
  guard.synchronizeStream(*own_);
  guard.exchangeStream(*before_);
}

StepGraph::StepGraph(const at::Device& device, bool is_wanted)
    : is_wanted_(is_wanted && device.is_cuda() && plugin().begin != nullptr) {}

StepGraph::~StepGraph() { drop(); }

void StepGraph::drop() {
  if (graph_ != nullptr) plugin().drop(graph_);
  graph_ = nullptr;
  plain_runs_ = 0;
}

void StepGraph::run(uint64_t state, const std::function<void()>& work) {
  if (!is_wanted_) return work();
  if (state != state_) drop();
  state_ = state;
  if (graph_ == nullptr && plain_runs_ < kPlainRuns) {
    ++plain_runs_;
    return work();
  }
  if (graph_ == nullptr) {
    graph_ = plugin().begin();
    work();
    plugin().end(graph_);
  }
  plugin().replay(graph_);
}

}  // namespace carat
