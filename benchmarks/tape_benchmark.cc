// What the tape costs: a chain of scalar multiplications recorded, differentiated and destroyed.
// Times are for the whole chain; the counter time_per_link divides by its length.
#include <benchmark/benchmark.h>

#include "autograd/grad.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/tensor.h"

namespace autograd {
namespace {

void Chain(int64_t length) {
  const Tensor x = Tensor::Scalar(1.0f).set_requires_grad(true);
  const Tensor factor = Tensor::Scalar(1.0001f);
  Tensor y = x;
  for (int64_t i = 0; i < length; ++i) y = y * factor;
  benchmark::DoNotOptimize(Grad({y}, {x})[0].item<float>());
}

void BM_WarmChain(benchmark::State& state) {
  const int64_t length = state.range(0);
  Chain(length);
  for (auto _ : state) Chain(length);
  state.counters["time_per_link"] =
      benchmark::Counter(static_cast<double>(state.iterations() * length),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(BM_WarmChain)->Arg(1000)->MinTime(1);

}  // namespace
}  // namespace autograd
