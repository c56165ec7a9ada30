// SPDX-License-Identifier: Apache-2.0
#include "scoring/rules.h"

#include <algorithm>
#include <sstream>

#include "base/fail.h"

namespace carat {

const std::vector<Rule>& rules() {
  static const std::vector<Rule> table = {
      {"R1", "score = parameters / P0 + operations / M0, in 32-bit units; lower wins"},
      {"R2", "ImageNet is normalised by 6.9 million parameters and 1,170 million operations"},
      {"R3", "CIFAR-100 is normalised by 36.5 million parameters and 10,490 million operations"},
      {"R4", "WikiText-103 is normalised by 159 million parameters and 318 million operations"},
      {"R5", "example: 3 million parameters and 500 million operations on ImageNet score 0.862"},
      {"R6", "ImageNet: at least 37,500 of 50,000 images right"},
      {"R7", "CIFAR-100: at least 8,000 of 10,000 images right"},
      {"R8", "WikiText-103: word-level test perplexity of 35 or below"},
      {"R9", "everything that inference needs is counted, trainable or not: scales, zero points, codebooks, masks"},
      {"R10", "a value of b bits counts b/32 of a parameter"},
      {"R11", "a sparse tensor is its nonzero values and a bit mask of its full shape; a dense tensor has no mask"},
      {"R12", "block sparsity has one mask bit per block and stores every value of a kept block"},
      {"R13", "an entry that quantizes nothing may count its parameters as 16-bit values"},
      {"R14",
       "if any part of the model is quantized, the freebie of 16-bit parameters and multiplies is lost for the whole "
       "entry"},
      {"R15", "operations are the mean number per example over the test set"},
      {"R16", "a multiply and an addition are one operation each"},
      {"R17", "a transcendental function is one operation, a bitwise operation is one operation"},
      {"R18", "an operation costs the width of its widest input / 32; the width of its result does not matter"},
      {"R19", "under the freebie multiplies count at 16 bits; additions stay at 32 bits"},
      {"R20",
       "multiplying a value that has a sign bit of its own by a weight in {-1, +1} costs 1/32, whatever the width"},
      {"R21", "conversions between formats that FP32 represents exactly are free; others count"},
      {"R22", "zeros in activations that depend on the input must not lower the count; static ones may"},
      {"R23", "a permutation of C channels is one multiply per element; it stores C values and C x C mask bits"},
      {"R24", "WikiText-103 is counted per token, one token at a time, one sequence, no padding"},
      {"R25", "quantized values must lie on their grid; narrow accumulators must really round"},
      {"R26", "only the task's own training data; code and model public"},
      {"R27", "the maximum size of activations is not scored"},
      {"O1", "the mask of 1 bit per parameter counts, zero-valued parameters included"},
      {"O2", "a batch norm's scale may be folded, its bias counts: parameters and one addition per output"},
      {"O3", "two-level masks are refused; dead output channels and the inputs they feed may be dropped"},
      {"O4", "non-linearities and pooling that are not truly quantized count at 32 bits"},
      {"O5", "mixed-width accumulation without proof counts at 32 bits"},
      {"O6", "integer adder trees with a working demonstration, and FP16 sums really executed in FP16, are accepted"},
      {"O7", "fractional storage widths are rounded up"},
      {"O8", "verification was not exhaustive: accepted scores hold counting slips"},
      {"open", "the rules do not say; docs/scoring_rules.md lists it as an open interpretation"},
  };
  return table;
}

const std::string& rule_text(const std::string& id) {
  const auto found = std::find_if(rules().begin(), rules().end(), [&](const Rule& rule) { return rule.id == id; });
  require(found != rules().end(), "no rule '{}'", id);
  return found->text;
}

std::vector<std::string> rule_ids(const std::string& column) {
  std::istringstream stream(column);
  std::vector<std::string> ids;
  for (std::string id; stream >> id;) ids.push_back(id);
  return ids;
}

}  // namespace carat
