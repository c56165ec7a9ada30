// SPDX-License-Identifier: Apache-2.0
// The committed results, derived again from their packed files: storage to the bit, predictions image by image.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "base/file.h"
#include "data/loader.h"
#include "models/packed/fast_executor.h"
#include "scoring/score_sheet.h"
#include "tests/support/files.h"

namespace carat {
namespace {

struct Result {
  std::string folder;  // in results/
  std::string data;
};

class ResultTest : public testing::Test {
 protected:
  // Nothing where the data is not on this machine.
  static std::optional<Dataset> data_of(const Result& result) {
    try {
      return open_dataset({.name = result.data}, Split::test);
    } catch (const Error&) {
      return std::nullopt;
    }
  }
  static PackedModel packed_of(const Result& result) {
    return read_packed(source_folder() + "/results/" + result.folder + "/model.carat");
  }
  static nlohmann::json sheet_of(const Result& result) {
    return nlohmann::json::parse(read_text(source_folder() + "/results/" + result.folder + "/score_sheet.json"));
  }

  static void check_sheet(const Result& result) {
    const PackedModel packed = packed_of(result);
    const Model model = unpack(packed);
    const nlohmann::json sheet = sheet_of(result);
    const ScoreSheet again = make_sheet(model.graph, nonzeros_per_kernel(model), track_named(sheet["track"]),
                                        sheet["accuracy"]["correct"], sheet["accuracy"]["total"]);
    EXPECT_EQ(nlohmann::json::parse(to_json(again)), sheet);
    EXPECT_EQ(payload_size(packed).payload_bits, sheet["param_bits"]);
  }

  static void check_predictions(const Result& result) {
    const std::optional<Dataset> data = data_of(result);
    if (!data) GTEST_SKIP() << result.data << " is not on this machine";
    std::vector<int64_t> expected;
    std::istringstream lines(read_text(source_folder() + "/tests/golden/" + result.folder + "_predictions.txt"));
    for (int64_t line = 0; lines >> line;) expected.push_back(line);
    ASSERT_EQ(expected.size(), 1000U);
    EXPECT_EQ(FastExecutor(packed_of(result)).predict(gather(*data, 0, 1000).pixels, 2), expected);
  }

  static void check_accuracy(const Result& result) {
    const std::optional<Dataset> data = data_of(result);
    if (!data) GTEST_SKIP() << result.data << " is not on this machine";
    const std::vector<int64_t> predicted =
        FastExecutor(packed_of(result)).predict(gather(*data, 0, data->size()).pixels, 2);
    int64_t correct = 0;
    for (size_t i = 0; i < predicted.size(); ++i) correct += predicted[i] == data->labels[i] ? 1 : 0;
    const nlohmann::json sheet = sheet_of(result);
    EXPECT_EQ(correct, sheet["accuracy"]["correct"]);
    EXPECT_EQ(data->size(), sheet["accuracy"]["total"]);
  }
};

const Result kDemo = {"demo", "fashion_mnist"};
const Result kCifar = {"cifar100_demo", "cifar100"};
const Result kRecord = {"cifar100_record", "cifar100"};
const Result kFromDense = {"cifar100_from_dense", "cifar100"};

using Results = ResultTest;
using FullResults = ResultTest;

TEST_F(Results, DemoSheet) { check_sheet(kDemo); }
TEST_F(Results, DemoPredictions) { check_predictions(kDemo); }
TEST_F(Results, Cifar100DemoSheet) { check_sheet(kCifar); }
TEST_F(Results, Cifar100DemoPredictions) { check_predictions(kCifar); }
TEST_F(Results, RecordSheet) { check_sheet(kRecord); }
TEST_F(Results, FromDenseSheet) { check_sheet(kFromDense); }
TEST_F(FullResults, DemoAccuracy) { check_accuracy(kDemo); }
TEST_F(FullResults, Cifar100DemoAccuracy) { check_accuracy(kCifar); }
TEST_F(FullResults, RecordAccuracy) { check_accuracy(kRecord); }
TEST_F(FullResults, FromDenseAccuracy) { check_accuracy(kFromDense); }

}  // namespace
}  // namespace carat
