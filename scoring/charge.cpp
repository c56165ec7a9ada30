// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "base/fail.h"
#include "scoring/charge_dots.h"
#include "scoring/ledger.h"
#include "scoring/rules.h"

namespace carat {
namespace {

template <typename Work>
void in_layer(const std::string& layer, const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    fail("layer {}: {}", layer, error.what());
  }
}

class Charge {
 public:
  Charge(const Walk& walk, const Policy& policy) : walk_(walk), policy_(policy) {}

  Ledger run() {
    refuse();
    for (const Step& step : walk_.steps) {
      step_ = &step;
      in_layer(step.layer, [&] { std::visit([this](const auto& work) { visit(work); }, step.work); });
    }
    for (const StoredTensor& tensor : walk_.tensors) in_layer(tensor.layer, [&] { visit(tensor); });
    return std::move(ledger_);
  }

 private:
  void refuse() const {
    if (policy_.is_freebie && (!walk_.quantized.empty() || !walk_.half_precision.empty())) {
      const bool is_half = walk_.quantized.empty();
      fail("policy {}: {}, and R14 says: {}{}", policy_.name, is_half ? walk_.half_precision : walk_.quantized,
           rule_text("R14"),
           is_half ? " (its parameter wording says 'to less than 16 bits', its operation wording 'any part'; the "
                     "stricter one holds here)"
                   : "");
    }
    if (policy_.known_kinds.empty()) return;
    for (const Step& step : walk_.steps)
      require(policy_.known_kinds.contains(step.kind), "policy {}: layer {}: the script does not know the kind '{}'",
              policy_.name, step.layer, step.kind);
  }

  void push(Row row) {
    row.layer = step_->layer;
    row.kind = step_->kind;
    if (!(step_->share == Ratio(1))) {
      row.count = row.count * step_->share;
      row.formula += fmt::format("; x {} of the examples", step_->share.text());
      row.rule += " R15";
    }
    ledger_.rows.push_back(std::move(row));
  }

  void push(What what, const Ratio& count, int64_t declared_bits, const std::string& formula, const std::string& rule) {
    if (policy_.free_operations.contains(what) || count == Ratio(0)) return;
    if (policy_.has_free_linear_bias && what == What::bias_add && step_->kind == "linear") return;
    int64_t bits = declared_bits;
    if (const auto width = policy_.widths.find(what); width != policy_.widths.end()) bits = width->second;
    const std::optional<int64_t>& all = is_multiply(what) ? policy_.mult_bits : policy_.add_bits;
    Row row;
    row.what = what_name(what);
    row.cost = cost_of(what);
    row.count = count;
    row.bits = all.value_or(bits);
    row.formula = formula;
    row.rule = rule;
    push(std::move(row));
  }

  void visit(const DotProducts& dots) {
    for (Row& row : charge_dots(dots, policy_)) push(std::move(row));
  }

  void visit(const Elementwise& op) {
    push(op.what, policy_.counts_zero_weights ? op.dense_count : op.count, op.bits, op.formula, op.rule);
  }

  void visit(const AveragePool& pool) {
    if (policy_.pool == PoolRule::per_input) {
      push(What::pool_add, pool.inputs, pool.add_bits, fmt::format("one per input element: {}", pool.inputs), "R16 O4");
      return;
    }
    const int64_t values = checked_product(pool.window_height, pool.window_width);
    const int64_t adds = (policy_.pool == PoolRule::edge ? pool.window_height : values) - 1;
    push(What::pool_add, checked_product(pool.windows, adds), pool.add_bits,
         fmt::format("{} windows x ({} - 1)", pool.windows, adds + 1), "R16 O4");
    push(What::pool_mult, pool.windows, pool.mult_bits, fmt::format("{} windows x 1", pool.windows), "R16 O4");
  }

  void visit(const LayerNorm& norm) {
    const int64_t d = norm.features;
    const auto row = [&](What what, int64_t count, const char* text) {
      push(what, checked_product(count, norm.positions), 32,
           fmt::format("{}: {} x {} positions", text, count, norm.positions), "R16 R17 O4");
    };
    if (policy_.layer_norm_ops > 0) {
      row(What::norm_add, checked_product(policy_.layer_norm_ops, d), "all operations together");
      return;
    }
    row(What::norm_add, d - 1, "sum");
    row(What::norm_mult, 1, "mean");
    row(What::norm_add, d, "minus the mean");
    row(What::norm_mult, d, "squares");
    row(What::norm_add, d - 1, "sum of squares");
    row(What::norm_mult, 1, "variance");
    row(What::norm_add, 1, "plus epsilon");
    row(What::transcendental, 1, "reciprocal square root");
    row(What::norm_mult, d, "times it");
    if (norm.has_gain) row(What::norm_mult, d, "gain");
    if (norm.has_offset) row(What::norm_add, d, "offset");
  }

  void visit(const StoredTensor& tensor) {
    if (policy_.free_tensors.contains(tensor.what)) return;
    Row row;
    row.part = Part::params;
    row.layer = tensor.layer;
    row.kind = tensor.kind;
    row.what = stored_name(tensor.what);
    row.cost = cost_of(tensor.what);
    row.bits = policy_.parameter_bits.value_or(tensor.bits);
    row.count = tensor.values;
    row.rule = tensor.mask_bits > 0 ? tensor.mask_rule : tensor.what == Stored::weights ? "R10" : "R9 R10";
    row.formula = fmt::format("{} of {} values", tensor.values.text(), tensor.elements);
    if (policy_.has_one_channel_scales && tensor.kind == "scale") {
      row.count = 1;
      row.formula = fmt::format("1 channel instead of {}", tensor.elements);
    }
    if (policy_.mask == MaskRule::per_nonzero) row.count = tensor.nonzeros;
    ledger_.rows.push_back(row);
    Ratio mask = tensor.mask_bits;
    row.formula =
        fmt::format("one bit for each of {} {}", tensor.mask_bits, tensor.mask_rule == "R12" ? "blocks" : "elements");
    if (policy_.mask == MaskRule::per_nonzero) {
      mask = tensor.what == Stored::weights ? tensor.nonzeros : Ratio(0);
      row.formula = fmt::format("one bit for each of {} nonzeros", tensor.nonzeros.text());
    } else if (policy_.mask == MaskRule::none) {
      mask = 0;
    }
    if (mask == Ratio(0)) return;
    row.what = tensor.what == Stored::weights ? "weight mask" : std::string(stored_name(tensor.what)) + " mask";
    row.cost = Cost::mask;
    row.count = mask;
    row.bits = 1;
    row.rule = tensor.mask_rule + " O1";
    ledger_.rows.push_back(std::move(row));
  }

  const Walk& walk_;
  const Policy& policy_;
  const Step* step_ = nullptr;
  Ledger ledger_;
};

}  // namespace

Ratio Ledger::total(Part part) const {
  Ratio bits = 0;
  for (const Row& row : rows)
    if (row.part == part) in_layer(row.layer, [&] { bits += row.total_bits(); });
  return bits;
}

Ratio Ledger::held_bits() const {
  Ratio bits = storage_bits();
  for (const Row& row : rows)
    if (row.part == Part::params && row.what.starts_with(stored_name(Stored::permutation)))
      bits = bits - row.total_bits();
  return bits;
}

Ledger charge(const Walk& walk, const Policy& policy) { return Charge(walk, policy).run(); }

}  // namespace carat
