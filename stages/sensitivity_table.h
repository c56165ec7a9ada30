// SPDX-License-Identifier: Apache-2.0
// What a sensitivity analysis measured, and its file: readable by people and spreadsheets, every record with a
// checksum.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace carat {

// Of one layer, alone changed to one level, over some images; all sums, so that parts can be added.
struct PointSums {
  int64_t images = 0;
  int64_t correct = 0;      // largest logit is the label's; -1: not measured, as correct5 then
  int64_t correct5 = 0;     // label among the five largest
  int64_t lost = 0;         // right before the change, wrong after it
  int64_t gained = 0;       // the other way round
  double loss = 0.0;        // cross entropy, nats
  double divergence = 0.0;  // KL(dense || changed), nats
  double divergence_squares = 0.0;
  double rise = 0.0;  // loss minus the dense network's on the same image
  double rise_squares = 0.0;

  void add(const PointSums& more);
  double mean_loss() const { return loss / static_cast<double>(images); }
  double mean_rise() const { return rise / static_cast<double>(images); }
  double mean_divergence() const { return divergence / static_cast<double>(images); }
  // Half the widths of 95 % intervals: 1.96 standard errors of a mean over the images. Of the rise and of the share
  // that is right against the dense network's, from the differences image by image; of the divergence. 1e300 below 2
  // images.
  double rise_margin() const;
  double top1_margin() const;
  double divergence_margin() const;
  bool operator==(const PointSums&) const = default;
};

// In front of a layer's name: what an analysis by intervals knew after a round, until it ends.
inline constexpr std::string_view kPart = "(part) ";

struct SensitivityPoint {
  std::string layer;   // "(dense)" for the network as it was
  double level = 0.0;  // sparsity, or bits
  PointSums sums;
};

struct SensitivityTable {
  std::string quantity = "sparsity";  // or weight_bits, activation_bits
  std::string identity;               // hash of network, images and their order
  std::vector<SensitivityPoint> points;
};

// One line of the file, with its checksum, without the end of line.
std::string record_of(const SensitivityPoint& point);
// False when the line is no whole record or its checksum is wrong.
bool read_record(const std::string& line, SensitivityPoint& point);
// The two lines in front of the records.
std::string header_of(const SensitivityTable& table);
std::string to_csv(const SensitivityTable& table);

// file: names it in messages. A torn last record is dropped: torn then tells at which byte it begins. Throws Error
// "file:line: expected ..., got ..." for anything else that is damaged.
SensitivityTable table_from_csv(const std::string& text, const std::string& file, size_t* torn = nullptr);

// Points of several processes, one of each, in the order of the layers as they first appear. Throws Error for tables of
// other networks, images or quantities, for two different measurements of a point, and for an analysis by intervals
// that has not ended.
SensitivityTable merged(const std::vector<SensitivityTable>& tables, const std::vector<std::string>& files);

// Loss by layer and rising sparsity, what allocation reads.
struct SensitivityCurve {
  double sparsity = 0.0;
  double loss = 0.0;
};
struct SensitivityCurves {
  double dense_loss = 0.0;
  std::map<std::string, std::vector<SensitivityCurve>> layers;
};
// Throws Error when the table is not of sparsities or the dense network is missing.
SensitivityCurves curves_of(const SensitivityTable& table);

// Small charts of the loss's rise, one per layer.
std::string to_svg(const SensitivityTable& table);

}  // namespace carat
