// Element-wise operations against a plain copy, at the same number of threads (OMP_NUM_THREADS):
// bytes read and written a second, and their share of what a copy of arrays beyond the caches moves
// (peak.h), which smaller ones exceed; BM_Copy is a copy of as many. Results come from the
// caching allocator, so their pages are warm, as in a training loop.
#include <benchmark/benchmark.h>

#include <cstring>

#include "autograd/ops/activation.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/unary.h"
#include "autograd/parallel/parallel.h"
#include "autograd/tensor.h"
#include "benchmarks/peak.h"

namespace autograd {
namespace {

constexpr int64_t kSizes[] = {1'000'000, 30'000'000};

void CountBytes(benchmark::State& state, int64_t bytes) {
  benchmarks::ReportBytes(state, static_cast<double>(bytes));
}

// memcpy of one equal part by each thread.
void BM_Copy(benchmark::State& state) {
  const int64_t n = state.range(0);
  const Tensor x = Ones({n});
  const int64_t part = (n + NumThreads() - 1) / NumThreads();
  Zeros({n});  // touches the pages
  for (auto _ : state) {
    Tensor y = Tensor::Empty({n});
    ParallelFor(n, part, [&](int64_t begin, int64_t end) {
      std::memcpy(y.raw<float>() + begin, x.raw<float>() + begin,
                  static_cast<size_t>(end - begin) * sizeof(float));
    });
    benchmark::DoNotOptimize(y.raw<float>());
  }
  CountBytes(state, 2 * n * 4);
}

template <class Function>
void Run(benchmark::State& state, Function function, int64_t tensors) {
  const int64_t n = state.range(0);
  const Tensor x = Full({n}, 0.5), z = Full({n}, 0.25);
  benchmark::DoNotOptimize(function(x, z).template raw<float>());  // touches the pages
  for (auto _ : state) benchmark::DoNotOptimize(function(x, z).template raw<float>());
  CountBytes(state, tensors * n * 4);
}

void BM_Add(benchmark::State& state) {
  Run(
      state, [](const Tensor& x, const Tensor& z) { return x + z; }, 3);
}
void BM_Relu(benchmark::State& state) {
  Run(
      state, [](const Tensor& x, const Tensor&) { return Relu(x); }, 2);
}
void BM_Exp(benchmark::State& state) {
  Run(
      state, [](const Tensor& x, const Tensor&) { return Exp(x); }, 2);
}
void BM_Sum(benchmark::State& state) {
  Run(
      state, [](const Tensor& x, const Tensor&) { return Sum(x); }, 1);
}

// Sums of columns, as for the gradient of a bias; the argument is the number of columns.
void BM_ColumnSum(benchmark::State& state) {
  const int64_t columns = state.range(0), rows = 4'000'000 / columns;
  const Tensor x = Full({rows, columns}, 0.5);
  for (auto _ : state) benchmark::DoNotOptimize(Sum(x, {0}).raw<float>());
  CountBytes(state, rows * columns * 4);
}

void Sizes(benchmark::internal::Benchmark* benchmark) {
  for (const int64_t size : kSizes) benchmark->Arg(size);
  benchmark->UseRealTime()->Unit(benchmark::kMicrosecond);
}
BENCHMARK(BM_Copy)->Apply(Sizes);
BENCHMARK(BM_Add)->Apply(Sizes);
BENCHMARK(BM_Relu)->Apply(Sizes);
BENCHMARK(BM_Exp)->Apply(Sizes);
BENCHMARK(BM_Sum)->Apply(Sizes);
BENCHMARK(BM_ColumnSum)->Arg(8)->Arg(64)->Arg(1024)->UseRealTime()->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace autograd
