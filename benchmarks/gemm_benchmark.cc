// Our matrix product at the shapes of gemm_cases.h; compare with openblas_benchmark by
// gemm_vs_openblas.py.
#include <benchmark/benchmark.h>

#include "autograd/kernels/gemm.h"
#include "autograd/parallel/parallel.h"
#include "benchmarks/benchmark_program.h"
#include "benchmarks/gemm_cases.h"

namespace {

template <class T>
void Register() {
  benchmarks::RegisterGemm<T>(
      [](const benchmarks::GemmCase& x, const T* a, const T* b, T* c) {
        autograd::kernels::Gemm(x.m, x.n, x.k, T(1), a, x.k, 1, b, x.transposed ? 1 : x.n,
                                x.transposed ? x.k : 1, T(0), c, x.n);
      },
      [](int threads) { autograd::SetNumThreads(threads); });
}

}  // namespace

int main(int argc, char** argv) {
  return benchmarks::RunBenchmarks(argc, argv, "Times matrix products.", [] {
    Register<float>();
    Register<double>();
  });
}
