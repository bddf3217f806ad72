// Tensors from and to the bytes that files keep: little-endian, row-major.
#ifndef AUTOGRAD_IO_RAW_TENSOR_H_
#define AUTOGRAD_IO_RAW_TENSOR_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "autograd/tensor.h"

namespace autograd::internal {

// Number of bytes of a tensor; InvalidArgument starting with `where` if it overflows.
absl::StatusOr<uint64_t> ByteSize(const Shape& shape, DType dtype, const std::string& where);

// A tensor of exactly these bytes. InvalidArgument starting with `where` if their number is not the
// shape's, or a bool is neither 0 nor 1; ResourceExhausted if there is no memory.
absl::StatusOr<Tensor> TensorFromBytes(std::string_view bytes, const Shape& shape, DType dtype,
                                       const std::string& where);

// Appends the elements in row-major order.
void AppendBytes(const Tensor& tensor, std::string& bytes);

}  // namespace autograd::internal

#endif  // AUTOGRAD_IO_RAW_TENSOR_H_
