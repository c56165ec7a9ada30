// SPDX-License-Identifier: Apache-2.0
#include "scoring/track.h"

#include <charconv>

#include "base/fail.h"
#include "base/text.h"

namespace carat {
namespace {

int64_t positive(std::string_view text, std::string_view whole) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  require(error == std::errc() && end == text.data() + text.size() && value > 0,
          "track '{}': expected custom:PARAMETERS:OPERATIONS[:CORRECT/TOTAL] in positive whole numbers, got '{}'",
          whole, text);
  return value;
}

Track custom_track(const std::string& text) {
  std::vector<std::string> parts;
  for (size_t at = 0; at != std::string::npos;) {
    const size_t colon = text.find(':', at);
    parts.push_back(text.substr(at, colon == std::string::npos ? colon : colon - at));
    at = colon == std::string::npos ? colon : colon + 1;
  }
  require(parts.size() == 3 || parts.size() == 4,
          "track '{}': expected custom:PARAMETERS:OPERATIONS[:CORRECT/TOTAL], got {} parts", text, parts.size());
  Track track;
  track.name = text;
  track.parameter_norm = positive(parts[1], text);
  track.op_norm = positive(parts[2], text);
  if (parts.size() == 4) {
    const size_t slash = parts[3].find('/');
    require(slash != std::string::npos, "track '{}': expected a gate CORRECT/TOTAL, got '{}'", text, parts[3]);
    track.gate_correct = positive(parts[3].substr(0, slash), text);
    track.gate_total = positive(parts[3].substr(slash + 1), text);
    require(track.gate_correct <= track.gate_total, "track '{}': the gate asks for more than all", text);
  }
  return track;
}

}  // namespace

const char* gate_name(Gate gate) { return gate == Gate::pass ? "PASS" : gate == Gate::fail ? "FAIL" : "not measured"; }

Gate check_gate(const Track& track, const Accuracy& accuracy) {
  if (track.gate_perplexity) {
    if (!accuracy.perplexity) return Gate::not_measured;
    return *track.gate_perplexity < *accuracy.perplexity ? Gate::fail : Gate::pass;
  }
  if (track.gate_total == 0 || accuracy.total < track.gate_total || accuracy.total == 0) return Gate::not_measured;
  return checked_product(accuracy.correct, track.gate_total) >= checked_product(track.gate_correct, accuracy.total)
             ? Gate::pass
             : Gate::fail;
}

const std::vector<Track>& tracks() {
  static const std::vector<Track> table = {
      {"imagenet", 6900000, 1170000000, 37500, 50000, {}, "", "MicroNet Challenge, rules R2 and R6"},
      {"cifar100", 36500000, 10490000000, 8000, 10000, {}, "cifar100", "MicroNet Challenge, rules R3 and R7"},
      {"wikitext103", 159000000, 318000000, 0, 0, Ratio(35), "", "MicroNet Challenge, rules R4 and R8"},
      {"fashion_mnist",
       77358,
       5120576,
       9000,
       10000,
       {},
       "fashion_mnist",
       "normaliser: resnet8 dense at 32 bits, as counted here"},
      {"synthetic", 10000, 1000000, 0, 500, {}, "synthetic", "for tests"},
  };
  return table;
}

Track track_named(const std::string& name) {
  if (name.starts_with("custom:")) return custom_track(name);
  std::vector<std::string> names;
  for (const Track& track : tracks()) {
    if (track.name == name) return track;
    names.push_back(track.name);
  }
  names.emplace_back("custom:PARAMETERS:OPERATIONS[:CORRECT/TOTAL]");
  const std::string nearest = nearest_name(name, names);
  fail("unknown track '{}', expected one of: {}{}", name, join(names, ", "),
       nearest.empty() ? "" : "; did you mean '" + nearest + "'?");
}

}  // namespace carat
