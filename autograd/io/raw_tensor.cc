#include "autograd/io/raw_tensor.h"

#include <bit>
#include <optional>

#include "absl/strings/str_cat.h"
#include "autograd/errors.h"
#include "autograd/grad_mode.h"
#include "autograd/ops/inplace.h"

namespace autograd::internal {
namespace {

static_assert(std::endian::native == std::endian::little,
              "files are little-endian and are copied byte by byte");

// Number of bytes; nullopt beyond what a tensor may have. Sizes beside a zero count too, since
// strides are made of them.
std::optional<uint64_t> ByteSize(const Shape& shape, DType dtype) {
  constexpr uint64_t kMost = uint64_t{1} << 59;
  uint64_t bytes = ItemSize(dtype);
  bool empty = false;
  for (const int64_t size : shape) {
    if (size == 0) empty = true;
    if (size == 0 || size == 1) continue;
    if (size < 0 || static_cast<uint64_t>(size) > kMost / bytes) return std::nullopt;
    bytes *= static_cast<uint64_t>(size);
  }
  return empty ? 0 : bytes;
}

}  // namespace

absl::StatusOr<Tensor> ReadTensor(const ByteSource& source, uint64_t offset, uint64_t count,
                                  const Shape& shape, DType dtype, const std::string& what) {
  const std::optional<uint64_t> wanted = ByteSize(shape, dtype);
  if (!wanted.has_value()) {
    return source.Error(offset, absl::StrCat(what, ": the shape ", shape.ToString(), " of ",
                                             DTypeName(dtype), " is out of range"));
  }
  if (*wanted != count) {
    return source.Error(
        offset, absl::StrCat(what, ": expected ", *wanted, " bytes for shape ", shape.ToString(),
                             " of ", DTypeName(dtype), ", got ", count));
  }
  Tensor tensor;
  try {
    tensor = Tensor::Empty(shape, dtype);
  } catch (const OutOfMemoryError& error) {
    return absl::ResourceExhaustedError(
        absl::StrCat(source.name(), ": offset ", offset, ": ", what, ": ", error.what()));
  }
  if (absl::Status status = source.Read(offset, count, tensor.raw<char>()); !status.ok()) {
    return status;
  }
  if (dtype == DType::kBool) {
    const size_t bad = Bytes(tensor).find_first_not_of(std::string_view("\0\1", 2));
    if (bad != std::string_view::npos) {
      return source.Error(offset + bad, absl::StrCat(what, ": expected a bool, 0 or 1"));
    }
  }
  return tensor;
}

absl::StatusOr<Tensor> Dense(const Tensor& tensor, const std::string& what) {
  if (!tensor.defined()) {
    return absl::InvalidArgumentError(absl::StrCat(what, ": the tensor is undefined"));
  }
  if (tensor.is_contiguous()) return tensor.Detach();
  try {
    const NoGrad guard;
    return Clone(tensor);
  } catch (const OutOfMemoryError& error) {
    return absl::ResourceExhaustedError(absl::StrCat(what, ": ", error.what()));
  }
}

std::string_view Bytes(const Tensor& dense) {
  return {dense.raw<char>(), static_cast<size_t>(dense.numel()) * ItemSize(dense.dtype())};
}

}  // namespace autograd::internal
