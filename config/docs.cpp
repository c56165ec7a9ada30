// SPDX-License-Identifier: Apache-2.0
#include "config/docs.h"

#include <fmt/format.h>

#include <algorithm>

namespace carat {

std::string to_text(const std::vector<OptionRow>& rows) {
  size_t name = 0;
  size_t type = 0;
  for (const OptionRow& row : rows) {
    name = std::max(name, row.name.size());
    type = std::max(type, row.type.size());
  }
  std::string text;
  for (const OptionRow& row : rows)
    text += fmt::format("  {:<{}}  {:<{}}  {}{}\n", row.name, name, row.type, type, row.help,
                        row.default_value.empty() ? "" : " (default " + row.default_value + ")");
  return text;
}

std::string to_markdown(const std::vector<OptionRow>& rows) {
  std::string text = "| option | type | default | meaning |\n|---|---|---|---|\n";
  for (const OptionRow& row : rows)
    text += fmt::format("| `{}` | {} | {} | {} |\n", row.name, row.type, row.default_value, row.help);
  return text;
}

}  // namespace carat
