// SPDX-License-Identifier: Apache-2.0
#include "scoring/charge_dots.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/fail.h"

namespace carat {
namespace {

int64_t levels_of(int64_t n) {
  int64_t levels = 0;
  for (; n > 1; n = (n + 1) / 2) ++levels;
  return levels;
}

// Bits of (2^a - 1)(2^(a-1) - 1) K: the largest sum that the CIFAR-100 entry's formula allows for.
int64_t bits_by_length(int64_t activation_bits, int64_t length) {
  require(activation_bits >= 2 && activation_bits <= 16, "a fixed accumulator needs inputs of 2 to 16 bits, got {}",
          activation_bits);
  const Ratio largest =
      Ratio((int64_t{1} << activation_bits) - 1) * Ratio((int64_t{1} << (activation_bits - 1)) - 1) * Ratio(length);
  int64_t bits = 1;
  for (Ratio bound = 2; !(largest < bound); bound = bound * Ratio(2)) ++bits;
  return bits;
}

class DotCharge {
 public:
  DotCharge(const DotProducts& dots, const Policy& policy) : dots_(dots), policy_(policy) {
    kernels_ = dots.per_kernel;
    if (policy.counts_zero_weights || (dots.is_fractional && !dots.has_weights))
      kernels_.assign(static_cast<size_t>(dots.kernels), dots.length);
    is_fractional_ = dots.is_fractional && kernels_.empty();
    if (is_fractional_) {
      total_ = dots.products * Ratio(dots.kernels);
    } else {
      total_ = 0;
      for (const int64_t n : kernels_) total_ += n;
    }
  }

  std::vector<Row> rows() {
    const Ratio mults = total_ * Ratio(dots_.positions);
    add_row(What::mult, mults, mult_bits(),
            fmt::format("{} {} x {} positions; {}", total_.text(), weight_word(), dots_.positions, width_text()),
            is_sign_flip() ? "R16 R20" : "R16 R18");
    const Accumulator accumulator = chosen();
    if (accumulator.kind == Accumulator::Kind::tree)
      tree_rows();
    else
      plain_rows(accumulator);
    return std::move(rows_);
  }

 private:
  const char* weight_word() const { return dots_.has_weights ? "nonzero weights" : "products"; }

  void add_row(What what, const Ratio& count, int64_t bits, const std::string& formula, const char* rule) {
    if (count == Ratio(0)) return;
    Row row;
    row.what = what_name(what);
    row.cost = cost_of(what);
    row.count = count;
    row.bits = bits;
    row.formula = formula;
    row.rule = rule;
    rows_.push_back(std::move(row));
  }

  // A declared width is what is executed: it holds before R20 too.
  bool is_sign_flip() const { return dots_.is_sign_flip && dots_.mult_bits == 0 && !policy_.mult_bits; }

  int64_t mult_bits() const {
    if (policy_.mult_bits) return *policy_.mult_bits;
    if (dots_.mult_bits > 0) return dots_.mult_bits;
    return is_sign_flip() ? 1 : std::max(dots_.factor_bits, dots_.input_bits);
  }

  std::string width_text() const {
    if (policy_.mult_bits) return fmt::format("width {} by the policy", *policy_.mult_bits);
    if (dots_.mult_bits > 0) return fmt::format("width {} as declared", dots_.mult_bits);
    if (is_sign_flip()) return "width 1, sign flips";
    return fmt::format("width max({}, {})", dots_.factor_bits, dots_.input_bits);
  }

  int64_t largest() const { return kernels_.empty() ? 0 : *std::max_element(kernels_.begin(), kernels_.end()); }

