#include <filesystem>

#include "absl/strings/str_format.h"
#include "examples/common/paths.h"
#include "examples/mnist/checkpoint.h"
#include "examples/mnist/subcommands.h"

namespace examples::mnist {

absl::StatusOr<int> RunExport(const ExportOptions& options) {
  const absl::StatusOr<LoadedModel> loaded = LoadModel(options.model);
  if (!loaded.ok()) return loaded.status();
  const std::string folder = std::filesystem::path(options.output).parent_path();
  absl::Status status = folder.empty() ? absl::OkStatus() : MakeFolder(folder);
  status.Update(ExportModel(*loaded, options.dtype, options.output));
  if (!status.ok()) return status;
  absl::PrintF("%s (%s weights) as %s in %s\n", options.model.path,
               loaded->averaged ? "averaged" : "last", autograd::DTypeName(options.dtype),
               options.output);
  return 0;
}

}  // namespace examples::mnist
