// SPDX-License-Identifier: Apache-2.0
// Builds a graph layer by layer; every call returns the new layer's name, to be passed on as an input.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "models/graph/graph.h"

namespace carat {

// Zeros around a convolution's input. half: kernel / 2 on every side; same: TensorFlow's, output = ceil(input / stride)
// with the odd row below and the odd column to the right; none.
enum class Padding { half, same, none };

class GraphBuilder {
 public:
  explicit GraphBuilder(std::string name) : name_(std::move(name)) {}

  // Shapes are inferred at once. Throws Error naming the layer.
  std::string add(LayerSpec layer);
  std::string input(const Shape& shape);

  struct Conv {
    int64_t out_channels;
    int64_t kernel = 1;
    int64_t stride = 1;
    int64_t groups = 1;
    bool has_bias = false;
    Padding padding = Padding::half;
  };
  std::string conv(const std::string& name, const std::string& from, const Conv& conv);
  std::string batch_norm(const std::string& name, const std::string& from, double epsilon = 1e-5);
  std::string linear(const std::string& name, const std::string& from, int64_t features);  // with bias

  // An operation without fields: activation functions, global_avg_pool.
  std::string unary(OpKind op, const std::string& name, const std::string& from);
  // add, multiply, concat.
  std::string join(OpKind op, const std::string& name, const std::vector<std::string>& from);

  struct Pool {
    int64_t kernel;
    int64_t stride;
    int64_t padding = 0;
    bool ceils = false;  // a last window that reaches beyond the border is kept
  };
  std::string pool(OpKind op, const std::string& name, const std::string& from, const Pool& pool);
  std::string dropout(const std::string& name, const std::string& from, double rate);
  // Channels [begin, begin + count).
  std::string slice(const std::string& name, const std::string& from, int64_t begin, int64_t count);
  std::string shuffle(const std::string& name, const std::string& from, int64_t groups);
  std::string upsample(const std::string& name, const std::string& from, int64_t size);

  const Shape& shape_of(const std::string& layer) const;

  ModelGraph build() { return ModelGraph(name_, std::move(layers_)); }

 private:
  std::string name_;
  std::vector<LayerSpec> layers_;
  std::map<std::string, Shape> shapes_;
};

}  // namespace carat
