// Matrix products at the shapes of gemm_cases.h in f32, f64 and bf16: GFLOPS, and the share of the
// machine's peak (peak.h). Compare f32 and f64 with openblas_benchmark by gemm_vs_openblas.py.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <type_traits>

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

template <class T>
void Register(const std::string& type) {
  benchmarks::RegisterGemm<T>(
      type, Half<T>(), Multiply<T>, [](int threads) { autograd::SetNumThreads(threads); },
      Report<T>);
}

}  // namespace

int main(int argc, char** argv) {
  return benchmarks::RunBenchmarks(argc, argv, "Times matrix products.", [] {
    Register<float>("f32");
    Register<double>("f64");
    Register<BFloat16>("bf16");
  });
}
