// Dropout: zeros in place of elements chosen at random (Srivastava et al. 2014), the others scaled
// up so that the mean stays the same ("inverted" dropout).
//
// Nothing but the generator's state is kept for the derivative: which elements were chosen is
// computed again from it, since element i of a draw depends on the state and on i alone.
//
// Example:
//   Generator generator(1);
//   Tensor y = Dropout(Ones({4, 4}), 0.5, generator);  // zeros and twos
#ifndef AUTOGRAD_OPS_DROPOUT_H_
#define AUTOGRAD_OPS_DROPOUT_H_

#include "autograd/random/philox.h"
#include "autograd/tensor.h"

namespace autograd {

// x / (1 - p) where a draw of probability 1 - p (to a multiple of 2^-32) says so, exactly 0
// elsewhere, whatever x is there. The draw is one of x.numel() booleans from the generator, in
// row-major order: the same bytes on any number of threads and for any strides. f32, f64 and bf16
// (multiplied in f32); linear in x, so differentiable to any order. Throws std::invalid_argument
// unless 0 <= p <= 1, or for another dtype.
Tensor Dropout(const Tensor& x, double p, Generator& generator);

}  // namespace autograd

#endif  // AUTOGRAD_OPS_DROPOUT_H_
