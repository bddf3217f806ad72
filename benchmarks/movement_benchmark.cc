// Operations that move data, next to what the memory gives: a plain copy of as many elements, each
// read and written once, and the share of what a copy beyond the caches moves (peak.h), which
// smaller ones exceed.
//
//   bazel run //benchmarks:movement_benchmark -- --benchmark_min_time=0.2
#include <benchmark/benchmark.h>

#include <cstring>

#include "autograd/grad.h"
#include "autograd/grad_mode.h"
#include "autograd/ops/concat.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/index.h"
#include "autograd/ops/pad.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/slice.h"
#include "autograd/ops/sort.h"
#include "benchmarks/peak.h"

namespace autograd {
namespace {

void SetBytes(benchmark::State& state, int64_t elements) {
  benchmarks::ReportBytes(state, 2.0 * 4 * static_cast<double>(elements));
}

void Memcpy(benchmark::State& state) {
  const int64_t n = state.range(0) * state.range(0);
  const Tensor x = Zeros({n}), y = Zeros({n});
  for (auto _ : state) {
    std::memcpy(y.raw<float>(), x.raw<float>(), static_cast<size_t>(n) * 4);
    benchmark::ClobberMemory();
  }
  SetBytes(state, n);
}

void ContiguousTransposed(benchmark::State& state) {
  const NoGrad guard;
  const Tensor x = Transpose(Zeros({state.range(0), state.range(0)}));
  for (auto _ : state) benchmark::DoNotOptimize(Contiguous(x));
  SetBytes(state, x.numel());
}

// Heads of attention: [batch, time, heads, width] to [batch, heads, time, width].
void ContiguousHeads(benchmark::State& state) {
  const NoGrad guard;
  const Tensor x = Transpose(Zeros({16, 64, 8, state.range(0)}), 1, 2);
  for (auto _ : state) benchmark::DoNotOptimize(Contiguous(x));
  SetBytes(state, x.numel());
}

// A point with its features of time, in batches of 256.
void ConcatColumns(benchmark::State& state) {
  const NoGrad guard;
  const Tensor a = Zeros({256, 2}), b = Zeros({256, state.range(0)});
  for (auto _ : state) benchmark::DoNotOptimize(Concat({a, b}, 1));
  SetBytes(state, a.numel() + b.numel());
}

void EmbedColumns(benchmark::State& state) {
  const NoGrad guard;
  const Tensor x = Zeros({256, state.range(0)});
  for (auto _ : state) benchmark::DoNotOptimize(EmbedSlice(x, 1, 2 * state.range(0), 1));
  SetBytes(state, 2 * x.numel());
}

void PadImages(benchmark::State& state) {
  const NoGrad guard;
  const Tensor x = Zeros({64, 28, 28, state.range(0)});
  for (auto _ : state) benchmark::DoNotOptimize(Pad(x, {0, 2, 2, 0}, {0, 2, 2, 0}));
  SetBytes(state, 64 * 32 * 32 * state.range(0));
}

void SelectRows(benchmark::State& state) {
  const NoGrad guard;
  Generator generator(1);
  const Tensor table = Zeros({1000, state.range(0)}), index = RandInt(0, 1000, {512}, generator);
  for (auto _ : state) benchmark::DoNotOptimize(IndexSelect(table, 0, index));
  SetBytes(state, 512 * state.range(0));
}

void AddRows(benchmark::State& state) {
  const NoGrad guard;
  Generator generator(1);
  const Tensor table = Zeros({1000, state.range(0)}), index = RandInt(0, 1000, {512}, generator);
  const Tensor rows = Zeros({512, state.range(0)});
  for (auto _ : state) benchmark::DoNotOptimize(IndexAdd(table, 0, index, rows));
  SetBytes(state, 1512 * state.range(0));
}

void SortLine(benchmark::State& state) {
  const NoGrad guard;
  Generator generator(1);
  const Tensor x = Randn({state.range(0)}, generator);
  for (auto _ : state) benchmark::DoNotOptimize(Sort(x));
  SetBytes(state, x.numel());
}

// What a view costs, recorded.
void ViewReshape(benchmark::State& state) {
  const Tensor x = Zeros({4, 8}).set_requires_grad(true);
  for (auto _ : state) benchmark::DoNotOptimize(Reshape(x, {8, 4}));
}
void ViewSlice(benchmark::State& state) {
  const Tensor x = Zeros({4, 8}).set_requires_grad(true);
  for (auto _ : state) benchmark::DoNotOptimize(Slice(x, 1, 2, 6));
}
void ViewChunk(benchmark::State& state) {
  const Tensor x = Zeros({4, 8}).set_requires_grad(true);
  for (auto _ : state) benchmark::DoNotOptimize(Chunk(x, 2, 1));
}
void SmallConcat(benchmark::State& state) {
  const Tensor x = Zeros({4, 8}).set_requires_grad(true);
  for (auto _ : state) benchmark::DoNotOptimize(Concat({x, x}, 1));
}
void SmallConcatBackward(benchmark::State& state) {
  const Tensor x = Zeros({4, 8}).set_requires_grad(true), gradient = Zeros({4, 16});
  for (auto _ : state) {
    const Tensor y = Concat({x, x}, 1);
    benchmark::DoNotOptimize(Grad({y}, {x}, {.grad_outputs = {gradient}}));
  }
}

BENCHMARK(ViewReshape);
BENCHMARK(ViewSlice);
BENCHMARK(ViewChunk);
BENCHMARK(SmallConcat);
BENCHMARK(SmallConcatBackward);
BENCHMARK(Memcpy)->Arg(256)->Arg(2048)->UseRealTime();
BENCHMARK(ContiguousTransposed)->Arg(256)->Arg(2048)->UseRealTime();
BENCHMARK(ContiguousHeads)->Arg(64)->UseRealTime();
BENCHMARK(ConcatColumns)->Arg(1)->Arg(64)->UseRealTime();
BENCHMARK(EmbedColumns)->Arg(2)->Arg(64)->UseRealTime();
BENCHMARK(PadImages)->Arg(1)->Arg(32)->UseRealTime();
BENCHMARK(SelectRows)->Arg(1)->Arg(128)->UseRealTime();
BENCHMARK(AddRows)->Arg(128)->UseRealTime();
BENCHMARK(SortLine)->Arg(1000)->Arg(100000)->UseRealTime();

}  // namespace
}  // namespace autograd
