// What every operation stands on: parallel regions, allocation, random numbers.
//
// bazel run //benchmarks:runtime_benchmark -- --benchmark_filter=Slab
#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "autograd/memory/allocator.h"
#include "autograd/memory/slab.h"
#include "autograd/parallel/parallel.h"
#include "autograd/random/philox.h"

namespace autograd {
namespace {

void BM_ParallelForRegion(benchmark::State& state) {
  std::vector<double> sums(256);
  for (auto _ : state) {
    ParallelFor(NumThreads(), 1,
                [&](int64_t begin, int64_t) { sums[static_cast<size_t>(begin)] += 1; });
  }
}
BENCHMARK(BM_ParallelForRegion)->UseRealTime();

void BM_ParallelForOneChunk(benchmark::State& state) {
  double sum = 0;
  for (auto _ : state) {
    ParallelFor(10, 10, [&](int64_t begin, int64_t) {
      benchmark::DoNotOptimize(sum += static_cast<double>(begin));
    });
  }
}
BENCHMARK(BM_ParallelForOneChunk);

// A team region with as many barriers as the argument says.
void BM_TeamBarriers(benchmark::State& state) {
  for (auto _ : state) {
    ParallelTeam(NumThreads(), [&](Team& team) {
      for (int64_t i = 0; i < state.range(0); ++i) team.Barrier();
    });
  }
}
BENCHMARK(BM_TeamBarriers)->Arg(0)->Arg(1)->Arg(100)->UseRealTime();

void BM_AllocateFree(benchmark::State& state) {
  const auto bytes = static_cast<size_t>(state.range(0));
  for (auto _ : state) {
    void* buffer = Allocate(bytes);
    benchmark::DoNotOptimize(buffer);
    Deallocate(buffer, bytes);
  }
}
BENCHMARK(BM_AllocateFree)->Arg(64)->Arg(65536)->Arg(1 << 20)->Arg(1 << 26);

void BM_SlabAllocateFree(benchmark::State& state) {
  for (auto _ : state) {
    void* block = internal::SlabAllocate(112);
    benchmark::DoNotOptimize(block);
    internal::SlabDeallocate(block, 112);
  }
}
BENCHMARK(BM_SlabAllocateFree);

// As a graph does it: many blocks are allocated, then all are freed. Time for one block.
void BM_SlabChain(benchmark::State& state) {
  std::vector<void*> blocks(static_cast<size_t>(state.range(0)));
  while (state.KeepRunningBatch(state.range(0))) {
    for (void*& block : blocks) block = internal::SlabAllocate(112);
    for (void* block : blocks) internal::SlabDeallocate(block, 112);
  }
}
BENCHMARK(BM_SlabChain)->Arg(1000)->Arg(1000000);

// Pages fresh from the system against pages from the cache: what the cache is for.
void BM_TouchLargeBuffer(benchmark::State& state) {
  constexpr size_t kBytes = 51 << 20;
  for (auto _ : state) {
    void* buffer = Allocate(kBytes);
    std::memset(buffer, 1, kBytes);
    Deallocate(buffer, kBytes);
    if (state.range(0) != 0) EmptyCache();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(kBytes));
}
BENCHMARK(BM_TouchLargeBuffer)->Arg(0)->Arg(1)->ArgName("fresh")->Unit(benchmark::kMillisecond);

// Items are numbers; on NumThreads() threads from 32,768 on.
template <class T>
void BM_Normal(benchmark::State& state) {
  Generator generator;
  std::vector<T> out(static_cast<size_t>(state.range(0)));
  for (auto _ : state) {
    generator.Normal(out.data(), state.range(0));
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_Normal<float>)->Arg(1)->Arg(512)->Arg(16384)->Arg(1 << 20)->UseRealTime();
BENCHMARK(BM_Normal<double>)->Arg(16384)->UseRealTime();

template <class T>
void BM_Uniform(benchmark::State& state) {
  Generator generator;
  std::vector<T> out(16384);
  for (auto _ : state) {
    generator.Uniform(out.data(), 16384);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * 16384);
}
BENCHMARK(BM_Uniform<float>);
BENCHMARK(BM_Uniform<double>);

void BM_Permutation(benchmark::State& state) {
  Generator generator;
  std::vector<int64_t> out(60000);
  for (auto _ : state) generator.Permutation(out.data(), 60000);
  state.SetItemsProcessed(state.iterations() * 60000);
}
BENCHMARK(BM_Permutation);

}  // namespace
}  // namespace autograd
