// SPDX-License-Identifier: Apache-2.0
// Where the compiler has no libFuzzer: the seeds and random changes of them. NAME_fuzz -runs=N [ignored] FOLDER
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/random.h"

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int main(int argc, char** argv) {
  int64_t runs = 1000;
  std::vector<std::vector<uint8_t>> seeds;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word.rfind("-runs=", 0) == 0) runs = std::atoll(word.c_str() + 6);
    if (word.rfind('-', 0) == 0 || !std::filesystem::is_directory(word)) continue;
    for (const auto& entry : std::filesystem::directory_iterator(word))
      seeds.push_back(carat::read_bytes(entry.path()));
  }
  if (seeds.empty()) return 1;
  carat::Random random({1, "fuzz", "", 0});
  for (int64_t run = 0; run < runs; ++run) {
    std::vector<uint8_t> bytes = seeds[static_cast<size_t>(random.below(static_cast<int64_t>(seeds.size())))];
    for (int64_t change = random.below(6); change > 0 && !bytes.empty(); --change)
      bytes[static_cast<size_t>(random.below(static_cast<int64_t>(bytes.size())))] =
          static_cast<uint8_t>(random.below(256));
    if (random.below(4) == 0) bytes.resize(static_cast<size_t>(random.below(static_cast<int64_t>(bytes.size()) + 1)));
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  }
  std::printf("Done %lld runs\n", static_cast<long long>(runs));
  return 0;
}
