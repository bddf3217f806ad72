// IDX files, the format of MNIST and its relatives: one array of numbers, plain or packed by gzip.
//
// A file is two zero bytes, a byte for the type of the elements, a byte for the number of axes, a
// size for each axis and the elements in row-major order, all big-endian. Whether it is packed is
// seen from its first bytes, not from its name. Read are the types that tensors have: 0x08 (u8),
// 0x0C (i32), 0x0D (f32) and 0x0E (f64), with 1 to 8 axes. Source of the format: the page of the
// MNIST database by LeCun, Cortes and Burges.
//
// Anything else is an error that names the path, the offset, what was found and what was expected:
// a file that is cut off, bytes behind the array, sizes beyond what memory can address, packed data
// that is damaged. Memory is taken for no more than the file can hold, and no more is unpacked than
// the header says.
//
// Example:
//   const std::string file("\0\0\x08\x01\0\0\0\x03\x05\x00\x04", 11);
//   absl::StatusOr<Tensor> labels = ParseIdx(file, "labels");
//   if (labels.ok()) std::cout << *labels << "\n";  // [5, 0, 4]
//   absl::StatusOr<Tensor> images = ParseIdx(file, "images", IdxFormat{DType::kU8, 3});
//   std::cout << images.status() << "\n";  // ... expected the magic number 00000803, got 00000801
#ifndef NN_DATA_IDX_H_
#define NN_DATA_IDX_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "autograd/dtype.h"
#include "autograd/tensor.h"

namespace nn {

// What a file's magic number says.
struct IdxFormat {
  autograd::DType dtype = autograd::DType::kU8;
  int rank = 1;
};

// The array of a file, of the type and number of axes expected if that is given. NotFound and the
// like if the file cannot be read, InvalidArgument if it is malformed or another array than
// expected, ResourceExhausted if memory does not suffice.
// Throws std::invalid_argument if what is expected is no array of an IDX file.
absl::StatusOr<autograd::Tensor> ReadIdx(const std::string& path,
                                         const std::optional<IdxFormat>& expected = {});
// The same from memory; `name` stands for the path in errors.
absl::StatusOr<autograd::Tensor> ParseIdx(std::string_view bytes, std::string_view name,
                                          const std::optional<IdxFormat>& expected = {});

}  // namespace nn

#endif  // NN_DATA_IDX_H_
