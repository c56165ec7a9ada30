// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "base/text.h"
#include "scoring/policy.h"
#include "scoring/rules.h"

namespace carat {
namespace {

std::string accumulator_text(AccumulatorRule rule) {
  switch (rule) {
    case AccumulatorRule::declared:
      return "sums are charged as declared";
    case AccumulatorRule::tree:
      return "integer sums are charged as a growing adder tree, floating sums at 32 bits";
    case AccumulatorRule::fixed_by_length:
      return "integer sums at floor(log2((2^a - 1)(2^(a-1) - 1) K)) + 1 bits, a the input width, K the kernel length";
    case AccumulatorRule::fixed_by_largest:
      return "integer sums at the result width of the adder tree of the layer's largest kernel";
    case AccumulatorRule::fixed_16:
      return "integer sums at that tree's result width, at most 16 bits";
    case AccumulatorRule::float16:
      return "every sum at 16 bits";
    case AccumulatorRule::float32:
      return "every sum at 32 bits";
  }
  return "";
}

std::string adds_text(FloatAdds rule) {
  switch (rule) {
    case FloatAdds::exact:
      return "floating sums: products - 1 of every kernel that is not empty";
    case FloatAdds::minus_outputs:
      return "floating sums: products - outputs, negative for empty kernels";
    case FloatAdds::density:
      return "floating sums: products x (K - 1) / K, K the kernel length (slip S4)";
    case FloatAdds::as_mults:
      return "one addition per multiply";
  }
  return "";
}

void add_flags(const Policy& p, std::vector<Deviation>& list) {
  if (p.is_freebie) list.push_back({"R13", "parameters count at 16 bits and multiplies at 16 bits without quantizing"});
  if (p.is_freebie) list.push_back({"R14", "refused for a network that quantizes anything"});
  if (p.parameter_bits && !p.is_freebie)
    list.push_back({"R10", fmt::format("every stored value counts {} bits", *p.parameter_bits)});
  if (p.mult_bits && !p.is_freebie)
    list.push_back({"R18", fmt::format("every multiply, division and ReLU counts {} bits", *p.mult_bits)});
  if (p.add_bits) list.push_back({"R18", fmt::format("every other operation counts {} bits", *p.add_bits)});
  if (p.divides_fixed_float_adds_twice)
    list.push_back({"R18", "floating-point convolution sums are divided by 32 twice (slip S3)"});
  if (p.counts_zero_weights) list.push_back({"R11", "operations of pruned weights are charged"});
  if (p.has_one_channel_scales)
    list.push_back({"R9", "a Scale layer's parameters are charged for one channel, the batch dimension (slip S1)"});
  if (p.has_free_linear_bias) list.push_back({"O2", "the bias addition of a linear layer is not charged"});
  if (p.pool == PoolRule::edge) list.push_back({"R16", "a k x k mean is charged k - 1 additions (slip S2)"});
  if (p.pool == PoolRule::per_input) list.push_back({"R16", "pooling is charged one operation per input element"});
  if (p.mask == MaskRule::per_nonzero)
    list.push_back({"R11", "the mask is charged one bit per nonzero weight, dense tensors included"});
  if (p.mask == MaskRule::none) list.push_back({"R11", "masks are not charged"});
  if (p.layer_norm_ops > 0)
    list.push_back({"R16", fmt::format("a layer norm is charged {} operations per element", p.layer_norm_ops)});
  if (!p.known_kinds.empty()) list.push_back({"R16", "kinds that the script does not know are refused"});
}

const char* rule_of(What what) {
  switch (what) {
    case What::bias_add:
    case What::norm_add:
      return "O2";
    case What::pool_add:
    case What::pool_mult:
    case What::function_mult:
    case What::function_add:
    case What::transcendental:
      return "O4";
    default:
      return "R18";
  }
}

}  // namespace

std::vector<Deviation> deviations(const Policy& p) {
  std::vector<Deviation> list;
  add_flags(p, list);
  if (p.accumulator != AccumulatorRule::declared) {
    const bool is_float = p.accumulator == AccumulatorRule::float16 || p.accumulator == AccumulatorRule::float32;
    list.push_back({is_float ? "O6" : "R18", accumulator_text(p.accumulator)});
  }
  if (p.float_adds != FloatAdds::exact) list.push_back({"R16", adds_text(p.float_adds)});
  for (const auto& [what, bits] : p.widths)
    list.push_back({rule_of(what), fmt::format("{}: {} bits whatever is declared", what_name(what), bits)});
  for (const What what : p.free_operations) list.push_back({"R16", fmt::format("{}: not charged", what_name(what))});
  for (const Stored stored : p.free_tensors)
    list.push_back({"R9", fmt::format("stored {}: not charged", stored_name(stored))});
  return list;
}

std::string policies_text() {
  std::string text;
  for (const Policy& policy : policies())
    text += fmt::format("{:<34} {}\n", policy.name,
                        policy.help.size() > 64 ? policy.help.substr(0, 61) + "..." : policy.help);
  return text + "\ncarat policies NAME lists how one differs from strict, each difference with its rule.\n";
}

std::string policy_text(const Policy& policy) {
  std::string text = fmt::format("{}: {}\nsource: {}\n", policy.name, policy.help, policy.source);
  const std::vector<Deviation> list = deviations(policy);
  if (list.empty()) return text + "no deviation: every other policy is measured against this one\n";
  for (const Deviation& deviation : list)
    text += fmt::format("\n- {}\n  against {}: {}\n", deviation.text, deviation.rule, rule_text(deviation.rule));
  return text;
}

}  // namespace carat
