// SPDX-License-Identifier: Apache-2.0
// Runs and trains a Model with LibTorch. Convolutions on quantized operands run on integer-valued codes.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

#include "models/weights/model.h"

namespace carat {

// What training moves. Scales that are learned: kernels/step_size.h; binary weights keep theirs.
struct LearnedParts {
  bool weights = true;  // weights, biases, batch norm
  bool weight_scales = false;
  bool activation_scales = false;  // and zero points
};

enum class Mode {
  train,     // batch statistics, dropout, gradients
  evaluate,  // running statistics; the fastest algorithms
  exact,     // running statistics; what stays in floating point follows the specifications in kernels/ (CPU)
};

// A trainable tensor; its gradient appears in value.grad().
struct Parameter {
  std::string name;  // "conv1.weight"
  at::Tensor value;
  bool decays = false;    // convolution and linear weights: weight decay is for them
  bool is_scale = false;  // a learned scale or zero point
};

class Network {
 public:
  // Copies the numbers. Throws Error when a quantized layer's sums cannot be exact (beyond int32).
  Network(const Model& model, const at::Device& device);

  // pixels: uint8 {N, C, H, W} on any device. Result: float32 {N, classes}.
  at::Tensor forward(const at::Tensor& pixels, Mode mode);

  // The same, and the results of the named layers as real float32 values (codes times scale).
  at::Tensor forward(const at::Tensor& pixels, Mode mode, const std::vector<std::string>& wanted,
                     std::map<std::string, at::Tensor>& results);

  // A layer's result: codes with a scale, or real numbers.
  struct Value {
    at::Tensor tensor;
    bool is_codes = false;  // real = scale * tensor
    float scale = 1.0F;
    bool is_input = false;  // real = tensor / 255
  };
  // Results by layer; what was not computed or is not needed any more has no tensor.
  using Values = std::vector<Value>;
  // The results to start from: the input's.
  Values start(const at::Tensor& pixels, Mode mode) const;
  // Runs one layer on the results of its inputs. Batch norm gives the result of the activation behind it where that is
  // its only reader, unless it is asked for itself; a layer that has its result already keeps it.
  void run_layer(size_t index, Values& values, Mode mode, bool keeps_norm = false);
  // {N, classes} from the results of all layers.
  static at::Tensor logits(const Values& values);
  // Last layer that reads a layer's result; the number of layers for the output.
  size_t last_use(size_t index) const { return last_use_[index]; }
  static at::Tensor real(const Value& value);

  // Before parameters() is asked for. Learned scales stay above a hundredth of what they are now.
  void set_learned(const LearnedParts& parts);
  // After every step of an optimizer: scales positive, zero points among the codes.
  void constrain_scales();
  // Weights on a plain grid: as trained, their mask (undefined: none) and their scale {K, 1, 1, 1} or {1, 1, 1, 1}.
  struct QuantizedWeight {
    at::Tensor weight, mask, scale;
    QuantSpec quant;
  };
  std::vector<QuantizedWeight> quantized_weights() const;
  // Replaces the scales of a quantized layer's weights.
  void set_weight_scales(const std::string& layer, const std::vector<float>& scales);
  // Batch norm takes its running statistics in training too, and keeps them.
  void set_norm_frozen(bool is_frozen) { norm_frozen_ = is_frozen; }
  // What decides, beside tensors, which operations a training step runs.
  uint64_t step_state() const { return (regrows_ ? 1U : 0U) + (norm_frozen_ ? 2U : 0U); }

  // Trainable tensors in the order of the layers.
  std::vector<Parameter> parameters() const;

  // In which order values lie in memory but in Mode::exact; channels-last at first.
  void set_layout(at::MemoryFormat layout) { layout_ = layout; }

  // Dropout masks of the next forward passes in training are a function of this and the layer's position.
  void set_dropout_seed(uint64_t seed) { dropout_seed_ = seed; }

  // Replaces a conv or linear layer's weights.
  void set_weights(const std::string& layer, const std::vector<float>& values);

  // A masked layer's weights as trained, not multiplied by the mask, and the mask (1 = kept): {K, C/groups, R, S}.
  at::Tensor dense_weights(const std::string& layer) const;
  at::Tensor mask(const std::string& layer) const;
  void set_mask(const std::string& layer, const at::Tensor& kept);
  // Whether pruned weights get the gradient of the pruned network (straight through the mask) and so may come back.
  void set_regrowth(bool regrows) { regrows_ = regrows; }
  // Pruned weights become zero.
  void settle_masks();

  // Named tensors that training changes, for checkpoints: unrounded weights, masks, biases, batch-norm statistics.
  std::map<std::string, at::Tensor> state() const;
  void load_state(const std::map<std::string, Buffer>& state);

  // Writes numbers and masks into a model of the same graph: masked weights zero, quantized weights on their grid.
  void store(Model& model) const;

  const ModelGraph& graph() const { return graph_; }
  const at::Device& device() const { return device_; }

 private:
  struct LayerTensors {
    at::Tensor weight, bias, mask, weight_scale, inverse_weight_scale, running_mean, running_var, scale, inverse_scale,
        zero_point, learned_zero_point, table;
    float host_scale = 1.0F;  // scale of an activation quantizer: reading it off a GPU would wait for the GPU
    bool needs_double = false;
  };

  Value run_one(size_t index, const std::vector<Value>& inputs, Mode mode);
  Value run_weights(size_t index, const Value& input, Mode mode);
  at::Tensor run_norm(size_t index, const at::Tensor& x, OpKind act, Mode mode);
  Value run_float(size_t index, const std::vector<at::Tensor>& inputs, Mode mode);
  // Masked; of a quantized layer codes, or values where its scale is learned and training asks for them.
  at::Tensor effective_weights(size_t index, bool learns) const;
  LayerTensors& masked(const std::string& layer);
  bool learns_weight_scale(size_t index) const;
  bool learns_activation_scale(size_t index) const;
  // What evaluation reads beside the scales themselves.
  void take_learned_scales();
  void load_layer(const Model& model, size_t index);
  void find_activations();

  ModelGraph graph_;
  at::Device device_;
  bool input_is_codes_ = false;
  at::Tensor mean_, deviation_;  // undefined unless the input layer normalises
  at::MemoryFormat layout_ = at::MemoryFormat::ChannelsLast;
  uint64_t dropout_seed_ = 0;
  bool regrows_ = false;
  bool norm_frozen_ = false;
  bool scales_move_ = false;
  LearnedParts learned_;
  std::vector<at::Tensor> scales_, smallest_scales_, zero_points_, highest_codes_;  // learned ones, and their bounds
  std::vector<LayerTensors> tensors_;
  std::vector<std::vector<size_t>> inputs_;
  std::vector<size_t> last_use_;
  std::vector<bool> feeds_weights_;  // read by a layer with weights, or by one that keeps codes
  std::vector<size_t> activation_;   // of a batch norm: the activation that alone reads it; else the number of layers
};

// Float32 tensor on the CPU as a buffer, and back.
Buffer to_buffer(const at::Tensor& tensor);
at::Tensor to_tensor(const Buffer& buffer, const at::Device& device);

}  // namespace carat
