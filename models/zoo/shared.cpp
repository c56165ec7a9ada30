// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "models/zoo/builders.h"

namespace carat {

std::string add_classifier(GraphBuilder& net, const std::string& from, int64_t classes) {
  return net.linear("classifier", net.unary(OpKind::global_avg_pool, "pool", from), classes);
}

int64_t rounded_to_8(int64_t channels, int64_t percent) {
  const int64_t scaled = channels * percent;  // in hundredths
  const int64_t rounded = std::max<int64_t>(8, (scaled + 400) / 800 * 8);
  return rounded * 1000 < scaled * 9 ? rounded + 8 : rounded;
}

Preprocessing imagenet_preprocessing(Interpolation interpolation, int64_t resize) {
  Preprocessing how;
  how.mean = {0.485, 0.456, 0.406};
  how.deviation = {0.229, 0.224, 0.225};
  how.resize = resize;
  how.interpolation = interpolation;
  return how;
}

Preprocessing cifar100_preprocessing() {
  Preprocessing how;
  how.mean = {0.5071, 0.4865, 0.4409};
  how.deviation = {0.2673, 0.2564, 0.2762};
  return how;
}

Preprocessing halves_preprocessing() {
  Preprocessing how;
  how.mean = how.deviation = {0.5, 0.5, 0.5};
  how.resize = 256;
  how.interpolation = Interpolation::bicubic;
  return how;
}

}  // namespace carat
