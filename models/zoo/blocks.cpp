// SPDX-License-Identifier: Apache-2.0
#include "models/zoo/blocks.h"

#include "base/fail.h"

namespace carat {
namespace {

enum class Part { expand, depthwise, squeeze, project };

// Where a part stands among those that the block has.
int64_t position(const InvertedResidual& block, Part part, bool expands) {
  const int64_t index = static_cast<int64_t>(part) - (expands ? 0 : 1);
  return part == Part::project && block.squeezed == 0 ? index - 1 : index;
}

// torchvision: a Sequential of Sequentials; MobileNetV2's projection ("conv") lies flat in the outer one.
UnitNames torchvision_unit(const std::string& module, int64_t position, Part part) {
  if (part == Part::project && module.ends_with(".conv"))
    return {fmt::format("{}.{}", module, position), fmt::format("{}.{}", module, position + 1)};
  return {fmt::format("{}.{}.0", module, position), fmt::format("{}.{}.1", module, position)};
}

UnitNames unit_in(const std::string& layout, const std::string& module, const InvertedResidual& block, Part part,
                  bool expands) {
  const auto i = static_cast<size_t>(part);
  const bool is_timm = layout == "timm";
  if (layout == "torchvision") return torchvision_unit(module, position(block, part, expands), part);
  if (layout == "efficientnet_lite" || is_timm) {
    static const char* const kTimm[] = {"conv_pw", "conv_dw", "", "conv_pwl"};
    static const char* const kLite[] = {"_expand_conv", "_depthwise_conv", "", "_project_conv"};
    const int64_t norm = part == Part::project ? 2 : static_cast<int64_t>(part);
    if (!is_timm) return {module + "." + kLite[i], fmt::format("{}._bn{}", module, norm)};
    const char* conv = !expands && part == Part::project ? "conv_pw" : kTimm[i];
    return {module + "." + conv, fmt::format("{}.bn{}", module, norm + (expands ? 1 : 0))};
  }
  static const char* const kPublished[] = {"expand", "dw", "", "project"};
  return {module + "." + kPublished[i], ""};
}

Units units_of(const InvertedResidual& block, Part part, bool expands) {
  Units units;
  for (const auto& [layout, module] : block.modules) units[layout] = unit_in(layout, module, block, part, expands);
  return units;
}

std::map<std::string, std::string> conv_names(const Units& units, const std::string& suffix = "") {
  std::map<std::string, std::string> names;
  for (const auto& [layout, unit] : units) names[layout] = unit.conv + suffix;
  return names;
}

// Channels of group g of several: equal shares, the remainder in the first. Source: MixNet, published code.
int64_t share_of(int64_t channels, int64_t groups, int64_t g) {
  return channels / groups + (g == 0 ? channels % groups : 0);
}

// One convolution for every group of channels, group g with kernels[g]. conv.groups > 1: depthwise.
std::string split_conv(BlockNet& b, const std::string& name, const std::string& from, const GraphBuilder::Conv& conv,
                       const std::vector<int64_t>& kernels, const Units& theirs) {
  const auto groups = static_cast<int64_t>(kernels.size());
  const int64_t channels = b.net.shape_of(from).channels;
  std::vector<std::string> parts;
  int64_t begin = 0;
  for (int64_t g = 0; g < groups; ++g) {
    const std::string part = groups == 1 ? name : fmt::format("{}.g{}", name, g);
    const int64_t share = share_of(channels, groups, g);
    GraphBuilder::Conv shape = conv;
    shape.kernel = kernels[static_cast<size_t>(g)];
    shape.out_channels = share_of(conv.out_channels, groups, g);
    shape.groups = conv.groups > 1 ? share : 1;
    shape.padding = b.padding;
    shape.has_bias = conv.has_bias || b.is_merged;
    const std::string x = groups == 1 ? from : b.net.slice(part + ".slice", from, begin, share);
    const std::string suffix = groups == 1 ? "" : fmt::format(".{}", g);
    parts.push_back(b.note(b.net.conv(part + ".conv", x, shape), conv_names(theirs, suffix)));
    begin += share;
  }
  return groups == 1 ? parts[0] : b.net.join(OpKind::concat, name + ".concat", parts);
}

std::string activated(BlockNet& b, const std::string& name, const std::string& from, std::optional<OpKind> activation) {
  return activation ? b.net.unary(*activation, fmt::format("{}.{}", name, name_of(*activation)), from) : from;
}

std::string normalized(BlockNet& b, const std::string& name, std::string x, std::optional<OpKind> activation,
                       const Units& theirs) {
  if (!b.is_merged) {
    std::map<std::string, std::string> norms;
    for (const auto& [layout, unit] : theirs) norms[layout] = unit.norm;
    x = b.note(b.net.batch_norm(name + ".bn", x, b.epsilon), norms);
  }
  return activated(b, name, x, activation);
}

std::string squeeze_excite(BlockNet& b, const std::string& from, const InvertedResidual& block, bool expands) {
  std::map<std::string, std::string> reduce;
  std::map<std::string, std::string> expand;
  for (const auto& [layout, module] : block.modules) {
    const bool is_timm = layout == "timm";
    const std::string se = is_timm ? ".se" : fmt::format(".{}", position(block, Part::squeeze, expands));
    reduce[layout] = module + se + (is_timm ? ".conv_reduce" : ".fc1");
    expand[layout] = module + se + (is_timm ? ".conv_expand" : ".fc2");
  }
  const std::string name = block.name + ".se";
  std::string x = b.net.unary(OpKind::global_avg_pool, name + ".pool", from);
  x = b.net.conv(name + ".reduce", x, {.out_channels = block.squeezed, .has_bias = true});
  x = activated(b, name, b.note(x, reduce), block.squeeze_activation);
  x = b.net.conv(name + ".expand", x, {.out_channels = block.hidden, .has_bias = true});
  x = activated(b, name, b.note(x, expand), block.gate);
  return b.net.join(OpKind::multiply, name + ".multiply", {from, x});
}

}  // namespace

std::string BlockNet::note(const std::string& layer, const std::map<std::string, std::string>& theirs) {
  std::map<std::string, std::string> fitting = theirs;
  std::erase_if(fitting, [&](const auto& name) { return !layouts.contains(name.first); });
  return names.note(layer, fitting);
}

std::string conv_bn(BlockNet& b, const std::string& name, const std::string& from, const GraphBuilder::Conv& conv,
                    std::optional<OpKind> activation, const Units& theirs) {
  return normalized(b, name, split_conv(b, name, from, conv, {conv.kernel}, theirs), activation, theirs);
}

std::string inverted_residual(BlockNet& b, const std::string& from, const InvertedResidual& block) {
  const Shape in = b.net.shape_of(from);
  const bool expands = block.hidden != in.channels;
  const auto unit = [&](Part part) { return units_of(block, part, expands); };
  const auto pointwise = [](int64_t groups) { return std::vector<int64_t>(static_cast<size_t>(groups), 1); };
  std::string x = from;
  if (expands) {
    const std::string name = block.name + ".expand";
    x = split_conv(b, name, x, {.out_channels = block.hidden}, pointwise(block.expand_groups), unit(Part::expand));
    x = normalized(b, name, x, block.activation, unit(Part::expand));
  }
  const std::string depthwise = block.name + ".depthwise";
  x = split_conv(b, depthwise, x, {.out_channels = block.hidden, .stride = block.stride, .groups = block.hidden},
                 block.kernels, unit(Part::depthwise));
  x = normalized(b, depthwise, x, block.activation, unit(Part::depthwise));
  if (block.squeezed > 0) x = squeeze_excite(b, x, block, expands);
  const std::string project = block.name + ".project";
  x = split_conv(b, project, x, {.out_channels = block.out}, pointwise(block.project_groups), unit(Part::project));
  x = normalized(b, project, x, std::nullopt, unit(Part::project));
  const bool adds = block.stride == 1 && b.net.shape_of(x) == in;
  return adds ? b.net.join(OpKind::add, block.name + ".add", {from, x}) : x;
}

std::string add_head(BlockNet& b, const std::string& from, int64_t classes, double dropout,
                     const std::map<std::string, std::string>& theirs) {
  std::string x = b.net.unary(OpKind::global_avg_pool, "pool", from);
  if (dropout > 0.0) x = b.net.dropout("dropout", x, dropout);
  return b.note(b.net.linear("classifier", x, classes), theirs);
}

}  // namespace carat
