#include "examples/common/paths.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace examples {

std::string ResolvePath(const std::string& path) {
  const char* typed_in = std::getenv("BUILD_WORKING_DIRECTORY");
  if (typed_in == nullptr || path.empty() || path[0] == '/') return path;
  return (std::filesystem::path(typed_in) / path).lexically_normal().string();
}

absl::Status MakeFolder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error || !std::filesystem::is_directory(path)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "cannot make the folder ", path, ": ", error ? error.message() : "it is not a folder"));
  }
  if (access(path.c_str(), W_OK | X_OK) != 0) {
    return absl::PermissionDeniedError(absl::StrCat("cannot write into the folder ", path));
  }
  return absl::OkStatus();
}

}  // namespace examples
