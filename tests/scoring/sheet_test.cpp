// SPDX-License-Identifier: Apache-2.0
// The sheet in its forms, explain, diff, and the commands as a user calls them.
#include <gtest/gtest.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/file.h"
#include "base/ratio.h"
#include "tests/scoring/support.h"
#include "tests/support/files.h"
#include "tests/support/process.h"

namespace carat {
namespace {

ScoreSheet riair(const std::string& policy) {
  const std::string path = source_folder() + "/oplists/riair_cifar100.json";
  const OpList list = read_oplist(read_text(path), path);
  return make_sheet(list.walk, policy_named(policy), *list.track, {8041, 10000, {}});
}

size_t widest_line(const std::string& text) {
  std::istringstream lines(text);
  size_t widest = 0;
  for (std::string line; std::getline(lines, line);) widest = std::max(widest, line.size());
  return widest;
}

TEST(Sheet, TableFitsAHundredColumns) {
  EXPECT_LE(widest_line(to_text(riair("strict"))), 100U);
  EXPECT_LE(widest_line(to_text(riair("as-published:riair-type1"), 0)), 100U);
  EXPECT_LE(widest_line(policies_text()), 100U);
  ScoreSheet dear = riair("strict");
  dear.track = track_named("custom:1:1");  // a score of seven digits before its point
  EXPECT_LE(widest_line(to_text(dear, 0)), 100U);
  dear.bit_ops = dear.bit_ops * Ratio(int64_t{1} << 50);  // more than 64 bits
  dear.track = track_named("custom:1:9000000000000000000");
  EXPECT_LE(widest_line(to_text(dear, 0)), 100U);
  EXPECT_TRUE(nlohmann::json::parse(to_json(dear))["bit_ops"].is_number_float());
}

TEST(Sheet, JsonHasItsTopLevel) {
  const nlohmann::json json = nlohmann::json::parse(to_json(riair("strict")));
  EXPECT_EQ(json["policy"], "strict");
  EXPECT_EQ(json["track"], "cifar100");
  EXPECT_EQ(json["params"], 62203.0625);
  EXPECT_EQ(json["ops"], 31664255.0);
  EXPECT_TRUE(json["param_bits"].is_number_integer());
  EXPECT_EQ(json["param_bits"], 1990498);
  EXPECT_EQ(json["bit_ops"], 1013256160);
  EXPECT_EQ(json["accuracy"]["correct"], 8041);
  EXPECT_EQ(json["gate"], "PASS");
  Ratio params = 0;
  Ratio ops = 0;
  for (const nlohmann::json& row : json["rows"])
    (row["part"] == "ops" ? ops : params) += Ratio(row["total_bits"].get<int64_t>());
  EXPECT_EQ(params, Ratio(1990498));
  EXPECT_EQ(ops, Ratio(1013256160));
}

TEST(Sheet, FractionsAreExactBesideTheirDoubles) {
  const nlohmann::json json = nlohmann::json::parse(to_json(riair("as-published:riair-type0")));
  EXPECT_TRUE(json["bit_ops"].is_number_float());
  EXPECT_NE(json["bit_ops_exact"].get<std::string>().find('/'), std::string::npos);
  EXPECT_GT(json["deviations"].size(), 5U);
}

TEST(Sheet, NothingMeasuredIsNeverAPass) {
  const ScoreSheet sheet = make_sheet(list_of(R"({"kind": "relu", "channels": 4})").walk, policy_named("strict"),
                                      track_named("cifar100"), {});
  const nlohmann::json json = nlohmann::json::parse(to_json(sheet));
  EXPECT_TRUE(json["accuracy"].is_null());
  EXPECT_EQ(json["gate"], "not measured");
  EXPECT_EQ(to_text(sheet).find("PASS"), std::string::npos);
  EXPECT_EQ(to_markdown(sheet).find("PASS"), std::string::npos);
}

TEST(Sheet, PerplexityIsOnEveryForm) {
  const OpList list =
      list_of(R"({"kind": "relu", "channels": 3})", R"("track": "wikitext103", "accuracy": {"perplexity": 34.5}, )");
  const ScoreSheet sheet = make_sheet(list.walk, policy_named("strict"), *list.track, list.accuracy);
  const nlohmann::json json = nlohmann::json::parse(to_json(sheet));
  EXPECT_TRUE(json["accuracy"].is_null());
  EXPECT_EQ(json["perplexity"], 34.5);
  EXPECT_EQ(json["gate"], "PASS");
  EXPECT_NE(to_text(sheet).find("perplexity 34.5, gate perplexity 35: PASS"), std::string::npos);
  EXPECT_NE(to_markdown(sheet).find("perplexity 34.5, gate perplexity 35: PASS"), std::string::npos);
}

TEST(Sheet, NamesCannotBreakATable) {
  const OpList list = list_of(R"({"kind": "relu", "name": "a|b", "channels": 3})");
  const ScoreSheet sheet = make_sheet(list.walk, policy_named("strict"), track_named("cifar100"), {});
  EXPECT_NE(to_markdown(sheet).find("| operation | a\\|b | relu |"), std::string::npos) << to_markdown(sheet);
}

TEST(Explain, PutsNumbersIn) {
  const std::string text = explain(riair("strict"), "dense1.0.conv1");
  // 413 nonzeros at 32 x 32 positions, 4-bit codes: 413 x 1024 x 4.
  EXPECT_NE(text.find("413 nonzero weights x 1024 positions; width max(4, 4)"), std::string::npos) << text;
  EXPECT_NE(text.find("= 422912 x 4 bits = 1691648 bit-operations = 52864 in 32-bit units"), std::string::npos) << text;
  EXPECT_NE(text.find("R18  an operation costs"), std::string::npos);
  EXPECT_EQ(message_of([] { explain(riair("strict"), "dense1.0.conv3"); }),
            "RIAIR CIFAR-100 (2019 winner): no layer 'dense1.0.conv3' on the sheet, did you mean 'dense1.0.conv1'?");
}

TEST(Diff, SaysWhereTheScoreWent) {
  const std::string a = to_json(riair("strict"));
  const std::string b = to_json(riair("as-published:riair-type4"));
  const std::string text = diff(a, "a", b, "b", 5);
  EXPECT_NE(text.find("B - A: -0.000347781"), std::string::npos) << text;
  EXPECT_NE(text.find("stored scale"), std::string::npos);
  EXPECT_LE(widest_line(text), 100U);
  EXPECT_NE(diff(a, "a", a, "a", 5).find("0 of"), std::string::npos);
}

struct Called {
  int status;
  std::string output;
};

Called call(const std::string& arguments) {
  const std::string command = program_folder() + "/carat " + arguments + " 2>&1";
  std::FILE* pipe = ::popen(command.c_str(), "r");
  std::string output;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) output += static_cast<char>(c);
  return {WEXITSTATUS(::pclose(pipe)), output};
}

TEST(Command, ScoreExplainDiffPolicies) {
  const std::string list = source_folder() + "/oplists/riair_cifar100.json";
  EXPECT_NE(call("score " + list).output.find("0.004722712"), std::string::npos);
  const Called two = call("score " + list + " --policy strict --policy as-published:riair --format json");
  EXPECT_EQ(nlohmann::json::parse(two.output).size(), 2U);
  EXPECT_NE(call("score " + list + " --declare float32-scales").output.find("0.005284901"), std::string::npos);
  EXPECT_NE(call("explain " + list + " fc").output.find("R18"), std::string::npos);
  EXPECT_NE(call("diff " + list + " " + list + " --policy strict --policy as-published:riair").output.find("B - A"),
            std::string::npos);
  EXPECT_NE(call("policies official").output.find("freebie"), std::string::npos);
  EXPECT_NE(call("score " + list + " --correct 8000 --total 10000").output.find("PASS"), std::string::npos);
  EXPECT_NE(call("score " + list + " --correct 7999 --total 10000").output.find("FAIL"), std::string::npos);
}

// What was handed in is what the packed file scores.
TEST(Command, PackedModelsScoreAsTheirSheets) {
  for (const std::string& name : {"demo", "cifar100_demo"}) {
    const std::string folder = source_folder() + "/results/" + name;
    const nlohmann::json sheet = nlohmann::json::parse(read_text(folder + "/score_sheet.json"));
    const std::string words = "score " + folder + "/model.carat --track " + sheet["track"].get<std::string>() +
                              " --correct " + sheet["accuracy"]["correct"].dump() + " --total " +
                              sheet["accuracy"]["total"].dump() + " --format ";
    for (const std::string& format : {"json", "csv", "md"})
      EXPECT_EQ(call(words + format).output, read_text(folder + "/score_sheet." + format)) << name << " " << format;
    Ratio bits = 0;
    for (const nlohmann::json& row : sheet["rows"])
      if (row["part"] == "params") bits += Ratio(row["total_bits"].get<int64_t>());
    EXPECT_EQ(bits, Ratio(sheet["param_bits"].get<int64_t>())) << name;
  }
}

TEST(Command, BadInputIsOneLine) {
  const TemporaryFolder folder;
  write_atomically(folder / "bad.json", R"({"format": "carat-oplist", "name": "n", "layers": [{"kind": "conf2d"}]})");
  write_atomically(folder / "junk.bin", "junk");
  write_atomically(folder / "trackless.json",
                   R"({"format": "carat-oplist", "name": "n", "layers": [{"kind": "relu", "channels": 3}]})");
  const std::string list = source_folder() + "/oplists/riair_cifar100.json";
  for (const std::string& arguments :
       {"score " + (folder / "bad.json"), "score " + (folder / "junk.bin"), "score " + (folder / "missing"),
        "score " + (folder / "trackless.json"), "score " + list + " --track wikitext103 --perplexity 0.5",
        "score " + list + " --policy official", "score " + list + " --policy strikt",
        "score " + list + " --track cifar10", "score " + list + " --declare x", "explain " + list + " nothing"}) {
    const Called called = call(arguments);
    EXPECT_EQ(called.status, 1) << arguments << "\n" << called.output;
    EXPECT_EQ(std::count(called.output.begin(), called.output.end(), '\n'), 1) << called.output;
  }
  EXPECT_EQ(call("score").status, 2);
  EXPECT_EQ(call("score " + list + " --format yaml").status, 2);
}

}  // namespace
}  // namespace carat
