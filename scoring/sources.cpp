// SPDX-License-Identifier: Apache-2.0
#include "scoring/sources.h"

#include <fmt/format.h>

namespace carat {
namespace {

bool has_same_plane(const Shape& a, const Shape& b) { return a.height == b.height && a.width == b.width; }

// Sources whose shapes are known, of all that are named.
struct Sources {
  std::vector<std::pair<std::string, Shape>> known;
  size_t named = 0;
};

Sources find_sources(const Fields& fields, const EarlierShapes& earlier) {
  Sources sources;
  for (const std::string& name : fields.names("from")) {
    const auto found = earlier.find(name);
    if (found == earlier.end()) fields.refuse("from", fmt::format("no earlier layer '{}'", name));
    if (found->second) sources.known.emplace_back(name, *found->second);
    ++sources.named;
  }
  return sources;
}

// Concatenation, reshape, or one source with another number of channels or another size.
void check_copy(const Fields& fields, const Sources& sources, const Shape& result) {
  Shape all = sources.known.front().second;
  bool is_even = true;
  for (size_t i = 1; i < sources.known.size(); ++i) {
    is_even = is_even && has_same_plane(all, sources.known[i].second);
    all.channels += sources.known[i].second.channels;
  }
  if (!is_even) fields.refuse("from", "the sources have different sizes");
  const bool is_one = sources.known.size() == 1;
  const bool is_resized = is_one && (all.channels == result.channels || has_same_plane(all, result));
  if (all.elements() != result.elements() && !is_resized)
    fields.refuse("from", fmt::format("the sources give {}, this copy says {}{}", to_text(all), to_text(result),
                                      is_one ? ": give one copy for the channels and one for the size" : ""));
}

void check_reader(const Fields& fields, const std::string& kind, const Sources& sources, const Shape& in) {
  const bool is_same = kind == "add" || kind == "multiply";
  int64_t channels = 0;
  for (const auto& [name, out] : sources.known) {
    const bool is_flat = kind == "linear" && out.elements() == in.channels;
    const bool is_scalar = kind == "multiply" && out.height == 1 && out.width == 1;
    const bool is_plane_good = is_flat || is_scalar || has_same_plane(out, in);
    if (!is_plane_good || (is_same && out.channels != in.channels))
      fields.refuse("from", fmt::format("'{}' gives {}, this layer reads {}", name, to_text(out), to_text(in)));
    channels += is_flat ? in.channels : out.channels;
  }
  if (!is_same && sources.known.size() == sources.named && channels != in.channels)
    fields.refuse("from", fmt::format("the sources give {} channels, this layer reads {}", channels, in.channels));
}

}  // namespace

void check_sources(const Fields& fields, const std::string& kind, const LayerShapes& shapes,
                   const EarlierShapes& earlier) {
  const Sources sources = find_sources(fields, earlier);
  if (kind == "add" && static_cast<int64_t>(sources.named) != fields.integer("inputs"))
    fields.refuse("from",
                  fmt::format("{} sources are named, 'inputs' says {}", sources.named, fields.integer("inputs")));
  if (kind == "copy" && shapes.out && !sources.known.empty() && sources.known.size() == sources.named)
    check_copy(fields, sources, *shapes.out);
  if (shapes.in && !sources.known.empty()) check_reader(fields, kind, sources, *shapes.in);
}

}  // namespace carat
