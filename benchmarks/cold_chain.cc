// A chain of 1,000,000 scalar multiplications in a fresh process, recorded, differentiated and
// destroyed: the cold cost of a link, pages touched for the first time included.
#include <chrono>
#include <cstdio>
#include <stdexcept>

#include "autograd/grad.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/tensor.h"
#include "benchmarks/program.h"

namespace {

void Run() {
  using autograd::Tensor;
  constexpr int kLinks = 1000000;
  const auto start = std::chrono::steady_clock::now();
  {
    const Tensor x = Tensor::Scalar(1.0f).set_requires_grad(true);
    const Tensor factor = Tensor::Scalar(1.0f);
    Tensor y = x;
    for (int i = 0; i < kLinks; ++i) y = y * factor;
    if (autograd::Grad({y}, {x})[0].item<float>() != 1) {
      throw std::runtime_error("the derivative of a chain of ones is not 1");
    }
  }
  const std::chrono::duration<double, std::micro> elapsed =
      std::chrono::steady_clock::now() - start;
  std::printf("%.3f us per link\n", elapsed.count() / kLinks);
}

}  // namespace

int main(int argc, char** argv) {
  return benchmarks::RunProgram(argc, argv, "Prints the cold cost of a link of the tape.", Run);
}
