// Group normalisation at the shapes of the MNIST UNet, in bytes a second of what must be moved (the
// arrays read and written once each) and as a share of what a copy moves. "batch 16" is a chunk of
// a training step and stays in the caches. "joined": the first third of the channels comes from a
// second array; "pending": dx is added to what is there.
//
//   bazel run //benchmarks:norm_benchmark -- --benchmark_min_time=0.1
#include <benchmark/benchmark.h>

#include <type_traits>
#include <vector>

#include "autograd/dtype.h"
#include "autograd/kernels/group_norm.h"
#include "autograd/parallel/parallel.h"
#include "benchmarks/peak.h"

namespace autograd::kernels {
namespace {

template <class T>
std::vector<T> Values(int64_t count) {
  std::vector<T> values(static_cast<size_t>(count));
  uint32_t seed = 1;
  for (T& value : values) {
    seed = seed * 1664525u + 1013904223u;
    const float drawn = static_cast<float>(seed >> 8) / (1 << 22) - 2;
    if constexpr (std::is_same_v<T, BFloat16>) {
      value = ToBFloat16(drawn);
    } else {
      value = drawn;
    }
  }
  return values;
}

// Arguments: batch, side of the image, channels, whether there is a SiLU, whether joined, whether
// pending.
template <class S>
struct Problem {
  explicit Problem(const benchmark::State& state)
      : size{state.range(0), state.range(1) * state.range(1), state.range(2), 32},
        count(size.batch * size.rows * size.channels),
        x(Values<S>(count)),
        dy(x),
        y(x),
        weight(static_cast<size_t>(size.channels), 1.0f),
        bias(weight),
        dweight(weight),
        dbias(weight),
        statistics(static_cast<size_t>(2 * size.batch * size.groups)),
        activation(state.range(3) != 0 ? NormActivation<float>::Of(UnaryOp::kSilu)
                                       : NormActivation<float>()),
        pending(state.range(5) != 0) {
    const int64_t second = state.range(4) != 0 ? size.channels / 3 : 0;
    const int64_t at = size.batch * size.rows * (size.channels - second);
    AddPart(0, size.channels - second);
    if (second != 0) AddPart(at, second);
  }
  void AddPart(int64_t at, int64_t channels) {
    S* const dx = y.data() + at;
    parts.push_back({x.data() + at, channels, dx, pending ? dx : nullptr});
  }

  void Forward() {
    GroupNormForward<S>(size, parts, weight.data(), bias.data(), 1e-5, activation, y.data(),
                        statistics.data());
  }
  void Backward() {
    GroupNormBackward<S>(size, parts, weight.data(), bias.data(), 1e-5, activation,
                         statistics.data(), dy.data(), dweight.data(), dbias.data());
  }

  GroupNormSize size;
  int64_t count;
  std::vector<S> x, dy, y;
  std::vector<float> weight, bias, dweight, dbias;
  std::vector<double> statistics;
  NormActivation<float> activation;
  bool pending;
  std::vector<NormPart<S>> parts;
};

template <class S>
void Forward(benchmark::State& state) {
  Problem<S> p(state);
  for (auto _ : state) p.Forward();
  benchmarks::ReportBytes(state, static_cast<double>(p.count * 2 * int64_t{sizeof(S)}));
}

template <class S>
void Backward(benchmark::State& state) {
  Problem<S> p(state);
  p.Forward();
  for (auto _ : state) p.Backward();
  const int64_t arrays = p.pending ? 4 : 3;
  benchmarks::ReportBytes(state, static_cast<double>(p.count * arrays * int64_t{sizeof(S)}));
}

void Shapes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"batch", "side", "channels", "silu", "joined", "pending"});
  for (const int64_t batch : {16, 64, 256}) {
    for (const int64_t channels : {32, 64, 96}) benchmark->Args({batch, 28, channels, 1, 0, 0});
    for (const int64_t channels : {64, 128}) benchmark->Args({batch, 14, channels, 1, 0, 0});
    benchmark->Args({batch, 7, 64, 1, 0, 0});
    benchmark->Args({batch, 28, 64, 0, 0, 0});
    benchmark->Args({batch, 28, 96, 1, 1, 0});
    benchmark->Args({batch, 28, 64, 1, 0, 1});
  }
  benchmark->UseRealTime()->Unit(benchmark::kMillisecond);
}

BENCHMARK(Forward<float>)->Apply(Shapes);
BENCHMARK(Forward<BFloat16>)->Apply(Shapes);
BENCHMARK(Backward<float>)->Apply(Shapes);
BENCHMARK(Backward<BFloat16>)->Apply(Shapes);

}  // namespace
}  // namespace autograd::kernels
