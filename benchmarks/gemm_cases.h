// The matrix products that gemm_benchmark and openblas_benchmark both time, under the same names.
#ifndef BENCHMARKS_GEMM_CASES_H_
#define BENCHMARKS_GEMM_CASES_H_

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

namespace benchmarks {

// C[m, n] = A[m, k] B, rows contiguous; B is [k, n], or with transposed [n, k] as a linear layer's
// weight is.
struct GemmCase {
  int64_t m, n, k;
  bool transposed;
};

inline std::vector<GemmCase> GemmCases() {
  return {{512, 512, 512, false}, {1024, 1024, 1024, false}, {256, 64, 64, false},
          {256, 64, 64, true},    {50176, 64, 64, false},    {50176, 64, 64, true}};
}

// Registers multiply(case, a, b, c) on matrices of `value` as "f32/512x512x512/1" and so on, where
// `type` is "f32". set_threads(n) is called before each, report(state, flops) after.
template <class T, class Multiply, class SetThreads, class Report>
void RegisterGemm(const std::string& type, T value, Multiply multiply, SetThreads set_threads,
                  Report report) {
  for (const GemmCase& x : GemmCases()) {
    for (const int threads : {1, 2}) {
      const std::string name = type + "/" + std::to_string(x.m) + "x" + std::to_string(x.n) + "x" +
                               std::to_string(x.k) + (x.transposed ? "t/" : "/") +
                               std::to_string(threads);
      const auto run = [=](benchmark::State& state) {
        set_threads(threads);
        std::vector<T> a(static_cast<size_t>(x.m * x.k), value);
        std::vector<T> b(static_cast<size_t>(x.k * x.n), value);
        std::vector<T> c(static_cast<size_t>(x.m * x.n));
        for (auto _ : state) {
          multiply(x, a.data(), b.data(), c.data());
          benchmark::ClobberMemory();
        }
        report(state, 2 * static_cast<double>(x.m * x.n * x.k));
      };
      benchmark::RegisterBenchmark(name.c_str(), run)->UseRealTime()->Unit(benchmark::kMicrosecond);
    }
  }
}

}  // namespace benchmarks

#endif  // BENCHMARKS_GEMM_CASES_H_
