// Attention at the sizes of the MNIST UNet: batch 64 and 256, 8 heads of 8, 196 and 49 tokens; and
// one with larger heads. Fused, from three tensors or from one (also in bf16), and as products and
// a softmax with all scores in memory. OMP_NUM_THREADS says how many threads.
//
// The counter `scores` counts pairs of a query and a key. GFLOPS are those of the definition: of
// each pair two products of a head's size forward, four backward, whatever is computed twice; the
// exponentials, which small heads spend most of their time on, do not count. Beside them is the
// share of the machine's peak (peak.h).
#include <benchmark/benchmark.h>

#include <cmath>
#include <vector>

#include "autograd/grad.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/attention.h"
#include "autograd/ops/cast.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/matmul.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/slice.h"
#include "autograd/ops/softmax.h"
#include "autograd/random/philox.h"
#include "autograd/tensor.h"
#include "benchmarks/peak.h"

namespace autograd {
namespace {

Tensor Materialised(const Tensor& q, const Tensor& k, const Tensor& v) {
  const Dims heads_first = {0, 2, 1, 3};
  const double scale = 1 / std::sqrt(static_cast<double>(q.size(3)));
  const Tensor scores = MatMul(Permute(q, heads_first), Permute(k, {0, 2, 3, 1})) * scale;
  return Permute(MatMul(Softmax(scores, -1), Permute(v, heads_first)), heads_first);
}
Tensor Fused(const Tensor& q, const Tensor& k, const Tensor& v) {
  return ScaledDotProductAttention(q, k, v);
}

using Attention = Tensor (*)(const Tensor&, const Tensor&, const Tensor&);

// Arguments: batch, tokens, heads, head size.
Tensor Vectors(const benchmark::State& state, Generator& generator) {
  return Randn({state.range(0), state.range(1), state.range(2), state.range(3)}, generator);
}

constexpr int kForwardProducts = 2, kBackwardProducts = 4;

void Report(benchmark::State& state, int products, DType dtype = DType::kF32) {
  const double scores = static_cast<double>(state.range(0) * state.range(2)) *
                        static_cast<double>(state.range(1) * state.range(1));
  state.counters["scores"] =
      benchmark::Counter(scores, benchmark::Counter::kIsIterationInvariantRate);
  const double flops = 2.0 * products * scores * static_cast<double>(state.range(3));
  benchmarks::ReportFlops(
      state, flops,
      dtype == DType::kBF16 ? benchmarks::Arithmetic::kBf16 : benchmarks::Arithmetic::kF32);
}

template <Attention kAttention>
void BM_Forward(benchmark::State& state) {
  Generator generator(1);
  const Tensor q = Vectors(state, generator), k = Vectors(state, generator),
               v = Vectors(state, generator);
  for (auto _ : state) benchmark::DoNotOptimize(kAttention(q, k, v).raw<float>());
  Report(state, kForwardProducts);
}

// The backward pass alone.
template <Attention kAttention>
void BM_Backward(benchmark::State& state) {
  Generator generator(1);
  std::vector<Tensor> inputs;
  for (int i = 0; i < 3; ++i) {
    inputs.push_back(Vectors(state, generator).set_requires_grad(true));
  }
  const Tensor y = kAttention(inputs[0], inputs[1], inputs[2]), g = Vectors(state, generator);
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        Grad({y}, inputs, {.grad_outputs = {g}, .retain_graph = true})[0].raw<float>());
  }
  Report(state, kBackwardProducts);
}

// q, k and v in one tensor, as the UNet has them, of dtype kDType.
template <DType kDType>
Tensor Packed(const benchmark::State& state, Generator& generator) {
  return Cast(Randn({state.range(0), state.range(1), 3, state.range(2), state.range(3)}, generator),
              kDType);
}

template <DType kDType>
void BM_PackedForward(benchmark::State& state) {
  Generator generator(1);
  const Tensor qkv = Packed<kDType>(state, generator);
  for (auto _ : state) benchmark::DoNotOptimize(ScaledDotProductAttentionPacked(qkv));
  Report(state, kForwardProducts, kDType);
}

template <DType kDType>
void BM_PackedBackward(benchmark::State& state) {
  Generator generator(1);
  const Tensor qkv = Packed<kDType>(state, generator).set_requires_grad(true);
  const Tensor y = ScaledDotProductAttentionPacked(qkv);
  const Tensor g = Cast(Vectors(state, generator), kDType);
  for (auto _ : state) {
    benchmark::DoNotOptimize(Grad({y}, {qkv}, {.grad_outputs = {g}, .retain_graph = true}));
  }
  Report(state, kBackwardProducts, kDType);
}

void Sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->Args({64, 196, 8, 8})->Args({64, 49, 8, 8});
  benchmark->Args({256, 196, 8, 8})->Args({256, 49, 8, 8})->Args({4, 1024, 8, 64});
  benchmark->UseRealTime()->Unit(benchmark::kMillisecond);
}
BENCHMARK(BM_PackedForward<DType::kF32>)->Apply(Sizes);
BENCHMARK(BM_PackedBackward<DType::kF32>)->Apply(Sizes);
BENCHMARK(BM_PackedForward<DType::kBF16>)->Apply(Sizes);
BENCHMARK(BM_PackedBackward<DType::kBF16>)->Apply(Sizes);
BENCHMARK(BM_Forward<Fused>)->Apply(Sizes);
BENCHMARK(BM_Backward<Fused>)->Apply(Sizes);
BENCHMARK(BM_Forward<Materialised>)->Apply(Sizes);
BENCHMARK(BM_Backward<Materialised>)->Apply(Sizes);

}  // namespace
}  // namespace autograd
