// SPDX-License-Identifier: Apache-2.0
// Whole-file reading, and writing that never leaves half a file: temporary name, fsync, rename.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace carat {

// Throws Error when the file cannot be opened or read.
std::string read_text(const std::filesystem::path& path);
std::vector<uint8_t> read_bytes(const std::filesystem::path& path);

// Replaces or creates the file; after a crash at any moment the old or the new content is there. Creates folders.
// Throws Error when the disk refuses.
void write_atomically(const std::filesystem::path& path, std::string_view content);

// Makes a renamed or created entry of this folder durable.
void sync_folder(const std::filesystem::path& folder);

}  // namespace carat
