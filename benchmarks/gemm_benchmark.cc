// Matrix products at the shapes of gemm_cases.h in f32, f64 and bf16, and batches of small ones:
// the scores and the mixing of attention as separate operations (64 images, 8 heads of 8, 196 and
// 49 tokens), and larger ones. GFLOPS, and the share of the machine's peak (peak.h); compare f32
// and f64 with openblas_benchmark by gemm_vs_openblas.py.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "autograd/dtype.h"
#include "autograd/kernels/gemm.h"
#include "autograd/kernels/gemm_bf16.h"
#include "autograd/parallel/parallel.h"
#include "benchmarks/benchmark_program.h"
#include "benchmarks/gemm_cases.h"
#include "benchmarks/peak.h"

namespace {

namespace kernels = autograd::kernels;
using autograd::BFloat16;

template <class T>
constexpr bool kIsBf16 = std::is_same_v<T, BFloat16>;

template <class T>
T Half() {
  if constexpr (kIsBf16<T>) {
    return autograd::ToBFloat16(0.5f);
  } else {
    return T(0.5);
  }
}

template <class T>
void Report(benchmark::State& state, double flops) {
  constexpr auto kWide =
      sizeof(T) == 8 ? benchmarks::Arithmetic::kF64 : benchmarks::Arithmetic::kF32;
  benchmarks::ReportFlops(state, flops, kIsBf16<T> ? benchmarks::Arithmetic::kBf16 : kWide);
}

template <class T>
void Multiply(const benchmarks::GemmCase& x, const T* a, const T* b, T* c) {
  const int64_t b_row = x.transposed ? 1 : x.n, b_column = x.transposed ? x.k : 1;
  if constexpr (kIsBf16<T>) {
    kernels::GemmBf16(x.m, x.n, x.k, a, x.k, 1, b, b_row, b_column, 0.0f, c, x.n);
  } else {
    kernels::Gemm(x.m, x.n, x.k, T(1), a, x.k, 1, b, b_row, b_column, T(0), c, x.n);
  }
}

// Matrices of each batch one behind the other.
template <class T>
void MultiplyBatch(int64_t batch, const benchmarks::GemmCase& x, const T* a, const T* b, T* c) {
  const int64_t b_row = x.transposed ? 1 : x.n, b_column = x.transposed ? x.k : 1;
  if constexpr (kIsBf16<T>) {
    kernels::BatchedGemmBf16(batch, x.m, x.n, x.k, a, x.m * x.k, x.k, 1, b, x.k * x.n, b_row,
                             b_column, 0.0f, c, x.m * x.n, x.n);
  } else {
    kernels::BatchedGemm(batch, x.m, x.n, x.k, T(1), a, x.m * x.k, x.k, 1, b, x.k * x.n, b_row,
                         b_column, T(0), c, x.m * x.n, x.n);
  }
}

template <class T>
void RunBatch(benchmark::State& state, int64_t batch, const benchmarks::GemmCase& x, int threads) {
  autograd::SetNumThreads(threads);
  const std::vector<T> a(static_cast<size_t>(batch * x.m * x.k), Half<T>());
  const std::vector<T> b(static_cast<size_t>(batch * x.k * x.n), Half<T>());
  std::vector<T> c(static_cast<size_t>(batch * x.m * x.n));
  for (auto _ : state) {
    MultiplyBatch(batch, x, a.data(), b.data(), c.data());
    benchmark::ClobberMemory();
  }
  Report<T>(state, 2 * static_cast<double>(batch * x.m * x.n * x.k));
}

// "batched/f32/512*196x196x8t/1"
template <class T>
void RegisterBatch(const std::string& type, int64_t batch, const benchmarks::GemmCase& x) {
  for (const int threads : {1, 2}) {
    const std::string name = "batched/" + type + "/" + std::to_string(batch) + "*" +
                             std::to_string(x.m) + "x" + std::to_string(x.n) + "x" +
                             std::to_string(x.k) + (x.transposed ? "t/" : "/") +
                             std::to_string(threads);
    benchmark::RegisterBenchmark(
        name.c_str(), [=](benchmark::State& state) { RunBatch<T>(state, batch, x, threads); })
        ->UseRealTime()
        ->Unit(benchmark::kMicrosecond);
  }
}

template <class T>
void Register(const std::string& type) {
  benchmarks::RegisterGemm<T>(
      type, Half<T>(), Multiply<T>, [](int threads) { autograd::SetNumThreads(threads); },
      Report<T>);
}

template <class T>
void RegisterBatches(const std::string& type) {
  RegisterBatch<T>(type, 512, {196, 196, 8, true});
  RegisterBatch<T>(type, 512, {196, 8, 196, false});
  RegisterBatch<T>(type, 512, {49, 49, 8, true});
  RegisterBatch<T>(type, 512, {49, 8, 49, false});
  RegisterBatch<T>(type, 64, {128, 128, 128, false});
}

}  // namespace

int main(int argc, char** argv) {
  return benchmarks::RunBenchmarks(argc, argv, "Times matrix products.", [] {
    Register<float>("f32");
    Register<double>("f64");
    Register<BFloat16>("bf16");
    RegisterBatches<float>("f32");
    RegisterBatches<BFloat16>("bf16");
  });
}
