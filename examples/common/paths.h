// Where the user's files are.
//
// Example:
//   const std::string folder = examples::ResolvePath("moons_out");
//   const absl::Status status = examples::MakeFolder(folder);
#ifndef EXAMPLES_COMMON_PATHS_H_
#define EXAMPLES_COMMON_PATHS_H_

#include <string>

#include "absl/status/status.h"

namespace examples {

// `path` as the user meant it: `bazel run` starts a program in a folder of its own and passes the
// one the command was typed in as BUILD_WORKING_DIRECTORY; relative paths start there.
std::string ResolvePath(const std::string& path);

// Makes a folder and those above it. The error names the path and the reason; not being able to
// write into an existing folder is one.
absl::Status MakeFolder(const std::string& path);

}  // namespace examples

#endif  // EXAMPLES_COMMON_PATHS_H_
