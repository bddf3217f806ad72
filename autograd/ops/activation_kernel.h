// From an ActivationSpec to the kernels that compute it, for operations that fuse one.
#ifndef AUTOGRAD_OPS_ACTIVATION_KERNEL_H_
#define AUTOGRAD_OPS_ACTIVATION_KERNEL_H_

#include "autograd/kernels/unary.h"
#include "autograd/ops/activation_spec.h"

namespace autograd::internal {

// The kernel that computes it. Throws std::logic_error for kNone.
kernels::UnaryOp ActivationKernel(Activation activation);

// Throws std::invalid_argument naming the operation for a negative kElu parameter, with which the
// derivative would not follow from the result.
void CheckActivation(const char* operation, const ActivationSpec& spec);

}  // namespace autograd::internal

#endif  // AUTOGRAD_OPS_ACTIVATION_KERNEL_H_
