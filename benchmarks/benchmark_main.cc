// main of the benchmarks that register themselves (BENCHMARK) and have no flags of their own.
#include "benchmarks/benchmark_program.h"

int main(int argc, char** argv) {
  return benchmarks::RunBenchmarks(argc, argv, "Times what the head of its source describes.");
}
