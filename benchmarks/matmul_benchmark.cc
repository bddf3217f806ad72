// MatMul of batches of small matrices: the products of attention as separate operations (64 images,
// 8 heads of 8, 196 and 49 tokens), and larger ones; forward, and the backward pass alone, which is
// two products as large. OMP_NUM_THREADS says how many threads. GFLOPS, and the share of the
// machine's peak (peak.h). gemm_benchmark times single products.
#include <benchmark/benchmark.h>

#include <cstdint>

#include "autograd/grad.h"
#include "autograd/ops/cast.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/matmul.h"
#include "autograd/random/philox.h"
#include "autograd/tensor.h"
#include "benchmarks/peak.h"

namespace autograd {
namespace {

// Arguments: batch, m, n, k, of products [batch, m, k] by [batch, k, n].
template <DType kDType>
struct Problem {
  explicit Problem(const benchmark::State& state)
      : generator(1),
        a(Cast(Randn({state.range(0), state.range(1), state.range(3)}, generator), kDType)),
        b(Cast(Randn({state.range(0), state.range(3), state.range(2)}, generator), kDType)) {}
  static void Report(benchmark::State& state, int products) {
    const auto size =
        static_cast<double>(state.range(0) * state.range(1) * state.range(2) * state.range(3));
    benchmarks::ReportFlops(
        state, 2 * products * size,
        kDType == DType::kBF16 ? benchmarks::Arithmetic::kBf16 : benchmarks::Arithmetic::kF32);
  }

  Generator generator;
  Tensor a, b;
};

template <DType kDType>
void BM_Forward(benchmark::State& state) {
  const Problem<kDType> p(state);
  for (auto _ : state) benchmark::DoNotOptimize(MatMul(p.a, p.b));
  p.Report(state, 1);
}

template <DType kDType>
void BM_Backward(benchmark::State& state) {
  Problem<kDType> p(state);
  p.a.set_requires_grad(true);
  p.b.set_requires_grad(true);
  const Tensor y = MatMul(p.a, p.b);
  const Tensor g = Cast(Randn(y.shape(), p.generator), kDType);
  for (auto _ : state) {
    benchmark::DoNotOptimize(Grad({y}, {p.a, p.b}, {.grad_outputs = {g}, .retain_graph = true}));
  }
  p.Report(state, 2);
}

void Sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"batch", "m", "n", "k"});
  for (const int64_t tokens : {196, 49}) {
    benchmark->Args({512, tokens, tokens, 8})->Args({512, tokens, 8, tokens});
  }
  benchmark->Args({64, 128, 128, 128})->UseRealTime()->Unit(benchmark::kMicrosecond);
}
BENCHMARK(BM_Forward<DType::kF32>)->Apply(Sizes);
BENCHMARK(BM_Backward<DType::kF32>)->Apply(Sizes);
BENCHMARK(BM_Forward<DType::kBF16>)->Apply(Sizes);
BENCHMARK(BM_Backward<DType::kBF16>)->Apply(Sizes);

}  // namespace
}  // namespace autograd
