// SPDX-License-Identifier: Apache-2.0
// The include table of ARCHITECTURE.md is law.
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "base/file.h"
#include "base/text.h"
#include "tests/support/files.h"

namespace carat {
namespace {

using Table = std::map<std::string, std::set<std::string>>;

// Rows "| folder | a, b, lib |" between the markers.
Table parse_table(const std::string& page) {
  const size_t begin = page.find("<!-- include table -->");
  const size_t end = page.find("<!-- end include table -->");
  Table table;
  std::istringstream lines(page.substr(begin, end - begin));
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    static const std::regex kRow(R"(\| ([a-z/]+) \| (.*) \|)");
    if (!std::regex_match(line, match, kRow) || match[1] == "folder") continue;
    std::istringstream cells(match[2].str());
    for (std::string cell; std::getline(cells, cell, ',');) {
      cell.erase(0, cell.find_first_not_of(' '));
      table[match[1]].insert(cell);
    }
  }
  return table;
}

// The folder of the table that a path belongs to: the longest match.
std::string folder_of(const Table& table, const std::string& path) {
  std::string best;
  for (const auto& [folder, allowed] : table)
    if (path.rfind(folder + "/", 0) == 0 && folder.size() > best.size()) best = folder;
  return best;
}

// Library of an angle-bracket include; "" for the C++ and system headers.
std::string library_of(const std::string& header) {
  static const std::vector<std::pair<std::string, std::string>> kLibraries = {{"fmt/", "fmt"},
                                                                              {"xxhash", "xxhash"},
                                                                              {"yaml-cpp/", "yaml-cpp"},
                                                                              {"nlohmann/", "nlohmann-json"},
                                                                              {"torch/", "torch"},
                                                                              {"ATen/", "torch"},
                                                                              {"c10/", "torch"},
                                                                              {"boost/", "Boost"},
                                                                              {"zlib", "zlib"},
                                                                              {"cuda", "CUDA"},
                                                                              {"cutlass", "CUTLASS"},
                                                                              {"hwy/", "Highway"},
                                                                              {"gtest/", "gtest"},
                                                                              {"onnx.pb.h", "protobuf"},
                                                                              {"google/protobuf/", "protobuf"}};
  for (const auto& [prefix, library] : kLibraries)
    if (header.rfind(prefix, 0) == 0) return library;
  return "";
}

std::vector<std::string> violations(const std::string& root, const Table& table) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    const std::string path = std::filesystem::relative(entry.path(), root).string();
    const std::string extension = entry.path().extension().string();
    const std::string folder = folder_of(table, path);
    if (folder.empty() || (extension != ".h" && extension != ".cpp" && extension != ".cu")) continue;
    const std::string text = read_text(entry.path());
    if (text.rfind("// SPDX-License-Identifier: Apache-2.0\n", 0) != 0) found.push_back(path + ":1: no SPDX line");
    if (std::count(text.begin(), text.end(), '\n') > 400) found.push_back(path + ": more than 400 lines");
    std::istringstream lines(text);
    int64_t number = 0;
    for (std::string line; std::getline(lines, line);) {
      ++number;
      std::smatch match;
      static const std::regex kInclude(R"(\s*#include ([<"])([^>"]+)[>"].*)");
      if (!std::regex_match(line, match, kInclude)) continue;
      const std::string target = match[1] == "<" ? library_of(match[2]) : folder_of(table, match[2]);
      if (match[1] == "\"" && target.empty())
        found.push_back(path + ":" + std::to_string(number) + ": " + match[2].str() + " is not in the table");
      else if (!target.empty() && target != folder && !table.at(folder).contains(target))
        found.push_back(path + ":" + std::to_string(number) + ": " + folder + " may not include " + target);
    }
  }
  return found;
}

TEST(Layering, TheTreeKeepsTheTable) {
  const Table table = parse_table(read_text(source_folder() + "/ARCHITECTURE.md"));
  ASSERT_EQ(table.size(), 16U);
  EXPECT_EQ(join(violations(source_folder(), table), "\n"), "");
}

TEST(Layering, AViolationIsFoundWithItsLine) {
  const TemporaryFolder folder;
  const std::string head = "// SPDX-License-Identifier: Apache-2.0\n";
  write_atomically(folder / "base/bad.h",
                   head + "#include <vector>\n#include \"scoring/ledger.h\"\n#include <torch/torch.h>\n");
  write_atomically(folder / "scoring/bad.cpp", "#include \"base/error.h\"\n");
  const Table table = {{"base", {"fmt"}}, {"scoring", {"base"}}};
  std::vector<std::string> found = violations(folder.text(), table);
  std::sort(found.begin(), found.end());
  EXPECT_EQ(join(found, "|"),
            "base/bad.h:3: base may not include scoring|base/bad.h:4: base may not include torch|"
            "scoring/bad.cpp:1: no SPDX line");
}

}  // namespace
}  // namespace carat
