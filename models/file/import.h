// SPDX-License-Identifier: Apache-2.0
// Tensors of other programs as a network of the zoo, and a network of the zoo under other programs' names.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/weights/foreign.h"
#include "models/zoo/zoo.h"

namespace carat {

struct ImportRequest {
  std::string network;             // family or variant; "": the published entry whose tensors these are
  ModelValues options;             // beyond the variant's
  std::optional<int64_t> classes;  // else the variant's
  std::string layout;              // "": the one that fits best
  bool is_folded = false;          // batch norm is in the weights; true also where the file has no batch norm
};

struct Imported {
  Model model;
  std::string network;  // variant, or family
  std::string layout;
  bool is_folded = false;
  std::string track;  // of a published entry, else ""
};

// Throws Error naming the file: no such network, option or layout; every tensor that does not fit; numbers that are
// not finite.
Imported import_tensors(const TensorFile& file, const std::string& path, const ImportRequest& request);

struct ExportRequest {
  std::string layout;
  std::string network;  // "": the family that the graph names, with the options of the variant that it is
  ModelValues options;
};

// A safetensors file. Throws Error where the model is not that network, or the network has no such layout.
std::string export_tensors(const Model& model, const ExportRequest& request);

// Layouts of a network: "carat", our own names, and those that its file in the zoo notes.
std::vector<Layout> layouts_of(const ZooNetwork& network);
// Throws Error with the names of all.
Layout layout_named(const ZooNetwork& network, const std::string& name);

}  // namespace carat
