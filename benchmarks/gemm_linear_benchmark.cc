// Linear layers in f32 and bf16: forward, all three gradients, and that of the weights alone. The
// layers are those of the two-moons network (batch 256, 3-64-64-64-2, ELU), and of the MNIST UNet
// at batch 64: projections in attention (q, k and v as one product have 192 outputs) and
// convolutions of one pixel at 28 x 28.
//
// The UNet's move more than they compute, so "of copy" says how far they are from what memory
// allows, counting each array once.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "autograd/dtype.h"
#include "autograd/kernels/linear.h"
#include "autograd/parallel/parallel.h"
#include "benchmarks/benchmark_program.h"
#include "benchmarks/peak.h"

namespace {

namespace kernels = autograd::kernels;

// Aligned as tensors are.
template <class T>
class Array {
 public:
  Array(int64_t count, T value)
      : data_(static_cast<T*>(
            std::aligned_alloc(64, (static_cast<size_t>(count) * sizeof(T) / 64 + 1) * 64))) {
    std::fill_n(data_.get(), count, value);
  }
  T* data() const { return data_.get(); }

 private:
  struct Free {
    void operator()(T* p) const { std::free(p); }
  };
  std::unique_ptr<T, Free> data_;
};

template <class T>
T To(float x) {
  if constexpr (sizeof(T) == sizeof(float)) {
    return x;
  } else {
    return autograd::ToBFloat16(x);
  }
}

template <class T>
struct Arrays {
  explicit Arrays(const kernels::LinearSize& s)
      : x(s.rows * s.in, To<T>(0.5f)),
        y(s.rows * s.out, To<T>(-0.5f)),
        dy(s.rows * s.out, To<T>(-0.5f)),
        dx(s.rows * s.in, To<T>(0.0f)),
        w(s.in * s.out, 0.125f),
        b(s.out, 0.25f),
        dw(s.in * s.out, 0.0f),
        db(s.out, 0.0f) {}
  Array<T> x, y, dy, dx;
  Array<float> w, b, dw, db;
};

enum class Pass { kForward, kBackward, kWeights };

template <class T>
void Run(benchmark::State& state, const kernels::LinearSize& s, bool activated, Pass pass,
         bool first) {
  const auto activation = activated
                              ? kernels::LinearActivation<float>::Of(kernels::UnaryOp::kElu, 1.0f)
                              : kernels::LinearActivation<float>();
  const Arrays<T> a(s);
  // The network's input needs no gradient.
  T* dx = first || pass == Pass::kWeights ? nullptr : a.dx.data();
  for (auto _ : state) {
    if (pass == Pass::kForward) {
      kernels::LinearForward(s, a.x.data(), a.w.data(), a.b.data(), activation, a.y.data(),
                             static_cast<T*>(nullptr));
    } else {
      kernels::LinearBackward(s, a.x.data(), a.w.data(), activation, a.y.data(), a.dy.data(), dx,
                              a.dw.data(), pass == Pass::kWeights ? nullptr : a.db.data());
    }
    benchmark::ClobberMemory();
  }
  const double products = pass == Pass::kBackward && !first ? 2 : 1;
  // x and y or dy; the activation's y; dx.
  int64_t moved = s.rows * (s.in + s.out);
  if (pass != Pass::kForward && activated) moved += s.rows * s.out;
  if (pass == Pass::kBackward && !first) moved += s.rows * s.in;
  benchmarks::ReportFlops(
      state, products * 2 * static_cast<double>(s.rows * s.in * s.out),
      sizeof(T) == 2 ? benchmarks::Arithmetic::kBf16 : benchmarks::Arithmetic::kF32);
  benchmarks::ReportBytes(state, static_cast<double>(moved) * sizeof(T));
}

template <class T>
void Register(kernels::LinearSize s, bool activated, bool first) {
  const std::string type = sizeof(T) == 2 ? "bf16/" : "f32/";
  const struct {
    Pass pass;
    const char* name;
  } passes[] = {
      {Pass::kForward, "forward/"}, {Pass::kBackward, "backward/"}, {Pass::kWeights, "weights/"}};
  for (const int threads : {1, 2}) {
    for (const auto& [pass, name] : passes) {
      const std::string label = type + name + std::to_string(s.rows) + "x" + std::to_string(s.in) +
                                "x" + std::to_string(s.out) + (activated ? "+elu/" : "/") +
                                std::to_string(threads);
      benchmark::RegisterBenchmark(label.c_str(), [=, which = pass](benchmark::State& state) {
        autograd::SetNumThreads(threads);
        Run<T>(state, s, activated, which, first);
      })->UseRealTime();
    }
  }
}

void RegisterBoth(kernels::LinearSize s, bool activated, bool first) {
  Register<float>(s, activated, first);
  Register<autograd::BFloat16>(s, activated, first);
}

void RegisterAll() {
  RegisterBoth({256, 3, 64}, true, true);
  RegisterBoth({256, 64, 64}, true, false);
  RegisterBoth({256, 64, 2}, false, false);
  RegisterBoth({50176, 64, 64}, true, false);
  for (const int64_t rows : {12544, 50176}) {
    for (const int64_t out : {64, 192}) RegisterBoth({rows, 64, out}, false, false);
  }
  constexpr int64_t kPixels = 64 * 784;
  RegisterBoth({kPixels, 128, 64}, false, false);
  RegisterBoth({kPixels, 96, 64}, false, false);
  RegisterBoth({kPixels, 96, 32}, false, false);
  RegisterBoth({kPixels, 64, 32}, false, false);
}

}  // namespace

int main(int argc, char** argv) {
  return benchmarks::RunBenchmarks(argc, argv, "Times linear layers.", RegisterAll);
}
