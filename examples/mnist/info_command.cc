#include <memory>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "examples/mnist/checkpoint.h"
#include "examples/mnist/subcommands.h"
#include "nn/summary.h"

namespace examples::mnist {

absl::StatusOr<int> RunInfo(const InfoOptions& options) {
  LoadedModel loaded;
  if (options.path.empty()) {
    loaded.architecture = {options.channels};
    autograd::Generator generator(0, kInitStream);
    loaded.model = MakeModel(loaded.architecture, generator);
  } else {
    absl::StatusOr<LoadedModel> read = LoadModel({.path = options.path, .use_ema = {}});
    if (!read.ok()) return read.status();
    loaded = *std::move(read);
    absl::PrintF("%s, %s weights\n", options.path, loaded.averaged ? "averaged" : "last");
  }
  absl::PrintF("class-conditioned UNet, channels %s\n\n%s",
               absl::StrJoin(loaded.architecture.channels, ","), nn::Summary(*loaded.model));
  return 0;
}

}  // namespace examples::mnist
