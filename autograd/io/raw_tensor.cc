#include "autograd/io/raw_tensor.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "autograd/errors.h"
#include "autograd/grad_mode.h"
#include "autograd/ops/inplace.h"

namespace autograd::internal {

static_assert(std::endian::native == std::endian::little,
              "files are little-endian and are copied byte by byte");

absl::StatusOr<uint64_t> ByteSize(const Shape& shape, DType dtype, const std::string& where) {
  uint64_t bytes = ItemSize(dtype);
  const bool empty = std::find(shape.begin(), shape.end(), 0) != shape.end();
  for (const int64_t size : shape) {
    if (size < 0 ||
        (size != 0 && __builtin_mul_overflow(bytes, static_cast<uint64_t>(size), &bytes)) ||
        bytes > (uint64_t{1} << 59)) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, ": the shape ", shape.ToString(), " is out of range"));
    }
  }
  return empty ? 0 : bytes;
}

absl::StatusOr<Tensor> TensorFromBytes(std::string_view bytes, const Shape& shape, DType dtype,
                                       const std::string& where) {
  const absl::StatusOr<uint64_t> wanted = ByteSize(shape, dtype, where);
  if (!wanted.ok()) return wanted.status();
  if (*wanted != bytes.size()) {
    return absl::InvalidArgumentError(absl::StrCat(where, ": expected ", *wanted,
                                                   " bytes for shape ", shape.ToString(), " of ",
                                                   DTypeName(dtype), ", got ", bytes.size()));
  }
  if (dtype == DType::kBool) {
    const size_t bad = bytes.find_first_not_of(std::string_view("\0\1", 2));
    if (bad != std::string_view::npos) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, ": the bool at index ", bad, " is neither 0 nor 1"));
    }
  }
  try {
    Tensor tensor = Tensor::Empty(shape, dtype);
    if (!bytes.empty()) std::memcpy(tensor.raw<char>(), bytes.data(), bytes.size());
    return tensor;
  } catch (const OutOfMemoryError& error) {
    return absl::ResourceExhaustedError(absl::StrCat(where, ": ", error.what()));
  }
}

void AppendBytes(const Tensor& tensor, std::string& bytes) {
  const NoGrad guard;
  const Tensor dense = tensor.is_contiguous() ? tensor : Clone(tensor);
  bytes.append(dense.raw<char>(), static_cast<size_t>(dense.numel()) * ItemSize(dense.dtype()));
}

}  // namespace autograd::internal
