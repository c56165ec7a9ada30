// SPDX-License-Identifier: Apache-2.0
// gpu_check [--dry-run] [--out FILE]: are the CUDA kernels right and fast on this machine's GPU? Writes a JSON report
// (to standard output without --out). Exit status 0: every bar met; 1: not, or no GPU; 2: wrong arguments.
// --dry-run walks the same cases on the CPU, small, and measures nothing.
#include <cstdio>
#include <string_view>

#include "base/fail.h"
#include "base/file.h"
#include "kernels/device.h"
#include "models/net/device.h"
#include "tests/bench/gpu_check/gpu_check.h"

namespace carat {
namespace {

struct Arguments {
  bool dry_run = false;
  std::string out;
};

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--dry-run")
      arguments.dry_run = true;
    else if (word == "--out" && i + 1 < argc)
      arguments.out = argv[++i];
    else
      throw UsageError(fmt::format("gpu_check: expected [--dry-run] [--out FILE], got '{}'", word));
  }
  return arguments;
}

// Whether the part's bar is met; an error goes into the report.
template <typename Check>
bool attempt(const char* part, nlohmann::ordered_json& report, const Check& check) {
  try {
    return check();
  } catch (const std::exception& error) {
    report[part]["error"] = error.what();
    return false;
  }
}

int run(const Arguments& arguments) {
  require(arguments.dry_run || cuda_device_count() > 0,
          "gpu_check: expected a CUDA device and kernels in this build, found none; --dry-run walks on the CPU");
  nlohmann::ordered_json report;
  report["mode"] = arguments.dry_run ? "dry run on the CPU" : "measured";
  report["card"] = arguments.dry_run ? kNotMeasured : cuda_device_name();
  report["built_with_cuda"] = has_cuda_kernels();
  const bool equal = check_equality(arguments.dry_run, report);
  const bool fast = check_bandwidth(arguments.dry_run, report);
  const bool executes = attempt("executor", report, [&] { return check_executor(arguments.dry_run, report); });
  const bool convolves = attempt("convolutions", report, [&] {
    if (!arguments.dry_run) device_named("cuda");
    return check_convolutions(arguments.dry_run, report);
  });
  const bool passed = equal && fast && executes && convolves;
  report["passed"] = arguments.dry_run ? nlohmann::ordered_json(kNotMeasured) : nlohmann::ordered_json(passed);
  const std::string text = report.dump(2) + "\n";
  if (arguments.out.empty())
    std::fputs(text.c_str(), stdout);
  else
    write_atomically(arguments.out, text);
  return passed ? 0 : 1;
}

}  // namespace
}  // namespace carat

int main(int argc, char** argv) {
  carat::load_cuda();
  try {
    return carat::run(carat::parse(argc, argv));
  } catch (const carat::UsageError& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
