// SPDX-License-Identifier: Apache-2.0
#include "models/file/data_root.h"

#include <cstdlib>
#include <string_view>

#include "base/fail.h"

namespace carat {

std::string below_data_root(const std::string& file, const std::string& where) {
  constexpr std::string_view kRoot = "$CARAT_DATA/";
  if (!file.starts_with(kRoot)) return file;
  const char* root = std::getenv("CARAT_DATA");
  require(root != nullptr && *root != '\0', "{}: {}: expected CARAT_DATA to name the data root, it is unset", where,
          file);
  return std::string(root) + "/" + file.substr(kRoot.size());
}

}  // namespace carat
