// SPDX-License-Identifier: Apache-2.0
#include "data/image_list.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <sstream>

#include "base/fail.h"
#include "base/file.h"
#include "base/text.h"

namespace carat {
namespace {

std::vector<std::string> lines_of(const std::string& file) {
  std::istringstream text(read_text(file));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) {
    if (line.ends_with('\r')) line.pop_back();
    lines.push_back(line);
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

std::optional<int64_t> number_of(const std::string& text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

int32_t class_named(const std::string& name, const ClassNames& classes, const std::string& where) {
  const auto found = std::lower_bound(classes.sorted.begin(), classes.sorted.end(), name);
  if (found == classes.sorted.end() || *found != name) {
    const std::string nearest = nearest_name(name, classes.sorted);
    fail("{}: expected a class index or the name of one of {} classes, found '{}'{}", where, classes.sorted.size(),
         name, nearest.empty() ? "" : "; did you mean '" + nearest + "'?");
  }
  return static_cast<int32_t>(found - classes.sorted.begin());
}

int32_t class_of(const std::string& text, const ClassNames& classes, const std::string& where) {
  const std::optional<int64_t> number = number_of(text);
  if (!number) return class_named(text, classes, where);
  require(*number >= 0 && *number < classes.count, "{}: expected a class from 0 to {}, found {}", where,
          classes.count - 1, *number);
  return static_cast<int32_t>(*number);
}

ImageFiles read_pairs(const std::string& folder, const std::string& list, const ClassNames& classes,
                      const std::vector<std::string>& lines) {
  const std::vector<std::string> names = image_names(folder);
  std::set<std::string> listed;
  ImageFiles files{folder, {}, {}};
  const size_t first = !lines.empty() && lines[0] == "file,class" ? 1 : 0;
  for (size_t i = first; i < lines.size(); ++i) {
    const std::string where = fmt::format("{}:{}", list, i + 1);
    const size_t comma = lines[i].rfind(',');
    require(comma != std::string::npos && comma > 0, "{}: expected file,class, found '{}'", where, lines[i]);
    const std::string name = lines[i].substr(0, comma);
    require(std::binary_search(names.begin(), names.end(), name), "{}: expected an image {} in {}, found none", where,
            name, folder);
    require(listed.insert(name).second, "{}: expected every image once, found {} again", where, name);
    files.names.push_back(name);
    files.labels.push_back(class_of(lines[i].substr(comma + 1), classes, where));
  }
  require(names.size() == files.names.size(), "{}: expected {} images, found {}: {} lists others", folder,
          files.names.size(), names.size(), list);
  return files;
}

ImageFiles read_ids(const std::string& folder, const std::string& list, const ClassNames& classes,
                    const std::vector<std::string>& lines) {
  require(
      !classes.by_id.empty(),
      "{}: expected a synsets file for a list of numbers, found none: ILSVRC2012 ids are not class indices, so name "
      "the file that has the wnid of id 1 on line 1, and so on, in data.synsets",
      list);
  ImageFiles files{folder, image_names(folder), {}};
  require(files.names.size() == lines.size(), "{}: expected {} images, found {}: {} has a line for each", folder,
          lines.size(), files.names.size(), list);
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::string where = fmt::format("{}:{}", list, i + 1);
    const std::optional<int64_t> id = number_of(lines[i]);
    const auto highest = static_cast<int64_t>(classes.by_id.size());
    require(id && *id >= 1 && *id <= highest, "{}: expected an id from 1 to {}, found '{}'", where, highest, lines[i]);
    files.labels.push_back(class_named(classes.by_id[static_cast<size_t>(*id - 1)], classes, where));
  }
  return files;
}

}  // namespace

std::vector<std::string> read_synsets(const std::string& file) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (const std::string& line : lines_of(file)) {
    names.push_back(line.substr(0, line.find_first_of(" \t")));
    require(!names.back().empty(), "{}:{}: expected a class name, found an empty line", file, names.size());
    require(seen.insert(names.back()).second, "{}:{}: expected every class once, found {} again", file, names.size(),
            names.back());
  }
  require(!names.empty(), "{}: expected a class name per line, found an empty file", file);
  return names;
}

ImageFiles read_image_list(const std::string& folder, const std::string& list, const ClassNames& classes) {
  const std::vector<std::string> lines = lines_of(list);
  require(!lines.empty(), "{}: expected a line per image, found an empty file", list);
  return number_of(lines[0]) ? read_ids(folder, list, classes, lines) : read_pairs(folder, list, classes, lines);
}

std::vector<std::string> image_names(const std::string& folder) {
  require(std::filesystem::is_directory(folder), "{}: expected a folder of images here, found none", folder);
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (is_image_name(entry.path().filename())) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace carat
