// SPDX-License-Identifier: Apache-2.0
// Any bytes as a safetensors file: as tensors, as those of a small network, as a model that Carat wrote.
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "models/graph/builder.h"
#include "models/weights/foreign.h"
#include "models/weights/safetensors.h"

namespace carat {
namespace {

// A convolution on codes, its Scale layer without bias, batch norm, a linear layer: every kind of buffer.
ModelGraph small_network() {
  GraphBuilder net("small");
  LayerSpec conv;
  conv.name = "conv";
  conv.op = OpKind::conv;
  conv.inputs = {net.input({1, 2, 2})};
  conv.out_channels = 2;
  conv.quant = QuantSpec::full_range(4, Granularity::kernel);
  conv.has_unit_scale = conv.is_masked = true;
  const std::string x = net.unary(OpKind::scale, "scale", net.add(conv));
  net.linear("fc", net.batch_norm("bn", x), 2);
  return net.build();
}

template <typename Action>
void tried(Action&& action) {
  try {
    action();
  } catch (const Error&) {  // the one legal way out
  }
}

}  // namespace
}  // namespace carat

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const carat::ModelGraph network = carat::small_network();
  static const carat::Layout layout = {"there", {{"conv", "features.0"}, {"fc", "classifier"}}};
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  carat::tried([&] {
    const carat::TensorFile file = carat::read_tensors(bytes, "fuzz");
    for (const auto& named : file.tensors) carat::tried([&] { carat::to_floats(named.second, named.first, "fuzz"); });
    for (const carat::Layout& names : {carat::Layout{}, layout})
      carat::tried([&] { carat::tensors_from_model(carat::model_from_tensors(file, network, "fuzz", names), names); });
  });
  carat::tried([&] { carat::to_safetensors(carat::model_from_safetensors(bytes, "fuzz")); });
  return 0;
}
