// An operation of one's own: y = (sqrt(x^2 + 1) - 1) / 2 + x, element by element.
#ifndef BENT_IDENTITY_H_
#define BENT_IDENTITY_H_

#include "autograd/tensor.h"

autograd::Tensor BentIdentity(const autograd::Tensor& x);

#endif  // BENT_IDENTITY_H_
