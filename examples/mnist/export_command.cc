#include <filesystem>

#include "absl/strings/str_format.h"
#include "examples/common/command_line.h"
#include "examples/common/paths.h"
#include "examples/mnist/checkpoint.h"
#include "examples/mnist/subcommands.h"

namespace examples::mnist {

absl::StatusOr<int> RunExport(const ExportOptions& options) {
  const absl::StatusOr<LoadedModel> loaded = LoadModel(options.model);
  if (!loaded.ok()) return loaded.status();
  const std::string folder = std::filesystem::path(options.output).parent_path();
  absl::Status status = folder.empty() ? absl::OkStatus() : MakeFolder(folder);
  if (!status.ok()) return status;
  status = ExportModel(*loaded, options.dtype, options.output);
  if (!status.ok()) return Fail(status, kFailure);
  absl::PrintF("%s (%s weights) as %s in %s\n", options.model.path,
               loaded->averaged ? "averaged" : "last", autograd::DTypeName(options.dtype),
               options.output);
  return 0;
}

}  // namespace examples::mnist
