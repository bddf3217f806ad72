// OpenBLAS at the shapes of gemm_cases.h: the yardstick of gemm_benchmark. A process of its own,
// because its threads spin between calls.
#include <benchmark/benchmark.h>

#include "benchmarks/benchmark_program.h"
#include "benchmarks/gemm_cases.h"

// What of cblas.h is used here, so that only the library need be installed to link.
extern "C" {
void openblas_set_num_threads(int threads);
void cblas_sgemm(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha,
                 const float* a, int lda, const float* b, int ldb, float beta, float* c, int ldc);
void cblas_dgemm(int order, int transpose_a, int transpose_b, int m, int n, int k, double alpha,
                 const double* a, int lda, const double* b, int ldb, double beta, double* c,
                 int ldc);
}

namespace {

constexpr int kRowMajor = 101, kNoTrans = 111, kTrans = 112;

template <class T, class Function>
void Register(const char* type, Function gemm) {
  benchmarks::RegisterGemm<T>(
      type, T(0.5),
      [gemm](const benchmarks::GemmCase& x, const T* a, const T* b, T* c) {
        const int m = static_cast<int>(x.m), n = static_cast<int>(x.n), k = static_cast<int>(x.k);
        gemm(kRowMajor, kNoTrans, x.transposed ? kTrans : kNoTrans, m, n, k, T(1), a, k, b,
             x.transposed ? k : n, T(0), c, n);
      },
      [](int threads) { openblas_set_num_threads(threads); },
      [](benchmark::State& state, double flops) {
        state.counters["GFLOPS"] =
            benchmark::Counter(1e-9 * flops, benchmark::Counter::kIsIterationInvariantRate);
      });
}

}  // namespace

int main(int argc, char** argv) {
  return benchmarks::RunBenchmarks(argc, argv, "Times OpenBLAS.", [] {
    Register<float>("f32", &cblas_sgemm);
    Register<double>("f64", &cblas_dgemm);
  });
}
