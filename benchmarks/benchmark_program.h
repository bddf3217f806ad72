// main of the programs that stand on google-benchmark, as program.h is of the others.
//
// Example:
//   int main(int argc, char** argv) {
//     return benchmarks::RunBenchmarks(argc, argv, "Times products.", [] {
//       benchmark::RegisterBenchmark("product", ...);
//     });
//   }
#ifndef BENCHMARKS_BENCHMARK_PROGRAM_H_
#define BENCHMARKS_BENCHMARK_PROGRAM_H_

#include <functional>
#include <string>

namespace benchmarks {

// Reads google-benchmark's flags and the program's own (Abseil's), calls `add`, which may register
// benchmarks, and runs those that --benchmark_filter leaves. The exit code is that of RunProgram,
// and 1 if no benchmark is left to run.
int RunBenchmarks(
    int argc, char** argv, const std::string& about, const std::function<void()>& add = [] {});

}  // namespace benchmarks

#endif  // BENCHMARKS_BENCHMARK_PROGRAM_H_
