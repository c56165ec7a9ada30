// SPDX-License-Identifier: Apache-2.0
// CUDA graphs of LibTorch's work for step_graph.cpp: the one library that is linked against LibTorch's CUDA part.
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAStream.h>

#include <memory>

extern "C" {

// Capture begins on this thread's stream, which must not be the default one.
void* carat_graph_begin() {
  c10::cuda::getCurrentCUDAStream().synchronize();
  auto graph = std::make_unique<at::cuda::CUDAGraph>();
  // Relaxed: threads that load images may ask for page-locked memory meanwhile.
  graph->capture_begin({0, 0}, cudaStreamCaptureModeRelaxed);
  return graph.release();
}

void carat_graph_end(void* graph) { static_cast<at::cuda::CUDAGraph*>(graph)->capture_end(); }

void carat_graph_replay(void* graph) { static_cast<at::cuda::CUDAGraph*>(graph)->replay(); }

void carat_graph_drop(void* graph) {
  c10::cuda::getCurrentCUDAStream().synchronize();
  delete static_cast<at::cuda::CUDAGraph*>(graph);
}

}  // extern "C"
