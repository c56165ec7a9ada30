// SPDX-License-Identifier: Apache-2.0
// Builds Node trees from yaml-cpp's events: nothing is dropped or guessed on the way.
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <sstream>

#include "base/fail.h"
#include "config/reader.h"

namespace carat {
namespace {

std::string place(const std::string& file, const YAML::Mark& mark) {
  return fmt::format("{}:{}:{}", file, mark.line + 1, mark.column + 1);
}

class TreeBuilder : public YAML::EventHandler {
 public:
  explicit TreeBuilder(std::string file) : file_(std::move(file)) {}

  Node take() { return std::move(root_); }
  bool has_document() const { return has_document_; }

  void OnDocumentStart(const YAML::Mark&) override { has_document_ = true; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(node(Node::Kind::null, mark, "?", anchor));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse(mark, "aliases (*name) are not supported"); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Node scalar = node(Node::Kind::scalar, mark, tag, anchor);
    scalar.scalar = value;
    scalar.is_quoted = tag == "!";
    if (!scalar.is_quoted && (value == "~" || value == "null")) scalar.kind = Node::Kind::null;
    add(std::move(scalar));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open_.push_back({node(Node::Kind::sequence, mark, tag, anchor), {}, false});
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open_.push_back({node(Node::Kind::mapping, mark, tag, anchor), {}, false});
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    Node node;
    Node key;
    bool has_key;
  };

  [[noreturn]] void refuse(const YAML::Mark& mark, const char* message) const {
    fail("{}: {}", place(file_, mark), message);
  }

  Node node(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) const {
    if (anchor != 0) refuse(mark, "anchors (&name) are not supported");
    if (!tag.empty() && tag != "?" && tag != "!") refuse(mark, "tags (!name) are not supported");
    Node result;
    result.kind = kind;
    result.at = {file_, mark.line + 1, mark.column + 1};
    return result;
  }

  void close() {
    Node finished = std::move(open_.back().node);
    open_.pop_back();
    add(std::move(finished));
  }

  void add(Node value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == Node::Kind::sequence) {
      parent.node.items.push_back(std::move(value));
      return;
    }
    if (!parent.has_key) {
      const std::string where = fmt::format("{}:{}:{}", file_, value.at.line, value.at.column);
      require(value.kind == Node::Kind::scalar, "{}: expected a key, got {}", where, value.describe());
      require(value.scalar != "<<", "{}: merge keys (<<) are not supported", where);
      const Node* earlier = parent.node.find(value.scalar);
      if (earlier != nullptr)
        fail("{}: duplicate key '{}', first given at line {}", where, value.scalar, earlier->key_at.line);
      parent.key = std::move(value);
      parent.has_key = true;
      return;
    }
    value.key_at = parent.key.at;
    if (value.kind == Node::Kind::null && value.scalar.empty()) value.at = parent.key.at;  // yaml-cpp: the next token
    parent.node.entries.push_back({parent.key.scalar, std::move(value)});
    parent.has_key = false;
  }

  std::string file_;
  Node root_;
  std::vector<Open> open_;
  bool has_document_ = false;
};

}  // namespace

Node parse_document(const std::string& text, const std::string& file) {
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    TreeBuilder builder(file);
    parser.HandleNextDocument(builder);
    require(builder.has_document(), "{}:1:1: expected a mapping, got an empty file", file);
    TreeBuilder second(file);
    require(!parser.HandleNextDocument(second), "{}: expected one YAML document, got several", file);
    return builder.take();
  } catch (const YAML::Exception& error) {
    fail("{}: not valid YAML: {}", place(file, error.mark), error.msg);
  }
}

void set_paths(Node& node, const std::string& path) {
  node.path = path;
  for (auto& [key, value] : node.entries) set_paths(value, path.empty() ? key : path + "." + key);
  for (size_t i = 0; i < node.items.size(); ++i) set_paths(node.items[i], fmt::format("{}[{}]", path, i));
}

}  // namespace carat
