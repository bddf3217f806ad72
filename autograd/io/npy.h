// NumPy's .npy files: one array with its shape and dtype.
//
// Written as version 1.0, little-endian, C order. Read: versions 1.0, 2.0 and 3.0, C or Fortran
// order, dtypes <f4, <f8, <i4, <i8, |u1 and |b1. Malformed files, and files with something behind
// the array, are errors that name the path, the offset and what was expected. Source of the format:
// NumPy's documentation, numpy.lib.format.
//
// Example:
//   absl::Status written = WriteNpy("points.npy", Tensor::FromVector<float>({1, 2}, {1, 2}));
//   absl::StatusOr<Tensor> points = ReadNpy("points.npy");
//   if (points.ok()) std::cout << *points << "\n";
#ifndef AUTOGRAD_IO_NPY_H_
#define AUTOGRAD_IO_NPY_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "autograd/tensor.h"

namespace autograd {

// A file in Fortran order gives a tensor that is not contiguous. NotFound and the like if the file
// cannot be read, InvalidArgument if it is malformed, ResourceExhausted if memory does not suffice.
absl::StatusOr<Tensor> ReadNpy(const std::string& path);
// The same from memory; `name` stands for the path in errors.
absl::StatusOr<Tensor> ParseNpy(std::string_view bytes, std::string_view name);

// Atomic, as WriteFileAtomically. InvalidArgument for an undefined tensor, and for bf16, which
// NumPy does not have.
absl::Status WriteNpy(const std::string& path, const Tensor& tensor);
absl::StatusOr<std::string> SerializeNpy(const Tensor& tensor);

}  // namespace autograd

#endif  // AUTOGRAD_IO_NPY_H_
