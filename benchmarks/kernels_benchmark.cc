// Throughput of the elementwise kernels, reductions and conversions, beside memcpy of the same
// bytes.
//
// One thread, pinned for steady figures, with the instruction set that AUTOGRAD_ISA allows:
//   taskset -c 0 bazel-bin/benchmarks/kernels_benchmark --benchmark_repetitions=5
// GB/s counts bytes read and written once each; "of copy" is the share of what one thread copies
// beyond the caches (peak.h), which arrays within them exceed.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "autograd/kernels/binary.h"
#include "autograd/kernels/convert.h"
#include "autograd/kernels/reduce.h"
#include "autograd/kernels/stream.h"
#include "autograd/kernels/unary.h"
#include "benchmarks/peak.h"

namespace autograd::kernels {
namespace {

// In L1, in L2, beyond L2, and beyond most last-level caches.
void Sizes(benchmark::internal::Benchmark* b) {
  for (int64_t n : {4096, 100000, 1000000, 4000000, 30000000}) b->Arg(n);
}

std::vector<float> Inputs(int64_t n) {
  std::vector<float> x(static_cast<size_t>(n));
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 2003) * 0.004f - 4.0f;
  return x;
}

void ReportBytes(benchmark::State& state, int64_t bytes) {
  benchmarks::ReportBytes(state, static_cast<double>(bytes), /*per_thread=*/true);
}

void CountBytes(benchmark::State& state, int64_t arrays) {
  state.SetItemsProcessed(state.iterations() * state.range(0));
  ReportBytes(state, state.range(0) * arrays * int64_t{sizeof(float)});
}

void Memcpy(benchmark::State& state) {
  const int64_t n = state.range(0);
  std::vector<float> x = Inputs(n), y(x.size());
  for (auto _ : state) {
    std::memcpy(y.data(), x.data(), x.size() * sizeof(float));
    benchmark::ClobberMemory();
  }
  CountBytes(state, 2);
}
BENCHMARK(Memcpy)->Apply(Sizes);

void Unary(benchmark::State& state, UnaryOp op) {
  const int64_t n = state.range(0);
  const std::vector<float> x = Inputs(n);
  std::vector<float> y(x.size());
  const UnaryFn<float> f = GetUnary<float>(op);
  for (auto _ : state) {
    f(x.data(), y.data(), n, 1.0f);
    benchmark::ClobberMemory();
  }
  CountBytes(state, 2);
}
BENCHMARK_CAPTURE(Unary, relu, UnaryOp::kRelu)->Apply(Sizes);
BENCHMARK_CAPTURE(Unary, exp, UnaryOp::kExp)->Apply(Sizes);
BENCHMARK_CAPTURE(Unary, elu, UnaryOp::kElu)->Apply(Sizes);
BENCHMARK_CAPTURE(Unary, silu, UnaryOp::kSilu)->Apply(Sizes);
BENCHMARK_CAPTURE(Unary, tanh, UnaryOp::kTanh)->Arg(4096);
BENCHMARK_CAPTURE(Unary, log, UnaryOp::kLog)->Arg(4096);
BENCHMARK_CAPTURE(Unary, sin, UnaryOp::kSin)->Arg(4096);
BENCHMARK_CAPTURE(Unary, softplus, UnaryOp::kSoftplus)->Arg(4096);
BENCHMARK_CAPTURE(Unary, gelu_tanh, UnaryOp::kGeluTanh)->Arg(4096);
BENCHMARK_CAPTURE(Unary, gelu_erf, UnaryOp::kGeluErf)->Arg(4096);
BENCHMARK_CAPTURE(Unary, erf, UnaryOp::kErf)->Arg(4096);

void UnaryStreamed(benchmark::State& state, UnaryOp op) {
  const int64_t n = state.range(0);
  const std::vector<float> x = Inputs(n);
  std::vector<float> y(x.size());
  const UnaryFn<float> f = GetUnary<float>(op);
  for (auto _ : state) {
    Stream(y.data(), n,
           [&](int64_t i, int64_t count, float* out) { f(x.data() + i, out, count, 1.0f); });
    benchmark::ClobberMemory();
  }
  CountBytes(state, 2);
}
BENCHMARK_CAPTURE(UnaryStreamed, relu, UnaryOp::kRelu)->Apply(Sizes);
BENCHMARK_CAPTURE(UnaryStreamed, exp, UnaryOp::kExp)->Apply(Sizes);

void UnaryGrad(benchmark::State& state, UnaryOp op) {
  const int64_t n = state.range(0);
  const std::vector<float> dy = Inputs(n), s = Inputs(n);
  std::vector<float> dx(s.size());
  const UnaryGradFn<float> f = GetUnaryGrad<float>(op);
  for (auto _ : state) {
    f(dy.data(), s.data(), dx.data(), n, 1.0f);
    benchmark::ClobberMemory();
  }
  CountBytes(state, 3);
}
BENCHMARK_CAPTURE(UnaryGrad, elu, UnaryOp::kElu)->Apply(Sizes);
BENCHMARK_CAPTURE(UnaryGrad, silu, UnaryOp::kSilu)->Apply(Sizes);

void Add(benchmark::State& state) {
  const int64_t n = state.range(0);
  const std::vector<float> x = Inputs(n), y = Inputs(n);
  std::vector<float> z(x.size());
  const auto f = GetBinary<float>().Arithmetic(BinaryOp::kAdd, Operands::kArrayArray);
  for (auto _ : state) {
    f(x.data(), y.data(), z.data(), n);
    benchmark::ClobberMemory();
  }
  CountBytes(state, 3);
}
BENCHMARK(Add)->Apply(Sizes);

void AddInPlace(benchmark::State& state) {
  const int64_t n = state.range(0);
  const std::vector<float> x(static_cast<size_t>(n), 0.0f);
  std::vector<float> y = Inputs(n);
  const auto f = GetBinary<float>().Arithmetic(BinaryOp::kAdd, Operands::kArrayArray);
  for (auto _ : state) {
    f(y.data(), x.data(), y.data(), n);
    benchmark::ClobberMemory();
  }
  CountBytes(state, 3);
}
BENCHMARK(AddInPlace)->Apply(Sizes);

void PowArrays(benchmark::State& state) {
  const int64_t n = state.range(0);
  const std::vector<float> x(static_cast<size_t>(n), 1.7f), y = Inputs(n);
  std::vector<float> z(x.size());
  const auto f = GetBinary<float>().Arithmetic(BinaryOp::kPow, Operands::kArrayArray);
  for (auto _ : state) {
    f(x.data(), y.data(), z.data(), n);
    benchmark::ClobberMemory();
  }
  CountBytes(state, 3);
}
BENCHMARK(PowArrays)->Arg(4096);

void Sum(benchmark::State& state) {
  const int64_t n = state.range(0);
  const std::vector<float> x = Inputs(n);
  const auto f = GetReduce<float>().sum;
  for (auto _ : state) benchmark::DoNotOptimize(f(x.data(), n));
  CountBytes(state, 1);
}
BENCHMARK(Sum)->Apply(Sizes);

void Argmax(benchmark::State& state) {
  const int64_t n = state.range(0);
  const std::vector<float> x = Inputs(n);
  const auto f = GetReduce<float>().argmax;
  for (auto _ : state) benchmark::DoNotOptimize(f(x.data(), n));
  CountBytes(state, 1);
}
BENCHMARK(Argmax)->Apply(Sizes);

// A matrix of range(0) floats in range(1) columns.
void ColumnSum(benchmark::State& state) {
  const int64_t columns = state.range(1), rows = state.range(0) / columns;
  const std::vector<float> x = Inputs(rows * columns);
  std::vector<float> y(static_cast<size_t>(columns));
  for (auto _ : state) {
    GetReduce<float>().column_sum(x.data(), rows, columns, columns, y.data());
    benchmark::ClobberMemory();
  }
  CountBytes(state, 1);
}
BENCHMARK(ColumnSum)->Args({1 << 20, 64})->Args({1 << 20, 4096})->Args({1 << 12, 64});

void Softmax(benchmark::State& state) {
  const int64_t columns = state.range(1), rows = state.range(0) / columns;
  const std::vector<float> x = Inputs(rows * columns);
  std::vector<float> y(x.size());
  for (auto _ : state) {
    GetReduce<float>().softmax(x.data(), y.data(), rows, columns);
    benchmark::ClobberMemory();
  }
  CountBytes(state, 2);
}
BENCHMARK(Softmax)->Args({1 << 14, 16})->Args({1 << 14, 256})->Args({1 << 20, 1024});

void CastToBf16(benchmark::State& state) {
  const int64_t n = state.range(0);
  const std::vector<float> x = Inputs(n);
  std::vector<uint16_t> y(x.size());
  const CastFn f = GetCast(CastType::kF32, CastType::kBf16);
  for (auto _ : state) {
    f(x.data(), y.data(), n);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * n);
  ReportBytes(state, n * 6);
}
BENCHMARK(CastToBf16)->Apply(Sizes);

// A square matrix of range(0) floats a side.
void TransposeSquare(benchmark::State& state) {
  const int64_t side = state.range(0);
  const std::vector<float> x = Inputs(side * side);
  std::vector<float> y(x.size());
  for (auto _ : state) {
    GetConvertKernels().strided_copy(x.data(), side, 1, y.data(), 1, side, side, side, 4);
    benchmark::ClobberMemory();
  }
  ReportBytes(state, side * side * 8);
}
BENCHMARK(TransposeSquare)->Arg(60)->Arg(256)->Arg(1000)->Arg(1024)->Arg(4096);

}  // namespace
}  // namespace autograd::kernels
