// Identity: the same elements as a node of their own in the graph.
//
// Example:
//   Tensor x = Tensor::Scalar(1.0).set_requires_grad(true);
//   Tensor y = Identity(x);  // Grad({z}, {y}) sees only what was computed from y
#ifndef AUTOGRAD_OPS_IDENTITY_H_
#define AUTOGRAD_OPS_IDENTITY_H_

#include "autograd/tensor.h"

namespace autograd {

// A view of x, of any shape and dtype, with derivative 1.
Tensor Identity(const Tensor& x);

}  // namespace autograd

#endif  // AUTOGRAD_OPS_IDENTITY_H_
