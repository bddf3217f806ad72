// Bytes that are read piece by piece, from a file or from memory.
//
// Readers of file formats look at sizes first and take memory only for what they found to fit, so
// that a file of terabytes that is not theirs costs nothing.
#ifndef AUTOGRAD_IO_BYTE_SOURCE_H_
#define AUTOGRAD_IO_BYTE_SOURCE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace autograd::internal {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  // What errors call it: the path of a file.
  const std::string& name() const { return name_; }
  uint64_t size() const { return size_; }

  // Copies `count` bytes from `offset` on, which must lie within size().
  virtual absl::Status Read(uint64_t offset, uint64_t count, char* to) const = 0;
  // The same as a string; ResourceExhausted if there is no memory for it.
  absl::StatusOr<std::string> ReadString(uint64_t offset, uint64_t count) const;

  // InvalidArgument "name: offset 8: what".
  absl::Status Error(uint64_t offset, std::string_view what) const;

 protected:
  ByteSource(std::string name, uint64_t size) : name_(std::move(name)), size_(size) {}

 private:
  std::string name_;
  uint64_t size_;
};

// A regular file; anything else (a folder, a pipe, a device) is FailedPrecondition.
absl::StatusOr<std::unique_ptr<ByteSource>> OpenFile(const std::string& path);

// The caller's bytes, which must outlive the source.
std::unique_ptr<ByteSource> FromMemory(std::string_view bytes, std::string_view name);

// "cannot `what` `path`: the system's reason for `number`".
absl::Status SystemError(std::string_view what, const std::string& path, int number);

// Text from a file as errors show it: quoted, control characters escaped, cut where it is long.
std::string Quoted(std::string_view text);

}  // namespace autograd::internal

#endif  // AUTOGRAD_IO_BYTE_SOURCE_H_
