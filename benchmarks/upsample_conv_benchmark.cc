// UpsampleConv2d, the convolution of an enlarged image, at the sizes of the MNIST UNet's up blocks
// in a chunk of 32 images and a batch of 256: forward, and the backward pass alone with all three
// gradients. "enlarged" makes the image and convolves it. OMP_NUM_THREADS says how many threads.
//
// GFLOPS are those of what UpsampleConv2d computes, 4 of 9 of the definition's (upsample_conv.h),
// for "enlarged", too, so that both have the same; beside them is the share of the machine's peak
// (peak.h).
#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

#include "autograd/grad.h"
#include "autograd/ops/cast.h"
#include "autograd/ops/conv.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/resample.h"
#include "autograd/ops/upsample_conv.h"
#include "autograd/random/philox.h"
#include "autograd/tensor.h"
#include "benchmarks/peak.h"

namespace autograd {
namespace {

Tensor Fused(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return UpsampleConv2d(x, weight, bias);
}
Tensor Enlarged(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return Conv2d(UpsampleNearest2d(x, 2 * x.size(1), 2 * x.size(2)), weight, bias,
                {.padding = {1, 1}});
}

using Function = Tensor (*)(const Tensor&, const Tensor&, const Tensor&);

// Arguments: batch, side of the small image, channels of both images.
template <DType kDType>
std::vector<Tensor> Inputs(const benchmark::State& state, Generator& generator) {
  const int64_t side = state.range(1), channels = state.range(2);
  const Tensor x = Cast(Randn({state.range(0), side, side, channels}, generator), kDType);
  return {x, Randn({channels, 3, 3, channels}, generator), Randn({channels}, generator)};
}

template <DType kDType>
void Report(benchmark::State& state, int passes) {
  const auto pixels = static_cast<double>(state.range(0) * 4 * state.range(1) * state.range(1));
  const auto channels = static_cast<double>(state.range(2));
  benchmarks::ReportFlops(
      state, passes * 2 * pixels * 4 * channels * channels,
      kDType == DType::kBF16 ? benchmarks::Arithmetic::kBf16 : benchmarks::Arithmetic::kF32);
}

template <Function kFunction, DType kDType>
void BM_Forward(benchmark::State& state) {
  Generator generator(1);
  const std::vector<Tensor> inputs = Inputs<kDType>(state, generator);
  for (auto _ : state) benchmark::DoNotOptimize(kFunction(inputs[0], inputs[1], inputs[2]));
  Report<kDType>(state, 1);
}

template <Function kFunction, DType kDType>
void BM_Backward(benchmark::State& state) {
  Generator generator(1);
  std::vector<Tensor> inputs = Inputs<kDType>(state, generator);
  for (Tensor& input : inputs) input.set_requires_grad(true);
  const Tensor y = kFunction(inputs[0], inputs[1], inputs[2]);
  const Tensor g = Cast(Randn(y.shape(), generator), kDType);
  for (auto _ : state) {
    benchmark::DoNotOptimize(Grad({y}, inputs, {.grad_outputs = {g}, .retain_graph = true}));
  }
  Report<kDType>(state, 2);
}

void Sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"batch", "side", "channels"});
  for (const int64_t batch : {32, 256}) benchmark->Args({batch, 7, 64})->Args({batch, 14, 64});
  benchmark->UseRealTime()->Unit(benchmark::kMillisecond);
}
BENCHMARK(BM_Forward<Fused, DType::kF32>)->Apply(Sizes);
BENCHMARK(BM_Backward<Fused, DType::kF32>)->Apply(Sizes);
BENCHMARK(BM_Forward<Fused, DType::kBF16>)->Apply(Sizes);
BENCHMARK(BM_Backward<Fused, DType::kBF16>)->Apply(Sizes);
BENCHMARK(BM_Forward<Enlarged, DType::kF32>)->Apply(Sizes);
BENCHMARK(BM_Backward<Enlarged, DType::kF32>)->Apply(Sizes);

}  // namespace
}  // namespace autograd
