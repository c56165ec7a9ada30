// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/hash.h"
#include "base/random.h"
#include "models/graph/builder.h"
#include "models/packed/packed_model.h"
#include "models/packed/reference_executor.h"
#include "tests/support/files.h"

namespace carat {
namespace {

// input 1x2x2 -> 1x1 conv, 2 kernels, 4-bit codes -> Scale fp16 with bias.
Model tiny_fused(const std::vector<float>& codes) {
  GraphBuilder net("tiny");
  LayerSpec conv;
  conv.name = "conv";
  conv.op = OpKind::conv;
  conv.inputs = {net.input({1, 2, 2})};
  conv.out_channels = static_cast<int64_t>(codes.size());
  conv.quant = QuantSpec::symmetric(4, Granularity::kernel);
  conv.has_unit_scale = conv.is_masked = true;
  LayerSpec scale;
  scale.name = "scale";
  scale.op = OpKind::scale;
  scale.inputs = {net.add(conv)};
  scale.arithmetic = Arithmetic::fp16;
  scale.has_bias = true;
  net.add(scale);
  Model model;
  model.graph = net.build();
  const auto channels = static_cast<int64_t>(codes.size());
  model.buffers["conv.weight"] = {{channels, 1, 1, 1}, codes};
  std::vector<uint8_t> kept;
  for (const float code : codes) kept.push_back(code != 0.0F ? 1 : 0);
  model.masks["conv"] = {{channels, 1, 1, 1}, kept};
  model.buffers["scale.scale"] = {{channels}, std::vector<float>(codes.size(), 0.5F)};
  model.buffers["scale.bias"] = {{channels}, std::vector<float>(codes.size(), -1.0F)};
  return model;
}

TEST(Packed, PayloadBitsByHand) {
  // Two of eight codes: 8 mask bits + 2 * 4, against 32 dense; Scale 2 * 8 * 16.
  const PackedModel sparse = pack(tiny_fused({0, 3, 0, 0, 0, 0, -7, 0}));
  EXPECT_EQ(payload_size(sparse).payload_bits, 8 + 8 + 256);
  EXPECT_EQ(payload_size(sparse).padding_bits, 0);
  const PackedModel dense = pack(tiny_fused({1, 3, 2}));
  EXPECT_EQ(payload_size(dense).payload_bits, 12 + 96);
  EXPECT_EQ(payload_size(dense).padding_bits, 4);
  EXPECT_EQ(static_cast<uint8_t>(pack(tiny_fused({1, -3})).payload[0]), 0xD1);  // 0001, then 1101
}

TEST(Packed, ComesBackWhole) {
  const Model model = tiny_fused({0, 3, 0, 0, 0, 0, -7, 0});
  const std::string bytes = to_bytes(pack(model));
  const PackedModel back = packed_from_bytes(bytes, "f");
  const Model unpacked = unpack(back);
  EXPECT_EQ(unpacked.graph, model.graph);
  EXPECT_EQ(unpacked.buffers, model.buffers);
  EXPECT_EQ(unpacked.masks, model.masks);
  EXPECT_EQ(to_bytes(pack(unpacked)), bytes);
}

TEST(Packed, RefusesWhatItCannotHold) {
  Model model = tiny_fused({1});
  model.buffer("scale.scale").values[0] = 0.1F;
  EXPECT_EQ(message_of([&] { pack(model); }), "scale.scale: 0.1 is not an fp16 value");
  std::vector<LayerSpec> layers = tiny_fused({1}).graph.layers();
  layers[1].has_unit_scale = false;
  model.graph = ModelGraph("t", layers);
  EXPECT_EQ(message_of([&] { pack(model); }), "layer conv: run the fuse stage before pack");
}

TEST(Packed, DamagedFilesAreOneLineErrors) {
  const std::string good = to_bytes(pack(tiny_fused({0, 3, 0, 0, 0, 0, -7, 0})));
  EXPECT_EQ(message_of([&] { packed_from_bytes("hello", "f"); }), "f: expected a packed model, got 5 bytes");
  EXPECT_EQ(message_of([&] { packed_from_bytes(std::string(100, 'x'), "f"); }),
            "f: expected a packed model (magic CARAT), got another file");
  EXPECT_EQ(message_of([&] { packed_from_bytes(good.substr(0, good.size() - 1), "f"); }),
            "f: the checksum is wrong: the file is truncated or damaged");
}

TEST(Packed, EveryFlippedByteIsFound) {
  PackedModel packed = pack(tiny_fused({0, 3, 0, 0, 0, 0, -7, 0}));
  packed.provenance = {.recipe = "0123", .commit = "abc", .data = "d", .correct = 1, .total = 2};
  packed.class_names = {"a", "b", "c", "d", "e", "f", "g", "h"};
  const std::string good = to_bytes(packed);
  EXPECT_EQ(packed_from_bytes(good, "f").provenance, packed.provenance);
  EXPECT_EQ(packed_from_bytes(good, "f").class_names, packed.class_names);
  for (size_t i = 0; i < good.size(); ++i)
    for (const int flip : {1, 0x80, 0xFF}) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ flip);
      const std::string message = message_of([&] { packed_from_bytes(bad, "f"); });
      const char* expected = i < 6   ? "f: expected a packed model (magic CARAT), got another file"
                             : i < 8 ? "f: expected packed format version 2, got "
                                     : "f: the checksum is wrong: the file is truncated or damaged";
      ASSERT_EQ(message.rfind(expected, 0), 0U) << "byte " << i << ": " << message;
    }
}

