// The header of a .npy file, the text of a Python dictionary. See npy.h.
#ifndef AUTOGRAD_IO_NPY_HEADER_H_
#define AUTOGRAD_IO_NPY_HEADER_H_

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"
#include "autograd/dtype.h"
#include "autograd/io/byte_source.h"
#include "autograd/shape.h"

namespace autograd::internal {

struct NpyHeader {
  DType dtype = DType::kF32;
  bool fortran_order = false;
  Shape shape;
};

// The dictionary has exactly the keys descr, fortran_order and shape, in any order. `offset` is
// where the text starts in the file, for errors.
absl::StatusOr<NpyHeader> ParseNpyHeader(std::string_view text, uint64_t offset,
                                         const ByteSource& source);

// "<f4" for f32; empty for bf16, which NumPy does not have.
std::string_view NpyDescr(DType dtype);

}  // namespace autograd::internal

#endif  // AUTOGRAD_IO_NPY_HEADER_H_
