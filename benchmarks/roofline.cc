// Where the time of a training step goes, and how far each operation is from what the machine can
// do: time, share, calls, GFLOP/s against the peak of arithmetic, GB/s against a copy of memory.
//
//     bazel run //benchmarks:roofline -- --batch_size=256 --threads=2
//
// An operation near neither limit has something to gain. Convolutions, linear layers and attention
// have their operations from model_flops.h, twice as many backwards; bytes are trace_table.h's
// estimate. More GB/s than a copy means that the data was in the caches, more GFLOP/s than the peak
// that convolutions went by tiles, which multiply a quarter as often (conv_winograd.h).
#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "autograd/kernels/isa.h"
#include "autograd/parallel/parallel.h"
#include "autograd/trace/trace.h"
#include "benchmarks/model_flops.h"
#include "benchmarks/peak.h"
#include "benchmarks/program.h"
#include "benchmarks/timing.h"
#include "benchmarks/trace_table.h"
#include "benchmarks/training_step.h"
#include "flowmatch/loss/chunked_backward.h"

ABSL_FLAG(std::string, dtype, "f32", "of activations: f32 or bf16");
ABSL_FLAG(int64_t, batch_size, 256, "images in a batch");
ABSL_FLAG(int64_t, chunk_size, flowmatch::kDefaultChunk,
          "images that go forward and backward together, 0 for all");
ABSL_FLAG(int, threads, 0, "threads; 0 for all processors");
ABSL_FLAG(int64_t, steps, 3, "traced steps, after --warmup others");
ABSL_FLAG(int64_t, warmup, 2, "steps before the traced ones");

namespace {

// Operations of a forward pass of one image that belong to a kind of operation.
double FlopsOf(const std::string& name, const benchmarks::ModelFlops& model) {
  if (absl::StartsWith(name, "Conv2d")) {
    return model.convolution - model.upsampling + model.attention_out;
  }
  // Behind UpsampleConv2d.
  if (absl::StartsWith(name, "ConvTranspose2d")) return model.computed_upsampling();
  if (absl::StartsWith(name, "LinearConcat")) return model.attention_in;
  if (absl::StartsWith(name, "Linear")) {
    return model.linear - model.attention_in - model.attention_out;
  }
  if (absl::StartsWith(name, "ScaledDotProductAttention")) return model.attention;
  return 0;
}

std::string Limits(double flops, double bytes, double seconds, benchmarks::Arithmetic arithmetic) {
  std::string text;
  if (flops > 0) {
    absl::StrAppendFormat(&text, "  %8.1f  %5.1f%%", 1e-9 * flops / seconds,
                          100 * flops / seconds / benchmarks::PeakFlops(arithmetic));
  } else {
    absl::StrAppendFormat(&text, "  %8s  %6s", "", "");
  }
  if (bytes > 0) {
    absl::StrAppendFormat(&text, "  %7.1f  %5.0f%%", 1e-9 * bytes / seconds,
                          100 * bytes / seconds / benchmarks::PeakCopyBytes());
  }
  return text;
}

void PrintPeaks() {
  using benchmarks::Arithmetic;
  absl::PrintF("%d threads, %s: f32 %.0f GFLOP/s, bf16 %.0f GFLOP/s, copy %.1f GB/s\n\n",
               autograd::NumThreads(), autograd::IsaName(autograd::ActiveIsa()),
               1e-9 * benchmarks::PeakFlops(Arithmetic::kF32),
               1e-9 * benchmarks::PeakFlops(Arithmetic::kBf16), 1e-9 * benchmarks::PeakCopyBytes());
}

// Milliseconds are those of all steps together.
void PrintTable(const std::vector<benchmarks::OperationTime>& table, double milliseconds,
                const benchmarks::ModelFlops& model, benchmarks::Arithmetic arithmetic) {
  const auto steps = static_cast<double>(absl::GetFlag(FLAGS_steps));
  const auto images = steps * static_cast<double>(absl::GetFlag(FLAGS_batch_size));
  absl::PrintF("%-44s  %8s  %6s  %6s  %8s  %6s  %7s  %6s\n", "operation", "ms", "share", "calls",
               "GFLOP/s", "peak", "GB/s", "copy");
  double rest = milliseconds;
  for (const benchmarks::OperationTime& row : table) {
    rest -= row.milliseconds;
    const double passes = absl::EndsWith(row.name, " backward") ? 2 : 1;
    const double flops = passes * images * FlopsOf(row.name, model);
    if (row.milliseconds < 5e-4 * milliseconds) continue;
    absl::PrintF("%-44s  %8.2f  %5.1f%%  %6.0f%s\n", row.name, row.milliseconds / steps,
                 100 * row.milliseconds / milliseconds, static_cast<double>(row.calls) / steps,
                 Limits(flops, row.bytes, 1e-3 * row.milliseconds, arithmetic));
  }
  absl::PrintF("%-44s  %8.2f  %5.1f%%\n", "between operations", rest / steps,
               100 * rest / milliseconds);
  absl::PrintF("%-44s  %8.2f  %5.1f%%  %6s%s\n", "a step", milliseconds / steps, 100.0, "",
               Limits(3 * images * model.computed(), 0, 1e-3 * milliseconds, arithmetic));
}

void Run() {
  const int64_t steps = absl::GetFlag(FLAGS_steps), warmup = absl::GetFlag(FLAGS_warmup);
  const int threads = absl::GetFlag(FLAGS_threads);
  if (absl::GetFlag(FLAGS_batch_size) < 1 || absl::GetFlag(FLAGS_chunk_size) < 0 || steps < 1 ||
      warmup < 0 || threads < 0) {
    throw std::invalid_argument(
        "wants positive --batch_size and --steps, and no negative "
        "--chunk_size, --threads or --warmup");
  }
  if (threads > 0) autograd::SetNumThreads(threads);
  const autograd::DType dtype = benchmarks::ActivationsByName(absl::GetFlag(FLAGS_dtype));
  benchmarks::TrainingStep step({.batch_size = absl::GetFlag(FLAGS_batch_size),
                                 .chunk_size = absl::GetFlag(FLAGS_chunk_size),
                                 .dtype = dtype});
  PrintPeaks();
  for (int64_t i = 0; i < warmup; ++i) step.Run();
  autograd::StartTrace();
  double milliseconds = 0;
  for (const double time : benchmarks::TimeCalls(steps, 0, [&] { step.Run(); })) {
    milliseconds += time;
  }
  PrintTable(benchmarks::SumByOperation(autograd::StopTrace()), milliseconds,
             benchmarks::ForwardFlops(step.model(), 28, 28),
             dtype == autograd::DType::kBF16 ? benchmarks::Arithmetic::kBf16
                                             : benchmarks::Arithmetic::kF32);
}

}  // namespace

int main(int argc, char** argv) {
  return benchmarks::RunProgram(argc, argv, "Prints where the time of a training step goes.", Run);
}
