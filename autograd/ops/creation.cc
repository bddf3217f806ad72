#include "autograd/ops/creation.h"

#include <cstring>

#include "autograd/ops/inplace.h"
#include "autograd/trace/op_scope.h"

namespace autograd {

Tensor Zeros(const Shape& shape, DType dtype) {
  const OpScope scope("Zeros", {});
  Tensor result = Tensor::Empty(shape, dtype);
  // Zero is all zero bytes in every dtype.
  if (result.numel() > 0) {
    std::memset(result.raw<char>(), 0, static_cast<size_t>(result.numel()) * ItemSize(dtype));
  }
  return result;
}

Tensor Ones(const Shape& shape, DType dtype) { return Full(shape, 1, dtype); }

Tensor Full(const Shape& shape, double value, DType dtype) {
  const OpScope scope("Full", {});
  Tensor result = Tensor::Empty(shape, dtype);
  FillInPlace(result, value);
  return result;
}

Tensor ZerosLike(const Tensor& x) { return Zeros(x.shape(), x.dtype()); }
Tensor OnesLike(const Tensor& x) { return Ones(x.shape(), x.dtype()); }

}  // namespace autograd
