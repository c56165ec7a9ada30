// SPDX-License-Identifier: Apache-2.0
// Lists that name the classes of images in one flat folder.
//
// Two forms, told apart by the first line:
//   file,class         one image per line, a heading "file,class" may come first. class is a class index (0 is the
//   first)
//                      or, where class names are known, a class name such as a wnid.
//   a number per line  ILSVRC2012_validation_ground_truth.txt: line i belongs to the i-th image by sorted file name,
//   and
//                      the number is the ILSVRC2012_ID, 1 to the number of classes. These ids are NOT class indices:
//                      classes are the sorted wnids. So this form needs a synsets file, line i the wnid of id i (words
//                      behind it are ignored), which the development kit's meta.mat holds.
#pragma once

#include <string>
#include <vector>

#include "data/image_files.h"

namespace carat {

struct ClassNames {
  std::vector<std::string> sorted;  // class i is called sorted[i]; empty: classes have no names
  std::vector<std::string> by_id;   // the synsets file: name of ILSVRC2012_ID i + 1; empty: not given
  int64_t count = 0;
};

// First words of the lines. Throws Error "file:line: ..." for an empty line or a name that was there before.
std::vector<std::string> read_synsets(const std::string& file);

// The folder's images in the list's order. Throws Error "file:line: expected ..., found ..." for a bad line, for an
// image that is not there or listed twice, and "expected N images, found M" when the folder holds others than the list.
ImageFiles read_image_list(const std::string& folder, const std::string& list, const ClassNames& classes);

// Names of the image files in a folder, sorted. Throws Error when there is no such folder.
std::vector<std::string> image_names(const std::string& folder);

}  // namespace carat
