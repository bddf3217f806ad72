#include "benchmarks/timing.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>

#include "absl/strings/str_format.h"
#include "autograd/kernels/isa.h"
#include "autograd/parallel/parallel.h"

namespace benchmarks {
namespace {

int64_t PeakMemoryBytes() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * 1024;
}

}  // namespace

std::vector<double> TimeCalls(int64_t repeats, int64_t warmup, const std::function<void()>& work) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> times;
  for (int64_t i = 0; i < warmup + repeats; ++i) {
    const auto start = Clock::now();
    work();
    if (i < warmup) continue;
    times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
  }
  return times;
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

std::string ToJson(const Report& report) {
  const double median = Median(report.milliseconds);
  return absl::StrFormat(
      "{\"model\": \"%s\", \"dtype\": \"%s\", \"batch_size\": %d, \"chunk_size\": %d, \"threads\": "
      "%d, \"steps\": %d, \"median_ms\": %.5g, \"min_ms\": %.5g, \"gflops\": %.4g, "
      "\"images_per_second\": %.5g, \"peak_memory_bytes\": %d, \"isa\": \"%s\"}",
      report.model, report.dtype, report.batch_size, report.chunk_size, autograd::NumThreads(),
      report.milliseconds.size(), median,
      *std::min_element(report.milliseconds.begin(), report.milliseconds.end()),
      1e-6 * report.flops / median, static_cast<double>(report.batch_size) / median * 1e3,
      PeakMemoryBytes(), autograd::IsaName(autograd::ActiveIsa()));
}

}  // namespace benchmarks
