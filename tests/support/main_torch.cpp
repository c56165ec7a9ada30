// SPDX-License-Identifier: Apache-2.0
// main of every test that links LibTorch: CUDA must be loaded before anything asks for it.
#include <gtest/gtest.h>

#include "models/net/device.h"

int main(int argc, char** argv) {
  carat::load_cuda();
  carat::keep_freed_memory();
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
