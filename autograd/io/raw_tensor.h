// Tensors from and to the bytes that files keep: little-endian, row-major.
#ifndef AUTOGRAD_IO_RAW_TENSOR_H_
#define AUTOGRAD_IO_RAW_TENSOR_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "autograd/io/byte_source.h"
#include "autograd/tensor.h"

namespace autograd::internal {

// A tensor of the `count` bytes from `offset` on. Its memory is taken only once their number was
// found to be the shape's. InvalidArgument with name, offset and `what` if it is not, the shape is
// out of range, or a bool is neither 0 nor 1; ResourceExhausted if there is no memory.
absl::StatusOr<Tensor> ReadTensor(const ByteSource& source, uint64_t offset, uint64_t count,
                                  const Shape& shape, DType dtype, const std::string& what);

// The tensor, without its graph, with its elements in row-major order: its own memory where
// possible. `what` starts the error for an undefined tensor, and if there is no memory for a copy.
absl::StatusOr<Tensor> Dense(const Tensor& tensor, const std::string& what);

// The memory of a dense tensor.
std::string_view Bytes(const Tensor& dense);

}  // namespace autograd::internal

#endif  // AUTOGRAD_IO_RAW_TENSOR_H_
