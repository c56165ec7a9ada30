// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/random.h"
#include "config/options.h"
#include "tests/support/files.h"

namespace carat {
namespace {

struct Sample {
  int64_t epochs = 3;
  double lr = 0.1;
  bool flip = false;
  std::string mode = "fast";
  std::vector<double> points = {0.5};
  int64_t bits = 4;

  void describe(OptionTable& table) {
    table.integer("epochs", epochs, {1, 100}, "");
    table.number("lr", lr, {0, 1, "(0, 1)"}, "");
    table.flag("flip", flip, "");
    table.choice("mode", mode, {"fast", "exact"}, "");
    table.numbers("points", points, {0, 1, "[0, 1)"}, "");
    table.group("weights", "", [this](OptionTable& inner) { inner.integer("bits", bits, {2, 16}, ""); });
  }
};

std::string read_message(const std::string& text, const std::vector<std::string>& overrides = {}) {
  return message_of([&] {
    Sample sample;
    OptionTable table;
    sample.describe(table);
    table.read(parse_yaml(text, "r.yaml", overrides));
  });
}

TEST(Config, ExactMessages) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"epochs: 5\nepochs: 6\n", "r.yaml:2:1: duplicate key 'epochs', first given at line 1"},
      {"epohcs: 5\n",
       "r.yaml:1:1: epohcs: unknown key, expected one of: epochs, lr, flip, mode, points, weights; did you mean "
       "'epochs'?"},
      {"epochs: ten\n", "r.yaml:1:9: epochs: expected an integer, got ten"},
      {"epochs: \"5\"\n", "r.yaml:1:9: epochs: expected an integer, got the text \"5\""},
      {"epochs: 010\n",
       "r.yaml:1:9: epochs: expected a decimal integer without leading zeros (octal in YAML 1.1), got 010"},
      {"epochs: 0x10\n", "r.yaml:1:9: epochs: expected an integer, got 0x10"},
      {"epochs: 1_000\n", "r.yaml:1:9: epochs: expected an integer, got 1_000"},
      {"epochs: 0\n", "r.yaml:1:9: epochs: expected an integer in [1, 100], got 0"},
      {"epochs: 99999999999999999999\n",
       "r.yaml:1:9: epochs: expected an integer of 64 bits, got 99999999999999999999"},
      {"epochs:\n", "r.yaml:1:1: epochs: expected an integer, got nothing"},
      {"lr: 1\n", "r.yaml:1:5: lr: expected a number in (0, 1), got 1"},
      {"lr: .inf\n", "r.yaml:1:5: lr: expected a number, got .inf"},
      {"lr: 1e400\n", "r.yaml:1:5: lr: expected a number, got 1e400"},
      {"lr: [0.1]\n", "r.yaml:1:5: lr: expected a number, got a list"},
      {"flip: yes\n", "r.yaml:1:7: flip: expected true or false, written so, got yes"},
      {"flip: True\n", "r.yaml:1:7: flip: expected true or false, written so, got True"},
      {"mode: exakt\n", "r.yaml:1:7: mode: expected one of: fast, exact (did you mean 'exact'?), got exakt"},
      {"points: 0.5\n", "r.yaml:1:9: points: expected a list, got 0.5"},
      {"points: []\n", "r.yaml:1:9: points: expected a list with at least one number, got an empty list"},
      {"points: [0.1, 1.5]\n", "r.yaml:1:15: points[1]: expected a number in [0, 1), got 1.5"},
      {"weights: 4\n", "r.yaml:1:10: weights: expected a mapping, got 4"},
      {"weights: {bit: 4}\n", "r.yaml:1:11: weights.bit: unknown key, expected one of: bits; did you mean 'bits'?"},
      {"a: &x 1\nb: *x\n", "r.yaml:1:4: anchors (&name) are not supported"},
      {"<<: {lr: 0.1}\n", "r.yaml:1:1: merge keys (<<) are not supported"},
      {"lr: !!float 1\n", "r.yaml:1:5: tags (!name) are not supported"},
      {"", "r.yaml:1:1: expected a mapping, got an empty file"},
      {"- a\n", "r.yaml:1:1: expected a mapping, got a list"},
      {"lr: 0.1\n---\nlr: 0.2\n", "r.yaml: expected one YAML document, got several"},
  };
  for (const auto& [text, message] : cases) EXPECT_EQ(read_message(text), message) << text;
}

TEST(Config, BrokenSyntaxHasAPosition) {
  const std::string message = read_message("lr: [0.1\nepochs: 3\n");
  EXPECT_EQ(message.rfind("r.yaml:", 0), 0U) << message;
  EXPECT_NE(message.find("not valid YAML"), std::string::npos) << message;
}

