// SPDX-License-Identifier: Apache-2.0
// Exported networks read back: nodes, types, initializers, and what is refused.
#include <gtest/gtest.h>

#include <map>

#include "models/onnx/export.h"
#include "models/onnx/layer_writer.h"
#include "models/zoo/zoo.h"
#include "tests/onnx/every_op.h"
#include "tests/support/files.h"

namespace carat {
namespace {

using onnx::TensorProto;

class Parsed {
 public:
  explicit Parsed(const Model& model, OnnxNumbers numbers = OnnxNumbers::codes) {
    EXPECT_TRUE(file_.ParseFromString(to_onnx(model, numbers)));
    for (const onnx::NodeProto& node : file_.graph().node()) {
      EXPECT_EQ(node.output_size(), 1) << node.name();
      EXPECT_EQ(node.output(0), node.name());
      EXPECT_TRUE(nodes_.emplace(node.name(), &node).second) << node.name();
    }
    for (const TensorProto& tensor : file_.graph().initializer()) tensors_[tensor.name()] = &tensor;
  }

  const onnx::ModelProto& file() const { return file_; }
  const onnx::NodeProto& node(const std::string& name) const { return *nodes_.at(name); }
  const TensorProto& tensor(const std::string& name) const { return *tensors_.at(name); }
  std::string type_of(const std::string& name) const {
    return nodes_.contains(name) ? nodes_.at(name)->op_type() : "(none)";
  }
  std::vector<int64_t> integers(const std::string& node_name, const std::string& attribute) const {
    for (const onnx::AttributeProto& a : node(node_name).attribute())
      if (a.name() == attribute)
        return a.type() == onnx::AttributeProto::INT ? std::vector<int64_t>{a.i()}
                                                     : std::vector<int64_t>{a.ints().begin(), a.ints().end()};
    return {};
  }

