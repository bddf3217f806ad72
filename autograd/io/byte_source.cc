#include "autograd/io/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <stdexcept>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace autograd::internal {
namespace {

class FileSource final : public ByteSource {
 public:
  FileSource(int descriptor, const std::string& path, uint64_t size)
      : ByteSource(path, size), descriptor_(descriptor) {}
  ~FileSource() override { close(descriptor_); }

  absl::Status Read(uint64_t offset, uint64_t count, char* to) const override {
    while (count > 0) {
      const ssize_t got = pread(descriptor_, to, count, static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return SystemError("read", name(), errno);
      if (got == 0) {
        return absl::DataLossError(absl::StrCat(name(), ": offset ", offset, ": expected ", count,
                                                " more bytes; the file was cut off meanwhile"));
      }
      to += got;
      offset += static_cast<uint64_t>(got);
      count -= static_cast<uint64_t>(got);
    }
    return absl::OkStatus();
  }

 private:
  int descriptor_;
};

class MemorySource final : public ByteSource {
 public:
  MemorySource(std::string_view bytes, std::string_view name)
      : ByteSource(std::string(name), bytes.size()), bytes_(bytes) {}

  absl::Status Read(uint64_t offset, uint64_t count, char* to) const override {
    if (count > 0) std::memcpy(to, bytes_.data() + offset, count);
    return absl::OkStatus();
  }

 private:
  std::string_view bytes_;
};

}  // namespace

absl::StatusOr<std::string> ByteSource::ReadString(uint64_t offset, uint64_t count) const {
  std::string bytes;
  try {
    bytes.resize(count);
  } catch (const std::exception&) {  // bad_alloc, or length_error beyond all address space
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot read ", name(), ": no memory for ", count, " bytes"));
  }
  if (absl::Status status = Read(offset, count, bytes.data()); !status.ok()) return status;
  return bytes;
}

absl::Status ByteSource::Error(uint64_t offset, std::string_view what) const {
  return absl::InvalidArgumentError(
      absl::StrCat(name_, ": offset ", offset, ": ", std::string(what)));
}

absl::StatusOr<std::unique_ptr<ByteSource>> OpenFile(const std::string& path) {
  // Without O_NONBLOCK opening a pipe would wait for its writer.
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return SystemError("open", path, errno);
  struct stat info;
  if (fstat(descriptor, &info) != 0) {
    const int number = errno;
    close(descriptor);
    return SystemError("read", path, number);
  }
  if (!S_ISREG(info.st_mode)) {
    close(descriptor);
    return absl::FailedPreconditionError(
        absl::StrCat("cannot read ", path, ": not a regular file"));
  }
  return std::make_unique<FileSource>(descriptor, path, static_cast<uint64_t>(info.st_size));
}

std::unique_ptr<ByteSource> FromMemory(std::string_view bytes, std::string_view name) {
  return std::make_unique<MemorySource>(bytes, name);
}

absl::Status SystemError(std::string_view what, const std::string& path, int number) {
  return absl::ErrnoToStatus(number, absl::StrCat("cannot ", std::string(what), " ", path));
}

std::string Quoted(std::string_view text) {
  constexpr size_t kLongest = 100;
  const std::string shown(text.substr(0, kLongest));
  return absl::StrCat("'", absl::Utf8SafeCEscape(shown), "'", text.size() > kLongest ? "..." : "");
}

}  // namespace autograd::internal
