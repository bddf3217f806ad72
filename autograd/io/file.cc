#include "autograd/io/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"

namespace autograd {
namespace {

absl::Status Error(const std::string& what, const std::string& path, int number) {
  return absl::ErrnoToStatus(number, absl::StrCat("cannot ", what, " ", path));
}

// A file descriptor that is closed when it goes.
class Descriptor {
 public:
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  ~Descriptor() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return descriptor_; }
  // The system's answer to closing; a full disk may be noticed only here.
  int Close() { return close(std::exchange(descriptor_, -1)); }

 private:
  int descriptor_;
};

absl::Status WriteAll(int descriptor, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return Error("write", path, errno);
    }
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

// Writes and syncs a file under a name of its own.
absl::Status WriteTemporary(int descriptor, const std::vector<std::string_view>& pieces,
                            const std::string& path) {
  Descriptor file(descriptor);
  for (const std::string_view piece : pieces) {
    if (absl::Status status = WriteAll(file.get(), piece, path); !status.ok()) return status;
  }
  if (fsync(file.get()) != 0) return Error("sync", path, errno);
  if (file.Close() != 0) return Error("close", path, errno);
  return absl::OkStatus();
}

// So that the renaming survives a crash too. Some file systems cannot sync folders; the file is
// whole all the same.
void SyncFolder(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const Descriptor opened(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() >= 0) fsync(opened.get());
}

// The permissions of the result: those of the file it replaces; mkostemp makes new ones private,
// which would surprise.
mode_t ModeFor(const std::string& path) {
  struct stat before;
  if (stat(path.c_str(), &before) == 0) return before.st_mode & 07777;
  return 0644;
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return Error("open", path, errno);
  struct stat info;
  if (fstat(file.get(), &info) != 0) return Error("read", path, errno);
  if (!S_ISREG(info.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot read ", path, ": not a regular file"));
  }
  std::string bytes;
  try {
    bytes.resize(static_cast<size_t>(info.st_size));
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot read ", path, ": no memory for ", info.st_size, " bytes"));
  }
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = read(file.get(), bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error("read", path, errno);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

absl::Status WriteFileAtomically(const std::string& path,
                                 const std::vector<std::string_view>& pieces) {
  std::string temporary = absl::StrCat(path, ".XXXXXX");
  const int descriptor = mkostemp(temporary.data(), O_CLOEXEC);
  if (descriptor < 0) return Error("create", path, errno);
  fchmod(descriptor, ModeFor(path));
  absl::Status status = WriteTemporary(descriptor, pieces, path);
  if (status.ok() && rename(temporary.c_str(), path.c_str()) != 0) {
    status = Error("replace", path, errno);
  }
  if (!status.ok()) {
    unlink(temporary.c_str());
    return status;
  }
  SyncFolder(path);
  return absl::OkStatus();
}

absl::Status WriteFileAtomically(const std::string& path, std::string_view contents) {
  return WriteFileAtomically(path, std::vector<std::string_view>{contents});
}

}  // namespace autograd
