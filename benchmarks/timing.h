// What the programs of this folder that print one line of JSON share.
#ifndef BENCHMARKS_TIMING_H_
#define BENCHMARKS_TIMING_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace benchmarks {

// What one line of JSON says of a program: {"model": "unet", "batch_size": 256, ...}.
struct Report {
  std::string model;
  std::string dtype;       // of activations
  int64_t batch_size = 0;  // images in what was timed
  int64_t chunk_size = 0;  // images at a time, 0 = all
  double flops = 0;        // of what was timed (model_flops.h)
  std::vector<double> milliseconds;
};

// Milliseconds of each of `repeats` calls, after `warmup` others.
std::vector<double> TimeCalls(int64_t repeats, int64_t warmup, const std::function<void()>& work);

double Median(std::vector<double> values);

// The report as one line: the fields of Report, threads, steps, median_ms, min_ms, gflops (a
// second), images_per_second, peak_memory_bytes and isa.
std::string ToJson(const Report& report);

}  // namespace benchmarks

#endif  // BENCHMARKS_TIMING_H_
