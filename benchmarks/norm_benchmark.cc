// Group normalisation at the shapes of the MNIST UNet, in bytes a second of what must be moved (the
// arrays read and written once each), next to a plain copy. "batch 8" stays in the caches.
//
//   bazel run //benchmarks:norm_benchmark -- --benchmark_min_time=0.2
#include <benchmark/benchmark.h>

#include <cstring>
#include <vector>

#include "autograd/kernels/group_norm.h"
#include "autograd/parallel/parallel.h"

namespace autograd::kernels {
namespace {

std::vector<float> Values(int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  uint32_t seed = 1;
  for (float& value : values) {
    seed = seed * 1664525u + 1013904223u;
    value = static_cast<float>(seed >> 8) / (1 << 22) - 2;
  }
  return values;
}

// Arguments: batch, side of the image, channels, groups, whether there is a SiLU.
struct Problem {
  explicit Problem(const benchmark::State& state)
      : size{state.range(0), state.range(1) * state.range(1), state.range(2), state.range(3)},
        count(size.batch * size.rows * size.channels),
        x(Values(count)),
        dy(x),
        y(x),
        weight(static_cast<size_t>(size.channels), 1.0f),
        bias(weight),
        dweight(weight),
        dbias(weight),
        statistics(static_cast<size_t>(2 * size.batch * size.groups)),
        activation(state.range(4) != 0 ? NormActivation<float>::Of(UnaryOp::kSilu)
                                       : NormActivation<float>()) {}

  void Forward() {
    GroupNormForward(size, x.data(), weight.data(), bias.data(), 1e-5, activation, y.data(),
                     statistics.data());
  }
  void Backward() {
    GroupNormBackward(size, x.data(), weight.data(), bias.data(), 1e-5, activation,
                      statistics.data(), dy.data(), y.data(), dweight.data(), dbias.data());
  }

  GroupNormSize size;
  int64_t count;
  std::vector<float> x, dy, y, weight, bias, dweight, dbias;
  std::vector<double> statistics;
  NormActivation<float> activation;
};

void Copy(benchmark::State& state) {
  Problem p(state);
  constexpr int64_t kGrain = 1 << 15;
  for (auto _ : state) {
    ParallelFor(p.count, kGrain, [&](int64_t begin, int64_t end) {
      std::memcpy(p.y.data() + begin, p.x.data() + begin,
                  static_cast<size_t>(end - begin) * sizeof(float));
    });
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * p.count * 8);
}

void Forward(benchmark::State& state) {
  Problem p(state);
  for (auto _ : state) p.Forward();
  state.SetBytesProcessed(state.iterations() * p.count * 8);
}

void Backward(benchmark::State& state) {
  Problem p(state);
  p.Forward();
  for (auto _ : state) p.Backward();
  state.SetBytesProcessed(state.iterations() * p.count * 12);
}

void Shapes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"batch", "side", "channels", "groups", "silu"});
  for (const int64_t batch : {256, 8}) {
    for (const int64_t channels : {32, 64, 96, 128}) benchmark->Args({batch, 28, channels, 32, 1});
    for (const int64_t channels : {64, 128}) benchmark->Args({batch, 14, channels, 32, 1});
    benchmark->Args({batch, 7, 64, 32, 1});
  }
  for (const int64_t batch : {256, 8}) benchmark->Args({batch, 28, 64, 32, 0});
  benchmark->UseRealTime()->Unit(benchmark::kMillisecond);
}

BENCHMARK(Copy)
    ->Args({256, 28, 64, 32, 0})
    ->Args({8, 28, 64, 32, 0})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(Forward)->Apply(Shapes);
BENCHMARK(Backward)->Apply(Shapes);

}  // namespace
}  // namespace autograd::kernels
