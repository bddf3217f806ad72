#pragma once
#include <stdexcept>
namespace autograd {
struct NumericalError : std::runtime_error {
  using std::runtime_error::runtime_error;
};
}  // namespace autograd
