#include "examples/common/runfiles.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <vector>

namespace examples {
namespace {

// The workspace's name, which Bazel gives to the folder of its runfiles.
constexpr char kWorkspace[] = "flow_autograd";

}  // namespace

std::string RunfilePath(const std::string& path) {
  std::error_code error;
  std::vector<std::filesystem::path> roots;
  if (const char* folder = std::getenv("RUNFILES_DIR"); folder != nullptr) {
    roots.push_back(std::filesystem::path(folder) / kWorkspace);
  }
  roots.push_back(".");
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) roots.push_back(program.string() + ".runfiles/" + kWorkspace);
  for (const std::filesystem::path& root : roots) {
    if (std::filesystem::exists(root / path, error)) return (root / path).lexically_normal();
  }
  return path;
}

}  // namespace examples
