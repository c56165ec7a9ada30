// SPDX-License-Identifier: Apache-2.0
// Image files on disk as a data set's reader.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace carat {

struct ImageFiles {
  std::string folder;
  std::vector<std::string> names;  // below the folder
  std::vector<int32_t> labels;
};

// True for names that end in .jpg, .jpeg, .png or .webp, in any case.
bool is_image_name(const std::string& name);

// Labels, shape and reader. A format without a height becomes that of the source's size, see format_for.
Dataset dataset_of_files(ImageFiles files, const DataSource& source, ImageFormat format);

}  // namespace carat
