// SPDX-License-Identifier: Apache-2.0
// Files into one tree: includes, then overrides.
#include <algorithm>
#include <filesystem>

#include "base/fail.h"
#include "base/file.h"
#include "base/text.h"
#include "config/reader.h"

namespace carat {
namespace {

Node load(const std::string& text, const std::string& file, std::vector<std::string> chain);

// The values of `over` win; mappings merge, everything else is replaced.
void merge(Node& base, const Node& over) {
  if (base.kind != Node::Kind::mapping || over.kind != Node::Kind::mapping) {
    base = over;
    return;
  }
  for (const auto& [key, value] : over.entries) {
    const auto same = [&key = key](const auto& entry) { return entry.first == key; };
    const auto found = std::find_if(base.entries.begin(), base.entries.end(), same);
    if (found == base.entries.end())
      base.entries.push_back({key, value});
    else
      merge(found->second, value);
  }
  base.at = over.at;
}

Node include(const Node& name, const std::string& from, const std::vector<std::string>& chain) {
  const std::string path = (std::filesystem::path(from).parent_path() / name.as_text()).lexically_normal().string();
  if (!std::filesystem::exists(path)) name.refuse(fmt::format("a file to include ({})", path));
  if (std::find(chain.begin(), chain.end(), path) != chain.end())
    name.fail_here(fmt::format("includes go in a circle: {} -> {}", join(chain, " -> "), path));
  return load(read_text(path), path, chain);
}

Node load(const std::string& text, const std::string& file, std::vector<std::string> chain) {
  chain.push_back(file);
  Node own = parse_document(text, file);
  set_paths(own, "");
  const Node* include_node = own.find("include");
  if (include_node == nullptr) return own;
  Node merged;
  merged.kind = Node::Kind::mapping;
  if (include_node->kind == Node::Kind::sequence)
    for (const Node& name : include_node->items) merge(merged, include(name, file, chain));
  else
    merge(merged, include(*include_node, file, chain));
  std::erase_if(own.entries, [](const auto& entry) { return entry.first == "include"; });
  merge(merged, own);
  return merged;
}

// The list entry that a stage name or an index addresses; a bare `- fuse` becomes a mapping.
Node& list_entry(Node& list, const std::string& name, const std::string& where) {
  std::vector<size_t> found;
  std::vector<std::string> names;
  for (size_t i = 0; i < list.items.size(); ++i) {
    const Node& item = list.items[i];
    names.push_back(item.kind == Node::Kind::mapping && !item.entries.empty() ? item.entries[0].first : item.scalar);
    if (names.back() == name) found.push_back(i);
  }
  const std::string nearest = nearest_name(name, names);
  require(!found.empty(), "{}: no entry '{}' in the list, expected one of: {}{}", where, name, join(names, ", "),
          nearest.empty() ? "" : "; did you mean '" + nearest + "'?");
  require(found.size() == 1, "{}: '{}' occurs {} times, address it by number: [{}]", where, name, found.size(),
          found.front());
  Node& item = list.items[found.front()];
  if (item.kind == Node::Kind::scalar) {
    Node value;
    value.at = item.at;
    value.key_at = item.at;
    item.kind = Node::Kind::mapping;
    item.entries = {{name, value}};
  }
  return item.entries.front().second;
}

Node& child(Node& node, const std::string& key, const std::string& where) {
  if (node.kind == Node::Kind::null) node.kind = Node::Kind::mapping;
  if (node.kind == Node::Kind::sequence) return list_entry(node, key, where);
  require(node.kind == Node::Kind::mapping, "{}: '{}' stands below {}, which has no keys", where, key, node.describe());
  for (auto& [name, value] : node.entries)
    if (name == key) return value;
  Node added;
  added.at = {where, 0, 0};
  node.entries.push_back({key, added});
  return node.entries.back().second;
}

void apply(Node& root, const std::string& override_text) {
  const std::string where = "--set " + override_text;
  const size_t equals = override_text.find('=');
  require(equals != std::string::npos && equals > 0, "{}: expected key.path=value", where);
  Node* node = &root;
  std::string path = override_text.substr(0, equals) + ".";
  for (size_t dot = path.find('.'); dot != std::string::npos; dot = path.find('.')) {
    std::string key = path.substr(0, dot);
    path.erase(0, dot + 1);
    const size_t bracket = key.find('[');
    std::string index;
    if (bracket != std::string::npos && key.back() == ']') {
      index = key.substr(bracket + 1, key.size() - bracket - 2);
      key.resize(bracket);
    }
    require(!key.empty(), "{}: expected key.path=value, got an empty key", where);
    node = &child(*node, key, where);
    if (bracket == std::string::npos) continue;
    const bool good = node->kind == Node::Kind::sequence && !index.empty() && index.size() < 6 &&
                      std::all_of(index.begin(), index.end(), [](char c) { return c >= '0' && c <= '9'; }) &&
                      std::stoull(index) < node->items.size();
    require(good, "{}: [{}]: expected a number below {}", where, index, node->items.size());
    node = &node->items[std::stoull(index)];
  }
  const std::string value_text = override_text.substr(equals + 1);
  Node value;
  value.at = {where, 0, 0};
  if (!value_text.empty()) value = parse_document(value_text, where);
  const auto mark = [&](auto&& self, Node& n) -> void {
    n.at = n.key_at = {where, 0, 0};
    for (auto& [key, below] : n.entries) self(self, below);
    for (Node& below : n.items) self(self, below);
  };
  mark(mark, value);
  *node = value;
}

}  // namespace

Node parse_yaml(const std::string& text, const std::string& name, const std::vector<std::string>& overrides) {
  Node root = load(text, name, {});
  if (root.kind != Node::Kind::mapping) root.refuse("a mapping");
  for (const std::string& text_of_override : overrides) apply(root, text_of_override);
  set_paths(root, "");
  return root;
}

Node read_yaml(const std::string& file, const std::vector<std::string>& overrides) {
  return parse_yaml(read_text(file), file, overrides);
}

}  // namespace carat
