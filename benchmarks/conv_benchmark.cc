// Convolutions of the MNIST UNet at batch 256, in f32 and bf16: forward, alone and with the shift
// and residual of a residual block, and the gradients of image and weight. GFLOPS are of one
// processor: two for each multiply-add of the definition, borders counted, by processor time of all
// threads, so that what others do on the machine matters less; beside them is the share of the
// machine's peak (peak.h), which convolutions by tiles (conv_winograd.h) can exceed.
// --batch=N takes another batch.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "autograd/dtype.h"
#include "autograd/kernels/conv.h"
#include "autograd/parallel/parallel.h"
#include "benchmarks/benchmark_program.h"
#include "benchmarks/peak.h"

ABSL_FLAG(int64_t, batch, 256, "images in a batch");

namespace {

namespace kernels = autograd::kernels;
using autograd::BFloat16;

// The largest of its arrays then has 1.2 GB.
constexpr int64_t kMaxBatch = 4096;

template <class T>
T Rounded(float x) {
  if constexpr (std::is_same_v<T, BFloat16>) {
    return autograd::ToBFloat16(x);
  } else {
    return x;
  }
}

template <class T>
struct Arrays {
  explicit Arrays(const kernels::ConvSize& s)
      : x(static_cast<size_t>(s.batch * s.pixels() * s.channels), Rounded<T>(0.5f)),
        y(static_cast<size_t>(s.batch * s.out_pixels() * s.out_channels), Rounded<T>(0.25f)),
        residual(y),
        w(static_cast<size_t>(s.weights()), 0.125f),
        bias(static_cast<size_t>(s.out_channels), 1.0f),
        shift(static_cast<size_t>(s.batch * s.out_channels), 1.0f) {}
  std::vector<T> x, y, residual;
  std::vector<float> w, bias, shift;
};

// A square image, kernel and stride, padded so that the image keeps its size at a stride of 1.
kernels::ConvSize Size(int64_t batch, int64_t side, int64_t in, int64_t out, int64_t kernel,
                       int64_t stride) {
  kernels::ConvSize s;
  s.batch = batch;
  s.height = s.width = side;
  s.channels = in;
  s.out_channels = out;
  s.kernel_height = s.kernel_width = kernel;
  s.stride_height = s.stride_width = stride;
  s.padding_height = s.padding_width = kernel / 2;
  s.out_height = s.out_width = (side + kernel / 2 * 2 - kernel) / stride + 1;
  return s;
}

template <class T, class Run>
void Register(const std::string& direction, const kernels::ConvSize& s, Run run) {
  constexpr bool kIsBf16 = std::is_same_v<T, BFloat16>;
  constexpr auto kArithmetic =
      kIsBf16 ? benchmarks::Arithmetic::kBf16 : benchmarks::Arithmetic::kF32;
  for (const int threads : {1, 2}) {
    const std::string name =
        direction + "/" + (kIsBf16 ? "bf16" : "f32") + "/" + std::to_string(s.channels) + "->" +
        std::to_string(s.out_channels) + "@" + std::to_string(s.height) + " " +
        std::to_string(s.kernel_height) + "x" + std::to_string(s.kernel_width) +
        (s.stride_height > 1 ? " stride 2" : "") + "/" + std::to_string(threads);
    benchmark::RegisterBenchmark(name.c_str(),
                                 [=](benchmark::State& state) {
                                   autograd::SetNumThreads(threads);
                                   Arrays<T> a(s);
                                   for (auto _ : state) {
                                     run(s, a);
                                     benchmark::ClobberMemory();
                                   }
                                   const double products =
                                       static_cast<double>(s.batch * s.out_pixels() * s.weights());
                                   benchmarks::ReportFlops(state, 2 * products, kArithmetic, true);
                                 })
        ->MeasureProcessCPUTime()
        ->Unit(benchmark::kMillisecond);
  }
}

template <class T>
void RegisterAll(const kernels::ConvSize& s) {
  Register<T>("forward", s, [](const kernels::ConvSize& size, Arrays<T>& a) {
    kernels::ConvForward(size, a.x.data(), a.w.data(), {a.bias.data()}, a.y.data());
  });
  Register<T>("block", s, [](const kernels::ConvSize& size, Arrays<T>& a) {
    kernels::ConvForward(size, a.x.data(), a.w.data(),
                         {a.bias.data(), a.shift.data(), a.residual.data()}, a.y.data());
  });
  Register<T>("image", s, [](const kernels::ConvSize& size, Arrays<T>& a) {
    kernels::ConvInputGradient(size, a.y.data(), a.w.data(), {}, a.x.data());
  });
  Register<T>("weight", s, [](const kernels::ConvSize& size, Arrays<T>& a) {
    kernels::ConvWeightGradient(size, a.x.data(), a.y.data(), a.w.data());
  });
}

void RegisterLayers() {
  const int64_t batch = absl::GetFlag(FLAGS_batch);
  if (batch < 1 || batch > kMaxBatch) {
    throw std::invalid_argument(absl::StrCat("--batch is ", batch, ", expected 1 to ", kMaxBatch));
  }
  struct Layer {
    int64_t side, in, out, kernel, stride;
  };
  for (const Layer& l : std::vector<Layer>{{28, 9, 32, 3, 1},
                                           {28, 32, 32, 3, 1},
                                           {28, 64, 32, 3, 1},
                                           {28, 96, 32, 3, 1},
                                           {28, 64, 64, 3, 1},
                                           {28, 32, 1, 3, 1},
                                           {28, 32, 32, 3, 2},
                                           {28, 96, 32, 1, 1},
                                           {14, 32, 64, 3, 1},
                                           {14, 64, 64, 3, 1},
                                           {14, 96, 64, 3, 1},
                                           {14, 128, 64, 3, 1},
                                           {14, 64, 64, 3, 2},
                                           {7, 64, 64, 3, 1},
                                           {7, 128, 64, 3, 1}}) {
    const kernels::ConvSize size = Size(batch, l.side, l.in, l.out, l.kernel, l.stride);
    RegisterAll<float>(size);
    RegisterAll<BFloat16>(size);
  }
}

}  // namespace

int main(int argc, char** argv) {
  return benchmarks::RunBenchmarks(argc, argv, "Times convolutions.", RegisterLayers);
}
