// The bytes of a source one after another, unpacked on the way if they are gzip's.
#ifndef NN_DATA_BYTE_STREAM_H_
#define NN_DATA_BYTE_STREAM_H_

#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "autograd/io/byte_source.h"

namespace nn::internal {

class ByteStream {
 public:
  virtual ~ByteStream() = default;
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;

  // Copies the next bytes to `to`, as many as `count`, and returns their number: fewer only at the
  // end. Errors name the source and an offset in it.
  virtual absl::StatusOr<uint64_t> Read(uint64_t count, char* to) = 0;

  // The stream as a whole has no more bytes than this: to be asked before memory is taken on a
  // header's word.
  virtual uint64_t SizeBound() const = 0;

  // InvalidArgument "name: offset 8: what"; of packed data, "name: offset 8 of the unpacked data:
  // what".
  virtual absl::Status Error(uint64_t offset, std::string_view what) const = 0;

 protected:
  ByteStream() = default;
};

// A stream over `source`, which must outlive it. Data that starts with gzip's magic number is
// unpacked, whatever the file is called, and its checksum verified at its end; several packed
// pieces one after another are one stream, as they are for gzip itself.
absl::StatusOr<std::unique_ptr<ByteStream>> OpenByteStream(
    const autograd::internal::ByteSource& source);

}  // namespace nn::internal

#endif  // NN_DATA_BYTE_STREAM_H_
