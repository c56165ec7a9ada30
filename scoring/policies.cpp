// SPDX-License-Identifier: Apache-2.0
// The table of policies. A new one is a row here; its deviations from strict are derived from its data.
#include "base/fail.h"
#include "base/text.h"
#include "scoring/policy.h"

namespace carat {
namespace {

using W = What;

Policy official(bool is_freebie) {
  Policy p;
  p.name = is_freebie ? "official" : "official:32bit";
  p.help = is_freebie ? "the published counting script, freebie included" : "the published counting script, 32 bits";
  p.source = "google-research/micronet_challenge, counting.py";
  p.is_freebie = is_freebie;
  p.parameter_bits = p.mult_bits = is_freebie ? 16 : 32;
  p.add_bits = 32;
  p.accumulator = AccumulatorRule::float32;
  p.float_adds = FloatAdds::minus_outputs;
  p.free_operations = {W::norm_mult};
  p.free_tensors = {Stored::norm_scale};
  p.known_kinds = {"conv",  "conv2d",  "depthwise_conv2d", "linear", "global_avg_pool", "multiply", "add",  "relu",
                   "swish", "sigmoid", "batch_norm",       "concat", "dropout",         "upsample", "copy", "add_bias"};
  return p;
}

struct RiairType {
  AccumulatorRule accumulator;
  bool has_float32_bias;
  bool has_float32_pool;
  const char* help;
};

// Source: wps712/MicroNetChallenge, branch cifar100, score types 0 to 6.
const std::vector<RiairType>& riair_types() {
  static const std::vector<RiairType> types = {
      {AccumulatorRule::tree, false, false, "adder tree, the rest in FP16"},
      {AccumulatorRule::fixed_by_length, false, false, "fixed integer register, the rest in FP16"},
      {AccumulatorRule::float32, true, true, "FP32 convolution sums, pooling and bias"},
      {AccumulatorRule::fixed_by_length, true, true, "fixed integer register, FP32 pooling and bias"},
      {AccumulatorRule::tree, true, true, "adder tree, FP32 pooling and bias: the leaderboard's"},
      {AccumulatorRule::tree, false, true, "adder tree, FP32 pooling"},
      {AccumulatorRule::fixed_by_length, false, true, "fixed integer register, FP32 pooling"},
  };
  return types;
}

Policy riair_cifar(size_t type, bool is_mended) {
  const RiairType& t = riair_types()[type];
  Policy p;
  p.name = "as-published:riair-type" + std::to_string(type) + (is_mended ? "-mended" : "");
  p.help = std::string("CIFAR-100, score type ") + std::to_string(type) + ": " + t.help +
           (is_mended ? "; slips S1 and S2 mended" : "");
  p.source = "wps712/MicroNetChallenge, branch cifar100";
  p.accumulator = t.accumulator;
  p.float_adds = FloatAdds::density;
  p.divides_fixed_float_adds_twice = t.accumulator == AccumulatorRule::fixed_by_length;
  p.widths = {{W::scale_mult, 16}, {W::relu, 16}, {W::pool_mult, 16}};
  p.widths[W::bias_add] = t.has_float32_bias ? 32 : 16;
  p.widths[W::pool_add] = t.has_float32_pool ? 32 : 16;
  if (!is_mended) {
    p.pool = PoolRule::edge;
    p.has_one_channel_scales = true;
  }
  return p;
}

Policy riair_imagenet(const char* suffix, AccumulatorRule accumulator, int64_t function_bits, const char* help) {
  Policy p;
  p.name = std::string("as-published:riair-imagenet") + suffix;
  p.help = std::string("ImageNet: ") + help;
  p.source = "wps712/MicroNetChallenge, branch master";
  p.accumulator = accumulator;
  p.float_adds = FloatAdds::density;
  p.widths = {{W::scale_mult, 16},
              {W::bias_add, 16},
              {W::relu, 16},
              {W::residual_add, 16},
              {W::elementwise_mult, 16},
              {W::pool_add, function_bits},
              {W::pool_mult, function_bits},
              {W::function_mult, function_bits},
              {W::function_add, function_bits},
              {W::transcendental, function_bits}};
  return p;
}

Policy rocker() {
  Policy p;
  p.name = "as-published:rocker";
  p.help = "ImageNet: FP16 sums and residuals, 32-bit non-linearities, quantization steps not counted";
  p.source = "the team's per-layer score log";
  p.widths = {{W::residual_add, 16}, {W::elementwise_mult, 16}};
  p.free_tensors = {Stored::scale};
  return p;
}

Policy mit(bool is_revised) {
  Policy p;
  p.name = is_revised ? "as-published:mit-han-lab-revised" : "as-published:mit-han-lab";
  p.help = is_revised ? "WikiText-103, the team's later notebooks: sparsity applied"
                      : "WikiText-103 as ranked: operations of pruned weights counted";
  p.source = "mit-han-lab/neurips-micronet, neurips_micronet_challenge/submission_1 to 3.ipynb";
  p.accumulator = AccumulatorRule::float32;
  p.float_adds = FloatAdds::density;
  p.counts_zero_weights = !is_revised;
  p.layer_norm_ops = 6;
  return p;
}

Policy qualcomm() {
  Policy p;
  p.name = "as-published:qualcomm";
  p.help = "32-bit additions; convolutions, linear layers, batch norms, ReLUs and pooling modules alone";
  p.source = "yashbhalgat/QualcommAI-MicroNet-submission-MixNet, lsq_quantizer/flops_counter.py";
  p.accumulator = AccumulatorRule::float32;
  p.float_adds = FloatAdds::minus_outputs;
  p.pool = PoolRule::per_input;
  p.mask = MaskRule::per_nonzero;
  p.widths = {{W::bias_add, 32}, {W::pool_add, 32}, {W::norm_mult, 32}, {W::norm_add, 32}};
  // The counter hangs on modules: what a network calls as a function, it does not see.
  p.free_operations = {W::residual_add, W::elementwise_mult, W::function_mult, W::function_add, W::transcendental};
  p.has_free_linear_bias = true;
  return p;
}

Policy macs() {
  Policy p;
  p.name = "macs";
  p.help = "2 x multiplies of convolutions and linear layers at 32 bits: how the normalisers were made";
  p.source = "the papers behind R2 and R3";
  p.parameter_bits = p.mult_bits = p.add_bits = 32;
  p.accumulator = AccumulatorRule::float32;
  p.float_adds = FloatAdds::as_mults;
  p.free_operations = {W::bias_add,         W::scale_mult,   W::norm_mult,      W::norm_add,   W::residual_add,
                       W::elementwise_mult, W::pool_add,     W::pool_mult,      W::comparison, W::relu,
                       W::function_mult,    W::function_add, W::transcendental, W::lookup,     W::permutation,
                       W::zero_point,       W::conversion,   W::bitwise};
  return p;
}

Policy renamed(Policy policy, const char* name, const char* help) {
  policy.name = name;
  policy.help = help;
  return policy;
}

std::vector<Policy> all_policies() {
  Policy strict;
  strict.name = "strict";
  strict.help = "the rule text R1 to R27 with the rulings O1 to O8, widths as declared and executed";
  strict.source = "docs/scoring_rules.md";
  std::vector<Policy> table = {strict, official(true), official(false)};
  table.push_back(
      renamed(riair_cifar(4, false), "as-published:riair", "CIFAR-100, as on the leaderboard: score type 4"));
  for (const bool is_mended : {false, true})
    for (size_t type = 0; type < riair_types().size(); ++type) table.push_back(riair_cifar(type, is_mended));
  table.push_back(riair_imagenet("", AccumulatorRule::tree, 32, "adder tree, 32-bit functions and pooling: final"));
  table.push_back(riair_imagenet("-before", AccumulatorRule::tree, 16, "adder tree, everything else in FP16: first"));
  table.push_back(riair_imagenet("-int", AccumulatorRule::fixed_by_largest, 32, "fixed integer register"));
  table.push_back(riair_imagenet("-int16", AccumulatorRule::fixed_16, 32, "fixed register of at most 16 bits"));
  table.push_back(riair_imagenet("-fp16", AccumulatorRule::float16, 32, "FP16 sums"));
  table.push_back(riair_imagenet("-fp32", AccumulatorRule::float32, 32, "FP32 sums"));
  table.push_back(rocker());
  table.push_back(mit(false));
  table.push_back(mit(true));
  table.push_back(qualcomm());
  table.push_back(macs());
  return table;
}

}  // namespace

const std::vector<Policy>& policies() {
  static const std::vector<Policy> table = all_policies();
  return table;
}

const Policy& policy_named(const std::string& name) {
  // The team is known under both names.
  std::string wanted = name;
  if (const size_t at = wanted.find(":casia"); at != std::string::npos) wanted.replace(at, 6, ":riair");
  std::vector<std::string> names;
  for (const Policy& policy : policies()) {
    if (policy.name == wanted) return policy;
    names.push_back(policy.name);
  }
  const std::string nearest = nearest_name(name, names);
  fail("unknown policy '{}'{} (carat policies lists them)", name,
       nearest.empty() ? "" : ", did you mean '" + nearest + "'?");
}

}  // namespace carat
