#include "autograd/io/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <utility>

#include "absl/strings/str_cat.h"
#include "autograd/io/byte_source.h"

namespace autograd {
namespace {

using internal::SystemError;

// While it lives, exceeding the limit on the size of files is the error EFBIG alone, without the
// signal that would end the process. Only this thread's signal mask changes.
class FileSizeSignalBlocker {
 public:
  FileSizeSignalBlocker() {
    sigemptyset(&signal_);
    sigaddset(&signal_, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &signal_, &before_);
  }
  ~FileSizeSignalBlocker() {
    // A signal that came meanwhile is taken back, or it would be delivered now.
    if (sigismember(&before_, SIGXFSZ) == 0) {
      const timespec no_wait = {0, 0};
      sigtimedwait(&signal_, nullptr, &no_wait);
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  FileSizeSignalBlocker(const FileSizeSignalBlocker&) = delete;
  FileSizeSignalBlocker& operator=(const FileSizeSignalBlocker&) = delete;

 private:
  sigset_t signal_, before_;
};

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
      return SystemError("write", path, errno);
    }
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status WriteAndSync(Descriptor& file, const std::vector<std::string_view>& pieces,
                          const std::string& path) {
  for (const std::string_view piece : pieces) {
    if (absl::Status status = WriteAll(file.get(), piece, path); !status.ok()) return status;
  }
  if (fsync(file.get()) != 0) return SystemError("sync", path, errno);
  if (file.Close() != 0) return SystemError("close", path, errno);
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

// What the path refers to if it is a symbolic link to something, else the path.
std::string FollowLink(const std::string& path) {
  struct stat info;
  if (lstat(path.c_str(), &info) != 0 || !S_ISLNK(info.st_mode)) return path;
  char* resolved = realpath(path.c_str(), nullptr);
  if (resolved == nullptr) return path;
  std::string target = resolved;
  std::free(resolved);
  return target;
}

// Creates a file of a name nobody else uses. Its permissions follow the process's umask, unlike
// mkstemp's.
int CreateBeside(const std::string& path, std::string& temporary) {
  static std::atomic<unsigned> counter = 0;
  for (;;) {
    temporary = absl::StrCat(path, ".", getpid(), counter.fetch_add(1), ".tmp");
    const int descriptor = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor >= 0 || errno != EEXIST) return descriptor;
  }
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  const auto file = internal::OpenFile(path);
  if (!file.ok()) return file.status();
  return (*file)->ReadString(0, (*file)->size());
}

absl::Status WriteFileAtomically(const std::string& path,
                                 const std::vector<std::string_view>& pieces) {
  const FileSizeSignalBlocker blocker;
  const std::string target = FollowLink(path);
  struct stat before;
  const bool replaces = stat(target.c_str(), &before) == 0;
  if (replaces && !S_ISREG(before.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot write ", path, ": not a regular file"));
  }
  std::string temporary;
  Descriptor file(CreateBeside(target, temporary));
  if (file.get() < 0) return SystemError("create", path, errno);
  if (replaces) fchmod(file.get(), before.st_mode & 07777);
  absl::Status status = WriteAndSync(file, pieces, path);
  if (status.ok() && std::rename(temporary.c_str(), target.c_str()) != 0) {
    status = SystemError("replace", path, errno);
  }
  if (!status.ok()) {
    unlink(temporary.c_str());
    return status;
  }
  SyncFolder(target);
  return absl::OkStatus();
}

absl::Status WriteFileAtomically(const std::string& path, std::string_view contents) {
  return WriteFileAtomically(path, std::vector<std::string_view>{contents});
}

}  // namespace autograd
