// The layers of the two-moons network (batch 256, 3-64-64-64-2, ELU) and a wide one: forward, and
// all three gradients.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "autograd/kernels/linear.h"
#include "autograd/parallel/parallel.h"

namespace {

namespace kernels = autograd::kernels;

struct Arrays {
  explicit Arrays(const kernels::LinearSize& s)
      : x(static_cast<size_t>(s.rows * s.in), 0.5f),
        w(static_cast<size_t>(s.in * s.out), 0.125f),
        b(static_cast<size_t>(s.out), 0.25f),
        y(static_cast<size_t>(s.rows * s.out), -0.5f),
        dy(y),
        dx(x),
        dw(w),
        db(b) {}
  std::vector<float> x, w, b, y, dy, dx, dw, db;
};

void Register(kernels::LinearSize s, bool activated, bool first) {
  const auto activation = activated
                              ? kernels::LinearActivation<float>::Of(kernels::UnaryOp::kElu, 1.0f)
                              : kernels::LinearActivation<float>();
  for (const int threads : {1, 2}) {
    const std::string name = std::to_string(s.rows) + "x" + std::to_string(s.in) + "x" +
                             std::to_string(s.out) + "/" + std::to_string(threads);
    benchmark::RegisterBenchmark(("forward/" + name).c_str(), [=](benchmark::State& state) {
      autograd::SetNumThreads(threads);
      Arrays a(s);
      for (auto _ : state) {
        kernels::LinearForward(s, a.x.data(), a.w.data(), a.b.data(), activation, a.y.data(),
                               nullptr);
        benchmark::ClobberMemory();
      }
    })->UseRealTime();
    benchmark::RegisterBenchmark(("backward/" + name).c_str(), [=](benchmark::State& state) {
      autograd::SetNumThreads(threads);
      Arrays a(s);
      for (auto _ : state) {
        // The network's input needs no gradient.
        kernels::LinearBackward(s, a.x.data(), a.w.data(), activation, a.y.data(), a.dy.data(),
                                first ? nullptr : a.dx.data(), a.dw.data(), a.db.data());
        benchmark::ClobberMemory();
      }
    })->UseRealTime();
  }
}

}  // namespace

int main(int argc, char** argv) {
  Register({256, 3, 64}, true, true);
  Register({256, 64, 64}, true, false);
  Register({256, 64, 2}, false, false);
  Register({50176, 64, 64}, true, false);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
