#include "examples/plot/image.h"

#include <fcntl.h>
#include <stb/stb_image_write.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>

#include "absl/strings/str_cat.h"

namespace examples::plot {
namespace {

absl::Status SystemError(const std::string& what, const std::string& path) {
  const int error = errno;
  return absl::ErrnoToStatus(error, absl::StrCat("cannot ", what, " ", path));
}

bool WriteAll(int file, const std::string& bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = write(file, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    done += static_cast<size_t>(n);
  }
  return true;
}

}  // namespace

std::string EncodePng(const Image& image) {
  // Measured on pictures of this library: trying all five filters for every row costs as much as
  // compressing, and flat areas and anti-aliased lines compress best unfiltered.
  stbi_write_force_png_filter = 0;
  stbi_write_png_compression_level = 3;
  std::string png;
  const auto append = [](void* context, void* data, int size) {
    static_cast<std::string*>(context)->append(static_cast<const char*>(data),
                                               static_cast<size_t>(size));
  };
  if (stbi_write_png_to_func(append, &png, image.width, image.height, 3, image.rgb.data(), 0) ==
      0) {
    throw std::bad_alloc();
  }
  return png;
}

absl::Status WritePng(const std::string& path, const Image& image) {
  const std::string png = EncodePng(image);
  const std::string temporary = absl::StrCat(path, ".", getpid(), ".tmp");
  const int file = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) return SystemError("create", path);
  const bool written = WriteAll(file, png) && fsync(file) == 0;
  absl::Status status = written ? absl::OkStatus() : SystemError("write", path);
  if (close(file) != 0 && status.ok()) status = SystemError("write", path);
  if (status.ok() && std::rename(temporary.c_str(), path.c_str()) != 0) {
    status = SystemError("rename the finished picture to", path);
  }
  if (!status.ok()) unlink(temporary.c_str());
  return status;
}

}  // namespace examples::plot
