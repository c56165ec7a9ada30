// SPDX-License-Identifier: Apache-2.0
// A strict YAML tree: every value knows its file, line, column and key path. Duplicate keys, merge keys, anchors,
// tags, tabs, several documents and the surprises of YAML 1.1 scalars are errors.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace carat {

struct Position {
  std::string file;  // or "--set" for a value from the command line
  int64_t line = 0;  // from 1
  int64_t column = 0;
};

struct NodeEntry;

class Node {
 public:
  enum class Kind { null, scalar, sequence, mapping };

  Kind kind = Kind::null;
  Position at;
  std::string path;                // "stages[1].prune.target_sparsity"; "" at the root
  std::string scalar;              // text of a scalar
  bool is_quoted = false;          // a quoted scalar is text, never a number or a flag
  std::vector<Node> items;         // sequence
  std::vector<NodeEntry> entries;  // mapping, in file order
  Position key_at;                 // where the key stands, for a value in a mapping

  const Node* find(std::string_view key) const;

  // Each throws "file:line:column: path: expected ..., got ..." when the node is something else.
  const std::string& as_text() const;
  int64_t as_integer() const;  // YAML 1.2 decimal; 0x.., 0o.., leading zeros and underscores are refused
  double as_number() const;    // integer or decimal, also 1e-4; no .inf, no .nan
  bool as_flag() const;        // true or false only: yes, no, on, off are refused with a hint
  const std::vector<Node>& as_sequence() const;
  const std::vector<NodeEntry>& as_mapping() const;

  // Throws "file:line:column: path: expected <expected>, got <this node>".
  [[noreturn]] void refuse(std::string_view expected) const;
  // Throws "file:line:column: path: <message>".
  [[noreturn]] void fail_here(std::string_view message) const;
  // The same for an unknown key of this mapping, with the nearest legal name.
  [[noreturn]] void refuse_key(std::string_view key, const std::vector<std::string>& legal) const;

  // What this node is, for messages: "text 'abc'", "the number 1.2", "a list", "a mapping", "nothing".
  std::string describe() const;
};

// A key with its value.
struct NodeEntry {
  std::string first;
  Node second;
};

// Reads a file, resolves `include:` (a path or a list of paths, relative to the including file; the including file's
// keys win, mappings merge key by key, lists are replaced) and applies overrides "key.path=value" ("stages[1].prune.x"
// and "stages.prune.x" both address the stage named prune; an index is needed when it occurs twice).
// A missing or cyclic include is an error that names the chain.
Node read_yaml(const std::string& file, const std::vector<std::string>& overrides = {});

// The same from text; the name is used in messages and as the base of includes.
Node parse_yaml(const std::string& text, const std::string& name, const std::vector<std::string>& overrides = {});

}  // namespace carat
