// A program that knows nothing of the trace and of anomaly mode, for environment_test.py: prints
// 1 / x, or says what was thrown.
#include <cstdlib>
#include <exception>
#include <iostream>

#include "autograd/grad.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/creation.h"

int main(int argc, char** argv) {
  using namespace autograd;
  const double x = argc > 1 ? std::atof(argv[1]) : 1;
  try {
    const Tensor leaf = Full({2}, x).set_requires_grad(true);
    const Tensor y = Div(Ones({2}), leaf);
    std::cout << y << "\n" << Grad({y}, {leaf}, {.grad_outputs = {Ones({2})}})[0] << "\n";
  } catch (const std::exception& error) {
    std::cout << "error: " << error.what() << "\n";
  }
  return 0;
}