TEST(Packed, UnknownKindsAreOneLineErrors) {
  const std::string good = to_bytes(pack(tiny_fused({0, 3, 0, 0, 0, 0, -7, 0})));
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string bad = good.substr(0, good.size() - 8);
    const size_t at = bad.find(from);
    bad.replace(at, from.size(), to);
    const uint64_t length = bad.find("}]}", bad.find("\"sections\"")) + 3 - 16;
    bad.replace(8, 8, reinterpret_cast<const char*>(&length), 8);
    const uint64_t sum = hash64(bad.data(), bad.size());
    bad.append(reinterpret_cast<const char*>(&sum), 8);
    return message_of([&] { packed_from_bytes(bad, "f"); });
  };
  EXPECT_EQ(changed("\"mask\":\"bit\"", "\"mask\":\"row\""), "f: mask: expected none, bit or block, got row");
  EXPECT_EQ(changed("\"op\":\"conv\"", "\"op\":\"conf\""), "f: header: unknown operation 'conf', did you mean 'conv'?");
  EXPECT_EQ(changed("\"arithmetic\":\"fp16\"", "\"arithmetic\":\"fp24\""),
            "f: header: arithmetic: expected float32, fp16, fp16_strict or integer, got fp24");
  EXPECT_EQ(changed("\"bits\":4", "\"encoding\":\"huffman\",\"bits\":4"),
            "f: header: unknown encoding of weights 'huffman'");
}

// Damaged bytes below a checksum that fits: read whole, or one line that opens with the file's name.
void mutate(int rounds, int64_t stream) {
  const std::string good = to_bytes(pack(tiny_fused({0, 3, 0, 0, 0, 0, -7, 0})));
  Random random({3, "test", "packed", stream});
  int refused = 0;
  for (int round = 0; round < rounds; ++round) {
    std::string bad = good.substr(0, good.size() - 8);
    for (int i = 0; i < 2; ++i)
      bad[static_cast<size_t>(random.below(static_cast<int64_t>(bad.size())))] = static_cast<char>(random.below(256));
    uint64_t sum = hash64(bad.data(), bad.size());
    bad.append(reinterpret_cast<const char*>(&sum), 8);
    const std::string message = message_of([&] { packed_from_bytes(bad, "f"); });
    if (message == "(no error)") continue;
    ++refused;
    ASSERT_EQ(message.rfind("f: ", 0), 0U) << message;
  }
  EXPECT_GT(refused, rounds / 3);
}

TEST(Packed, MutationsBelowAValidChecksum) { mutate(3000, 0); }

TEST(FullPacked, LongMutations) { mutate(300000, 1); }

TEST(Executor, TinyNetworkByHand) {
  const ReferenceExecutor executor(pack(tiny_fused({2, -3})));
  const std::vector<uint8_t> image = {0, 10, 255, 1};
  std::vector<float> logits(8);
  // classes() counts channels; the executor copies the whole last result.
  executor.run(image.data(), 1, logits.data(), 1);
  EXPECT_EQ(logits, (std::vector<float>{-1, 9, 254, 0, -1, -16, -383.5, -2.5}));
}

TEST(Executor, RefusesSumsBeyondInt32) {
  Model model = tiny_fused({1});
  std::vector<LayerSpec> layers = model.graph.layers();
  layers[0].input_shape = {20000, 2, 2};
  layers[1].quant = QuantSpec::symmetric(12, Granularity::kernel);
  model.graph = ModelGraph("t", layers);
  model.buffers["conv.weight"] = {{1, 20000, 1, 1}, std::vector<float>(20000, 2047.0F)};
  model.masks["conv"] = {{1, 20000, 1, 1}, std::vector<uint8_t>(20000, 1)};
  EXPECT_EQ(message_of([&] { ReferenceExecutor{pack(model)}; }),
            "layer conv: its sums may reach 10439700000, beyond 32-bit integers");
}

}  // namespace
}  // namespace carat