 private:
  onnx::ModelProto file_;
  std::map<std::string, const onnx::NodeProto*> nodes_;
  std::map<std::string, const TensorProto*> tensors_;
};

// The network's layers, one of them changed.
Model changed(const Model& model, const std::string& name, void (*change)(LayerSpec&)) {
  std::vector<LayerSpec> layers = model.graph.layers();
  for (LayerSpec& layer : layers)
    if (layer.name == name) change(layer);
  Model result = initialize(ModelGraph(model.graph.name(), std::move(layers)), 1);
  for (const auto& [buffer, shape] : buffer_shapes(result.graph))
    if (model.buffers.contains(buffer) && model.buffer(buffer).shape == shape)
      result.buffer(buffer) = model.buffer(buffer);
  return result;
}

TEST(Onnx, EveryLayerIsANodeOfItsName) {
  const Model model = EveryOp().build();
  const Parsed parsed(model);
  const std::map<std::string, std::string> expected = {{"input", "Div"},
                                                       {"stem", "Add"},
                                                       {"relu6", "Clip"},
                                                       {"stem.scale", "Add"},
                                                       {"stem.quant", "DequantizeLinear"},
                                                       {"grouped", "Conv"},
                                                       {"grouped.scale", "Add"},
                                                       {"hard_swish", "Div"},
                                                       {"shuffle", "Reshape"},
                                                       {"slice", "Slice"},
                                                       {"bytes", "Conv"},
                                                       {"avg_pool", "Mul"},
                                                       {"max_pool", "MaxPool"},
                                                       {"pad", "Pad"},
                                                       {"upsample.whole", "Resize"},
                                                       {"upsample.odd", "Gather"},
                                                       {"concat", "Concat"},
                                                       {"joined.scale", "Mul"},
                                                       {"relu", "Relu"},
                                                       {"squeeze.pool", "Mul"},
                                                       {"whole.pool", "Mul"},
                                                       {"whole.pool/sum", "ReduceSum"},
                                                       {"squeeze.pool/cumulative", "CumSum"},
                                                       {"excite", "Add"},
                                                       {"excite/sums", "Conv"},
                                                       {"excite.scale", "Cast"},
                                                       {"hard_sigmoid", "Div"},
                                                       {"multiply", "Mul"},
                                                       {"dropout", "Identity"},
                                                       {"whole.add", "Add"},
                                                       {"swish", "Mul"},
                                                       {"sigmoid", "Sigmoid"},
                                                       {"last.pool", "GlobalAveragePool"},
                                                       {"classifier", "Add"},
                                                       {"logits", "Flatten"}};
  for (const auto& [name, type] : expected) EXPECT_EQ(parsed.type_of(name), type) << name;
  for (const LayerSpec& layer : model.graph.layers()) EXPECT_NE(parsed.type_of(layer.name), "(none)") << layer.name;
}

TEST(Onnx, FileSaysOpsetAndTypes) {
  const Parsed parsed(EveryOp().build());
  EXPECT_EQ(parsed.file().ir_version(), 10);
  ASSERT_EQ(parsed.file().opset_import_size(), 1);
  EXPECT_EQ(parsed.file().opset_import(0).version(), 21);
  EXPECT_EQ(parsed.file().opset_import(0).domain(), "");
  const onnx::GraphProto& graph = parsed.file().graph();
  EXPECT_EQ(graph.name(), "every_op");
  ASSERT_EQ(graph.input_size(), 1);
  EXPECT_EQ(graph.input(0).name(), "image");
  EXPECT_EQ(graph.input(0).type().tensor_type().elem_type(), TensorProto::UINT8);
  EXPECT_EQ(graph.input(0).type().tensor_type().shape().dim(0).dim_param(), "N");
  EXPECT_EQ(graph.input(0).type().tensor_type().shape().dim(2).dim_value(), 12);
  ASSERT_EQ(graph.output_size(), 1);
  EXPECT_EQ(graph.output(0).name(), "logits");
  EXPECT_EQ(graph.output(0).type().tensor_type().shape().dim(1).dim_value(), 10);
}

TEST(Onnx, NodesReadWhatWasThereBefore) {
  for (const OnnxNumbers numbers : {OnnxNumbers::codes, OnnxNumbers::real}) {
    const Parsed parsed(EveryOp().build(), numbers);
    std::set<std::string> known = {"", "image"};
    for (const TensorProto& tensor : parsed.file().graph().initializer())
      EXPECT_TRUE(known.insert(tensor.name()).second) << tensor.name();
    for (const onnx::NodeProto& node : parsed.file().graph().node()) {
      for (const std::string& input : node.input()) EXPECT_TRUE(known.contains(input)) << node.name() << ": " << input;
      EXPECT_TRUE(known.insert(node.name()).second) << node.name();
    }
  }
}

TEST(Onnx, WindowsAndTypesOfCodes) {
  const Parsed parsed(EveryOp().build());
  EXPECT_EQ(parsed.integers("grouped", "group"), std::vector<int64_t>{2});
  EXPECT_EQ(parsed.integers("grouped", "strides"), (std::vector<int64_t>{2, 2}));
  EXPECT_EQ(parsed.integers("grouped", "pads"), (std::vector<int64_t>{0, 0, 1, 1}));
  EXPECT_EQ(parsed.tensor("grouped.weight").data_type(), TensorProto::INT4);
  EXPECT_EQ(parsed.tensor("bytes.weight").data_type(), TensorProto::INT8);
  EXPECT_EQ(parsed.tensor("grouped.scale.scale").data_type(), TensorProto::FLOAT16);
  EXPECT_EQ(parsed.tensor("stem.scale.scale").data_type(), TensorProto::FLOAT);
  EXPECT_EQ(parsed.integers("stem.quant/codes", "output_dtype"), std::vector<int64_t>{TensorProto::UINT8});
  EXPECT_EQ(parsed.integers("narrow.quant/codes", "output_dtype"), std::vector<int64_t>{TensorProto::INT8});
  EXPECT_EQ(parsed.integers("wide.quant/codes", "output_dtype"), std::vector<int64_t>{TensorProto::INT16});
  EXPECT_EQ(parsed.node("narrow.quant/clamped").input(1), "scalar/-3");
  EXPECT_EQ(parsed.type_of("sum.quant/clamped"), "(none)");  // -128 to 127: the type's own range
  EXPECT_EQ(parsed.type_of("direct.quant/rounded"), "Round");
  EXPECT_EQ(parsed.type_of("away.quant/sign"), "Sign");
  EXPECT_EQ(parsed.type_of("squeeze.quant/rounded"), "Floor");
}

TEST(Onnx, FourBitCodesLieLowHalfFirst) {
  GraphWriter graph("g");
  graph.codes("signed", {5}, {1, -2, 7, -8, -1}, TensorProto::INT4);
  graph.codes("unsigned", {2}, {15, 3}, TensorProto::UINT4);
  graph.codes("wide", {2}, {-2, 300}, TensorProto::INT16);
  EXPECT_EQ(graph.graph().initializer(0).raw_data(), "\xE1\x87\x0F");
  EXPECT_EQ(graph.graph().initializer(1).raw_data(), "\x3F");
  EXPECT_EQ(graph.graph().initializer(2).raw_data(), std::string("\xFE\xFF\x2C\x01"));
  EXPECT_EQ(code_type(-8, 7), TensorProto::INT4);
  EXPECT_EQ(code_type(0, 15), TensorProto::UINT4);
  EXPECT_EQ(code_type(-9, 7), TensorProto::INT8);
  EXPECT_EQ(code_type(-129, 0), TensorProto::INT16);
  EXPECT_EQ(message_of([&] { graph.codes("wide", {1}, {0}, TensorProto::INT8); }),
            "ONNX graph g: the name 'wide' is used twice");
}

TEST(Onnx, EveryOperationOfTheTableHasAWriter) {
  for (const OpInfo& info : op_table()) EXPECT_NO_THROW(layer_writer(info.kind)) << info.name;
}

TEST(Onnx, RealNumbersOfEveryFamilyOfTheZoo) {
  for (const ZooEntry& entry : zoo()) {
    Model model;
    model.graph = build_network(entry.variants.front()).graph;
    for (const auto& [name, shape] : buffer_shapes(model.graph)) {
      int64_t count = 1;
      for (const int64_t extent : shape) count *= extent;
      model.buffers[name] = {shape, std::vector<float>(static_cast<size_t>(count), 1.0F)};
    }
    const Parsed parsed(model, OnnxNumbers::real);
    for (const LayerSpec& layer : model.graph.layers())
      EXPECT_NE(parsed.type_of(layer.name), "(none)") << entry.name << " " << layer.name;
  }
}

TEST(Onnx, RefusesWhatIsNotExact) {
  const Model model = EveryOp().build();
  const auto message = [](const Model& m) { return message_of([&] { to_onnx(m, OnnxNumbers::codes); }); };
  const auto expect = [&](const std::string& layer, void (*change)(LayerSpec&), const std::string& text) {
    EXPECT_EQ(message(changed(model, layer, change)), text);
  };
  expect(
      "bytes", [](LayerSpec& l) { l.has_unit_scale = false; },
      "layer bytes: its scale is not fused: run the fuse stage first, or export with --float");
  expect(
      "hard_swish", [](LayerSpec& l) { l.op = OpKind::swish; },
      "layer hard_swish: a swish that decides codes, and ONNX fixes no exponential function to the last bit: export "
      "with --float");
  expect(
      "relu", [](LayerSpec& l) { l.op = OpKind::batch_norm; },
      "layer relu: a batch norm that decides codes: run the fuse stage first, or export with --float");
  expect(
      "grouped",
      [](LayerSpec& l) {
        l.quant.reset();
        l.has_unit_scale = false;
      },
      "layer grouped: sums of 18 products of real numbers that decide codes, and ONNX fixes no order of sums (at most "
      "147 are written one by one): export with --float");
  expect(
      "excite",
      [](LayerSpec& l) {
        l.quant.reset();
        l.has_unit_scale = false;
      },
      "layer excite: sums of real numbers that decide codes, and ONNX fixes no order of sums: export with --float");
  Model large = changed(model, "excite", [](LayerSpec& l) { l.quant = QuantSpec::symmetric(16, Granularity::kernel); });
  for (float& w : large.buffer("excite.weight").values) w = -32767;
  EXPECT_EQ(
      message(large),
      "layer excite: its sums may reach 66844680, beyond 2^24, where float32 is no longer exact: export with --float");
  GraphBuilder plain("plain");
  plain.linear("fc", plain.input({1, 2, 2}), 3);
  EXPECT_EQ(message(initialize(plain.build(), 1)), "network plain: no layer has integer codes: export with --float");
}

}  // namespace
}  // namespace carat
