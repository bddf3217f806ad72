// Whole files in and out, with errors that name the path.
//
// Example:
//   absl::Status written = WriteFileAtomically("note.txt", "text");
//   absl::StatusOr<std::string> text = ReadFile("note.txt");
//   std::cout << (text.ok() ? *text : text.status().ToString()) << "\n";
#ifndef AUTOGRAD_IO_FILE_H_
#define AUTOGRAD_IO_FILE_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace autograd {

// The bytes of a regular file. NotFound, PermissionDenied, FailedPrecondition (not a regular file),
// ResourceExhausted (not enough memory), or another error, with the path and the system's reason.
absl::StatusOr<std::string> ReadFile(const std::string& path);

// Replaces the file by `contents` (or the pieces, one after another), so that at any moment, and
// after a crash, the path holds either the old file or the new one: they go to a temporary name in
// the same folder, are synced to the disk, and renamed. On an error (a missing folder, a full disk,
// a limit on the size of files) the old file is untouched and the temporary one removed.
//
// A replaced file keeps its permissions; a symbolic link is followed. A path that is there but not
// a regular file (a folder, /dev/null) is FailedPrecondition. If the process is killed while it
// writes, a file "path.<number>.tmp" may stay behind.
absl::Status WriteFileAtomically(const std::string& path, std::string_view contents);
absl::Status WriteFileAtomically(const std::string& path,
                                 const std::vector<std::string_view>& pieces);

}  // namespace autograd

#endif  // AUTOGRAD_IO_FILE_H_
