// Whole files in and out, with errors that name the path.
//
// Example:
//   absl::Status written = WriteFileAtomically("note.txt", "text");
//   absl::StatusOr<std::string> text = ReadFile("note.txt");
//   if (!text.ok()) std::cerr << text.status() << "\n";
#ifndef AUTOGRAD_IO_FILE_H_
#define AUTOGRAD_IO_FILE_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace autograd {

// The bytes of a regular file. NotFound, PermissionDenied, ResourceExhausted (not enough memory),
// or another error, with the path and the system's reason.
absl::StatusOr<std::string> ReadFile(const std::string& path);

// Replaces the file by `contents` (or the pieces, one after another), so that at any moment, and
// after a crash, the path holds either the old file or the new one: they go to a temporary name in
// the same folder, are synced to the disk, and renamed. On an error (a missing folder, a full disk)
// the old file is untouched and the temporary one removed.
absl::Status WriteFileAtomically(const std::string& path, std::string_view contents);
absl::Status WriteFileAtomically(const std::string& path,
                                 const std::vector<std::string_view>& pieces);

}  // namespace autograd

#endif  // AUTOGRAD_IO_FILE_H_
