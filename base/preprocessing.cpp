// SPDX-License-Identifier: Apache-2.0
#include "base/preprocessing.h"

#include "base/fail.h"

namespace carat {

std::string_view name_of(Interpolation interpolation) {
  switch (interpolation) {
    case Interpolation::nearest:
      return "nearest";
    case Interpolation::bilinear:
      return "bilinear";
    case Interpolation::bicubic:
      return "bicubic";
  }
  return "";
}

Interpolation interpolation_named(std::string_view name) {
  for (const Interpolation each : {Interpolation::nearest, Interpolation::bilinear, Interpolation::bicubic})
    if (name_of(each) == name) return each;
  fail("interpolation: expected nearest, bilinear or bicubic, got {}", name);
}

}  // namespace carat
