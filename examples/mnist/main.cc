// MNIST: trains a class-conditioned UNet to draw handwritten digits by flow matching, draws them
// with classifier-free guidance, and judges what it drew. See --help.
#include <exception>

#include "autograd/parallel/parallel.h"
#include "examples/common/command_line.h"
#include "examples/common/commands.h"
#include "examples/mnist/options.h"
#include "examples/mnist/subcommands.h"

namespace examples::mnist {
namespace {

constexpr char kAbout[] =
    "Draws handwritten digits by flow matching: a UNet learns the velocity from noise to images of "
    "MNIST, and classifier-free guidance makes it draw the digits asked for.";

void UseThreads(int threads) {
  if (threads > 0) autograd::SetNumThreads(threads);
}

template <class Options>
int Run(const absl::StatusOr<Options>& options, absl::StatusOr<int> (*command)(const Options&)) {
  if (!options.ok()) return Fail(options.status());
  if constexpr (requires { options->threads; }) UseThreads(options->threads);
  const absl::StatusOr<int> code = command(*options);
  return code.ok() ? *code : Fail(code.status());
}

int Main(int argc, char** argv) {
  const CommandLine line = ParseCommands(argc, argv, kAbout, Commands());
  if (line.exit_code.has_value()) return *line.exit_code;
  if (line.command == "train") return Run(TrainOptionsFrom(line), RunTrain);
  if (line.command == "sample") return Run(SampleOptionsFrom(line), RunSample);
  if (line.command == "eval") return Run(EvalOptionsFrom(line), RunEval);
  if (line.command == "export") return Run(ExportOptionsFrom(line), RunExport);
  return Run(InfoOptionsFrom(line), RunInfo);
}

}  // namespace
}  // namespace examples::mnist

int main(int argc, char** argv) {
  try {
    return examples::mnist::Main(argc, argv);
  } catch (const std::exception& error) {
    // Numerical failures (a loss that is no longer finite) and lack of memory say what happened
    // themselves.
    return examples::Fail(absl::InternalError(error.what()), examples::kFailure);
  }
}
