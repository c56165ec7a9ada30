// SPDX-License-Identifier: Apache-2.0
#include "data/cifar_file.h"

#include <fmt/format.h>

#include "base/fail.h"
#include "base/text.h"

namespace carat {

void parse_cifar(std::span<const uint8_t> file, const std::string& where, int64_t count,
                 const std::vector<int64_t>& limits, CifarFile& to) {
  constexpr size_t kImage = 3072;
  const size_t record = limits.size() + kImage;
  require(file.size() == record * static_cast<size_t>(count), "{}: expected {} records of {} bytes = {} bytes, got {}",
          where, count, record, record * static_cast<size_t>(count), file.size());
  for (size_t at = 0; at < file.size(); at += record) {
    for (size_t i = 0; i < limits.size(); ++i) {
      if (file[at + i] < limits[i]) continue;
      std::vector<std::string> expected;
      std::vector<std::string> found;
      for (size_t k = 0; k < limits.size(); ++k) {
        expected.push_back(std::to_string(limits[k]));
        found.push_back(std::to_string(file[at + k]));
      }
      fail("{}: record {}: expected labels below {}, got {}", where, at / record, join(expected, " and "),
           join(found, " and "));
    }
    to.labels.push_back(file[at + limits.size() - 1]);
    const auto pixels = file.subspan(at + limits.size(), kImage);
    to.pixels.insert(to.pixels.end(), pixels.begin(), pixels.end());
  }
}

}  // namespace carat