TEST(Config, ResolvedTextReadsBackToItself) {
  Sample first;
  OptionTable table;
  first.describe(table);
  table.read(parse_yaml("lr: 0.30000000000000004\npoints: [0.1, 0.25]\nweights: {bits: 8}\nflip: true\n", "r.yaml"));
  const std::string resolved = table.resolved();
  EXPECT_EQ(resolved,
            "{epochs: 3, lr: 0.30000000000000004, flip: true, mode: fast, points: [0.1, 0.25], weights: {bits: 8}}");
  Sample second;
  OptionTable again;
  second.describe(again);
  again.read(parse_yaml(resolved, "r.yaml"));
  EXPECT_EQ(again.resolved(), resolved);
}

TEST(Config, OverridesAddressKeysAndStages) {
  const std::string text = "seed: 1\nstages:\n  - prune: {target: 0.5}\n  - fuse\n";
  const Node root =
      parse_yaml(text, "r.yaml",
                 {"seed=7", "stages.prune.target=0.7", "stages.fuse.arithmetic=fp16", "stages[0].prune.list=[1, 2]"});
  EXPECT_EQ(root.find("seed")->as_integer(), 7);
  const Node& prune = root.find("stages")->items[0].entries[0].second;
  EXPECT_EQ(prune.find("target")->as_number(), 0.7);
  EXPECT_EQ(prune.find("list")->items.size(), 2U);
  EXPECT_EQ(root.find("stages")->items[1].entries[0].second.find("arithmetic")->as_text(), "fp16");
  EXPECT_EQ(message_of([&] { root.find("seed")->refuse("x"); }), "--set seed=7: seed: expected x, got 7");
  EXPECT_EQ(message_of([&] { parse_yaml(text, "r.yaml", {"stages.prun.x=1"}); }),
            "--set stages.prun.x=1: no entry 'prun' in the list, expected one of: prune, fuse; did you mean 'prune'?");
  EXPECT_EQ(message_of([&] { parse_yaml(text, "r.yaml", {"seed"}); }), "--set seed: expected key.path=value");
  EXPECT_EQ(message_of([&] { parse_yaml(text, "r.yaml", {"stages[9].x=1"}); }),
            "--set stages[9].x=1: [9]: expected a number below 2");
}

TEST(Config, IncludesMergeAndCirclesAreNamed) {
  const TemporaryFolder folder;
  write_atomically(folder / "base.yaml", "seed: 1\nmodel: {name: a, width: 4}\n");
  write_atomically(folder / "top.yaml", "include: base.yaml\nmodel: {width: 8}\n");
  const Node root = read_yaml(folder / "top.yaml");
  EXPECT_EQ(root.find("seed")->as_integer(), 1);
  EXPECT_EQ(root.find("model")->find("name")->as_text(), "a");
  EXPECT_EQ(root.find("model")->find("width")->as_integer(), 8);
  EXPECT_EQ(root.find("include"), nullptr);
  write_atomically(folder / "one.yaml", "include: two.yaml\n");
  write_atomically(folder / "two.yaml", "include: one.yaml\n");
  EXPECT_NE(message_of([&] { read_yaml(folder / "one.yaml"); }).find("includes go in a circle"), std::string::npos);
  write_atomically(folder / "none.yaml", "include: nothing.yaml\n");
  EXPECT_NE(message_of([&] { read_yaml(folder / "none.yaml"); }).find("none.yaml:1:10: include: expected a file"),
            std::string::npos);
}

void mutate(int rounds, int64_t stream) {
  const std::string good = "epochs: 5\nlr: 0.1\nflip: true\npoints: [0.1, 0.2]\nweights:\n  bits: 4\n";
  Random random({2, "test", "yaml", stream});
  int refused = 0;
  for (int round = 0; round < rounds; ++round) {
    std::string bad = good;
    for (int i = 0; i < 3; ++i)
      bad[static_cast<size_t>(random.below(static_cast<int64_t>(bad.size())))] = static_cast<char>(random.below(128));
    const std::string message = read_message(bad);
    if (message == "(no error)") continue;
    ++refused;
    ASSERT_EQ(message.rfind("r.yaml", 0), 0U) << message;
  }
  EXPECT_GT(refused, rounds / 4);
}

TEST(Config, MutatedTextOnlyEverGivesErrors) { mutate(2000, 0); }

TEST(FullConfig, LongMutations) { mutate(200000, 1); }

}  // namespace
}  // namespace carat
