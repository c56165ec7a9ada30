// SPDX-License-Identifier: Apache-2.0
// Image files by class: ROOT/train/CLASS/*, and ROOT/val (or validation, or test)/CLASS/* or, with a label list, all
// images flat in it. Classes are the folders of train, sorted by name, as torchvision's ImageFolder has them. And one
// flat folder with a label list, which serves for both splits.
#include <algorithm>
#include <filesystem>

#include "base/fail.h"
#include "base/text.h"
#include "data/image_list.h"

namespace carat {
namespace {

namespace fs = std::filesystem;

std::string root_of(const DataSource& source) {
  require(!source.root.empty(), "{}: expected the folder of images in data.root, found none", source.name);
  return source.root;
}

std::vector<std::string> folders_in(const fs::path& folder) {
  require(fs::is_directory(folder), "{}: expected a folder per class here, found no such folder", folder.string());
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.is_directory()) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  require(!names.empty(), "{}: expected a folder per class here, found none", folder.string());
  return names;
}

std::string test_folder(const std::string& root) {
  for (const char* name : {"val", "validation", "test"})
    if (fs::is_directory(fs::path(root) / name)) return (fs::path(root) / name).string();
  fail("{}: expected a folder val, validation or test here, found none", root);
}

ClassNames class_names(const DataSource& source) {
  const std::string root = root_of(source);
  ClassNames classes;
  const fs::path train = fs::path(root) / "train";
  classes.sorted = folders_in(fs::is_directory(train) || !source.labels.empty() ? train : fs::path(test_folder(root)));
  if (!source.synsets.empty()) classes.by_id = read_synsets(source.synsets);
  classes.count = static_cast<int64_t>(classes.sorted.size());
  return classes;
}

// Images at any depth, in the order of folder and then file name.
std::vector<std::string> images_below(const fs::path& folder) {
  std::vector<std::pair<std::string, std::string>> found;
  for (const auto& entry : fs::recursive_directory_iterator(folder, fs::directory_options::follow_directory_symlink)) {
    const std::string name = entry.path().filename();
    if (is_image_name(name)) found.emplace_back(entry.path().parent_path().lexically_relative(folder), name);
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> names;
  for (const auto& [below, name] : found) names.push_back(below == "." ? name : below + "/" + name);
  return names;
}

ImageFiles files_by_class(const std::string& folder, const ClassNames& classes, bool every_class) {
  ImageFiles files{folder, {}, {}};
  for (const std::string& name : folders_in(folder)) {
    const auto found = std::lower_bound(classes.sorted.begin(), classes.sorted.end(), name);
    const bool is_known = found != classes.sorted.end() && *found == name;
    const std::string nearest = is_known ? "" : nearest_name(name, classes.sorted);
    require(is_known, "{}/{}: expected one of the {} classes of the training folder, found another{}", folder, name,
            classes.count, nearest.empty() ? "" : "; did you mean '" + nearest + "'?");
    const std::vector<std::string> images = images_below(fs::path(folder) / name);
    require(!images.empty() || !every_class, "{}/{}: expected images (jpg, jpeg, png, webp), found none", folder, name);
    for (const std::string& image : images) {
      files.names.push_back(name + "/" + image);
      files.labels.push_back(static_cast<int32_t>(found - classes.sorted.begin()));
    }
  }
  require(!files.names.empty(), "{}: expected images, found none", folder);
  return files;
}

}  // namespace

Dataset open_image_folder(const DatasetInfo&, const DataSource& source, Split split, const ImageFormat& format) {
  const ClassNames classes = class_names(source);
  const std::string root = root_of(source);
  ImageFiles files;
  if (split == Split::train)
    files = files_by_class((fs::path(root) / "train").string(), classes, true);
  else if (source.labels.empty())
    files = files_by_class(test_folder(root), classes, false);
  else
    files = read_image_list(test_folder(root), source.labels, classes);
  Dataset data = dataset_of_files(std::move(files), source, format);
  data.classes = classes.count;
  return data;
}

Dataset open_flat(const DatasetInfo&, const DataSource& source, Split, const ImageFormat& format) {
  require(!source.labels.empty(), "{}: expected a label list in data.labels, found none", source.name);
  ClassNames classes;
  classes.count = source.classes;
  if (!source.synsets.empty()) {
    classes.by_id = classes.sorted = read_synsets(source.synsets);
    std::sort(classes.sorted.begin(), classes.sorted.end());
    classes.count = static_cast<int64_t>(classes.sorted.size());
  }
  Dataset data = dataset_of_files(read_image_list(root_of(source), source.labels, classes), source, format);
  data.classes = classes.count;
  return data;
}

}  // namespace carat
