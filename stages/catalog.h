// SPDX-License-Identifier: Apache-2.0
// The stages' makers; the table that lists them is in catalog.cpp.
#pragma once

#include <memory>

#include "stages/stage.h"

namespace carat {

std::unique_ptr<Stage> make_select();
std::unique_ptr<Stage> make_load();
std::unique_ptr<Stage> make_train();
std::unique_ptr<Stage> make_rewrite();
std::unique_ptr<Stage> make_sensitivity();
std::unique_ptr<Stage> make_prune();
std::unique_ptr<Stage> make_quantize();
std::unique_ptr<Stage> make_finetune();
std::unique_ptr<Stage> make_fuse();
std::unique_ptr<Stage> make_pack();

}  // namespace carat
