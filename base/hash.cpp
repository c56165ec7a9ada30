// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <fmt/format.h>

namespace carat {

struct Hasher::State {
  XXH3_state_t xxh;
};

Hasher::Hasher() : state_(std::make_unique<State>()) { XXH3_128bits_reset(&state_->xxh); }
Hasher::~Hasher() = default;

Hasher& Hasher::bytes(const void* data, size_t size) {
  XXH3_128bits_update(&state_->xxh, data, size);
  return *this;
}

Hasher& Hasher::text(std::string_view value) {
  number(static_cast<int64_t>(value.size()));
  return bytes(value.data(), value.size());
}

Hasher& Hasher::number(int64_t value) { return bytes(&value, sizeof value); }

std::string Hasher::hex() const {
  const XXH128_hash_t digest = XXH3_128bits_digest(&state_->xxh);
  return fmt::format("{:016x}{:016x}", digest.high64, digest.low64);
}

uint64_t Hasher::low64() const { return XXH3_128bits_digest(&state_->xxh).low64; }

uint64_t hash64(const void* data, size_t size) { return XXH3_64bits(data, size); }

}  // namespace carat
