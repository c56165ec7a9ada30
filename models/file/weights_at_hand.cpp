// SPDX-License-Identifier: Apache-2.0
#include "models/file/weights_at_hand.h"

#include <cstdlib>
#include <filesystem>

namespace carat {

std::string weights_path(const ZooVariant& variant) {
  if (variant.weights_file.empty()) return "";
  const char* root = std::getenv("CARAT_DATA");
  return (std::filesystem::path(root != nullptr ? root : "$CARAT_DATA") / variant.weights_file).string();
}

std::optional<std::string> weights_at_hand(const ZooVariant& variant) {
  const std::string path = weights_path(variant);
  if (path.empty() || !std::filesystem::exists(path)) return std::nullopt;
  return path;
}

}  // namespace carat