  Accumulator chosen() const {
    using Kind = Accumulator::Kind;
    switch (policy_.accumulator) {
      case AccumulatorRule::declared:
        return dots_.accumulator;
      case AccumulatorRule::float16:
        return {Kind::floating, 16};
      case AccumulatorRule::float32:
        return {Kind::floating, 32};
      default:
        break;
    }
    if (!dots_.on_integers()) return {Kind::floating, 32};
    switch (policy_.accumulator) {
      case AccumulatorRule::fixed_by_length:
        return {Kind::fixed, bits_by_length(dots_.input_bits, dots_.length)};
      case AccumulatorRule::fixed_by_largest:
        return {Kind::fixed, tree_result_bits(largest(), dots_.product_bits())};
      case AccumulatorRule::fixed_16:
        return {Kind::fixed, std::min<int64_t>(16, tree_result_bits(largest(), dots_.product_bits()))};
      default:
        return {Kind::tree, 0};
    }
  }

  void tree_rows() {
    require(!is_fractional_,
            "an adder tree needs whole numbers of products (sparsity_mode uniform, real or floor), got {} per output",
            dots_.products.text());
    std::map<int64_t, int64_t> kernels_of;  // by their number of products
    for (const int64_t n : kernels_) ++kernels_of[n];
    std::map<int64_t, int64_t> adds;
    for (const auto& [n, kernels] : kernels_of)
      for (const auto& [bits, count] : adder_tree(n, dots_.product_bits()))
        adds[bits] = checked_sum(adds[bits], checked_product(count, kernels));
    int64_t level = 0;
    for (const auto& [bits, count] : adds)
      add_row(What::add, Ratio(count) * Ratio(dots_.positions), policy_.add_bits.value_or(bits),
              fmt::format("adder tree level {}: {} over all kernels x {} positions; width {} + {}", level++, count,
                          dots_.positions, dots_.product_bits(), bits - dots_.product_bits()),
              "R16 R18 O6");
  }

  Ratio exact_adds() const {
    if (is_fractional_)
      return dots_.products < Ratio(1) ? Ratio(0) : (dots_.products - Ratio(1)) * Ratio(dots_.kernels);
    Ratio adds = 0;
    for (const int64_t n : kernels_) adds += std::max<int64_t>(n - 1, 0);
    return adds;
  }

  void plain_rows(const Accumulator& accumulator) {
    const bool is_fixed = accumulator.kind == Accumulator::Kind::fixed;
    Ratio adds = exact_adds();
    std::string formula = "products - 1 of every kernel that is not empty";
    if (!is_fixed && policy_.float_adds == FloatAdds::minus_outputs) {
      adds = total_ - Ratio(dots_.kernels);
      formula = "products - kernels";
    } else if (!is_fixed && policy_.float_adds == FloatAdds::density) {
      adds = total_ * Ratio::of(dots_.length - 1, dots_.length);
      formula = fmt::format("products x ({} - 1) / {}", dots_.length, dots_.length);
    } else if (policy_.float_adds == FloatAdds::as_mults) {
      adds = total_;
      formula = "one per multiply";
    }
    Ratio count = adds * Ratio(dots_.positions);
    formula = fmt::format("{}: {} x {} positions", formula, adds.text(), dots_.positions);
    if (policy_.divides_fixed_float_adds_twice && !is_fixed && !dots_.is_linear) {
      count = count / Ratio(32);
      formula += ", divided by 32 once too often";
    }
    const char* rule = is_fixed ? "R16 R18 R25" : accumulator.bits < 32 ? "R16 R18 O6" : "R16 R18";
    add_row(What::add, count, policy_.add_bits.value_or(accumulator.bits), formula, rule);
  }

  const DotProducts& dots_;
  const Policy& policy_;
  std::vector<int64_t> kernels_;
  bool is_fractional_ = false;
  Ratio total_;
  std::vector<Row> rows_;
};

}  // namespace

std::map<int64_t, int64_t> adder_tree(int64_t n, int64_t bits) {
  std::map<int64_t, int64_t> levels;
  for (; n > 1; n = (n + 1) / 2) levels[bits++] += n / 2;
  return levels;
}

int64_t tree_result_bits(int64_t n, int64_t bits) { return bits + levels_of(n); }

std::vector<Row> charge_dots(const DotProducts& dots, const Policy& policy) { return DotCharge(dots, policy).rows(); }

}  // namespace carat
