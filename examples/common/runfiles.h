// Files that come with a program: those that its target lists as data.
//
// Example:
//   const std::string folder = examples::RunfilePath("examples/data/mnist");
#ifndef EXAMPLES_COMMON_RUNFILES_H_
#define EXAMPLES_COMMON_RUNFILES_H_

#include <string>

namespace examples {

// Where the file or folder at `path` in the repository is at run time: under `bazel run`, in a
// test, started directly from bazel-bin, or in the repository itself. `path` as it is if it is
// nowhere.
std::string RunfilePath(const std::string& path);

}  // namespace examples

#endif  // EXAMPLES_COMMON_RUNFILES_H_
