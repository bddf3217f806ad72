#include "benchmarks/benchmark_program.h"

#include <benchmark/benchmark.h>

#include <stdexcept>

#include "benchmarks/program.h"
#include "examples/common/command_line.h"

namespace benchmarks {

int RunBenchmarks(int argc, char** argv, const std::string& about,
                  const std::function<void()>& add) {
  const auto run = [&] {
    add();
    if (benchmark::RunSpecifiedBenchmarks() == 0) throw std::runtime_error("no benchmark was run");
    benchmark::Shutdown();
  };
  // Both have something to say to --help: first the program, then, ending it, google-benchmark.
  if (examples::HasArgument(argc, argv, "help")) RunProgram(argc, argv, about, run);
  // Takes its own flags away.
  benchmark::Initialize(&argc, argv);
  return RunProgram(argc, argv, about, run);
}

}  // namespace benchmarks
