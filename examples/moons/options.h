// What the moons program was asked to do: its flags, checked, with the model's own defaults filled
// in.
#ifndef EXAMPLES_MOONS_OPTIONS_H_
#define EXAMPLES_MOONS_OPTIONS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "autograd/dtype.h"
#include "flowmatch/path/scheduler.h"
#include "flowmatch/solver/ode_solver.h"

namespace examples::moons {

struct Options {
  int64_t iterations = 10000;
  int64_t batch_size = 256;
  double learning_rate = 1e-2;
  std::string schedule = "constant";  // or "cosine"
  double noise = .05;                 // standard deviation around the moons
  std::string model = "mlp";          // or "time_embedding"
  int64_t hidden = 64;
  std::string path = "cond_ot";
  flowmatch::OdeOptions ode;
  int64_t samples = 2000;
  double ema = 0;                                 // decay, 0 = off
  autograd::DType dtype = autograd::DType::kF32;  // of activations in training and sampling
  std::string data;  // a .npy file of points in place of the moons, or empty
  uint64_t seed = 0;
  int threads = 0;  // 0 = all processors
  std::string output_dir;
  std::string checkpoint;  // model to sample from without training, or empty

  std::shared_ptr<const flowmatch::Scheduler> scheduler;
};

// The flags as options. InvalidArgument: one line that says which flag is wrong and what is
// allowed. With --checkpoint, `metadata` (of the file) replaces the flags that were not given, and
// one that contradicts it is an error.
absl::StatusOr<Options> OptionsFromFlags(const std::map<std::string, std::string>* metadata);

// Value of --checkpoint, resolved; empty if not given.
std::string CheckpointFlag();

// What a model file says about how it was made: the names and values of the flags that decided it.
std::map<std::string, std::string> Metadata(const Options& options);

}  // namespace examples::moons

#endif  // EXAMPLES_MOONS_OPTIONS_H_
