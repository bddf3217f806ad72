// Training of the moons program.
#ifndef EXAMPLES_MOONS_TRAIN_H_
#define EXAMPLES_MOONS_TRAIN_H_

#include <memory>
#include <vector>

#include "autograd/dtype.h"
#include "autograd/random/philox.h"
#include "autograd/tensor.h"
#include "examples/moons/data_source.h"
#include "examples/moons/options.h"
#include "flowmatch/models/flow_mlp.h"
#include "flowmatch/solver/ode_solver.h"

namespace examples::moons {

using autograd::Tensor;

// Streams of the seed: what one part of the program draws does not depend on what another drew.
enum Stream : uint64_t {
  kInitStream,
  kTrainingStream,
  kSampleStream,
  kMetricsStream,
  kPictureStream
};

// A new model of the kind the options name.
std::unique_ptr<flowmatch::VelocityModel> MakeModel(const Options& options);

// The model's velocity with activations of this type. Arguments and results are f32 in any case, so
// that solvers and losses keep their digits.
flowmatch::VelocityField FieldOf(const flowmatch::VelocityModel& model, autograd::DType dtype);

struct TrainingResult {
  std::vector<float> losses;  // of each iteration done
  double seconds = 0;
  bool interrupted = false;
};

// Trains the model in place, showing progress on standard error. With options.ema on, the model
// ends with the averaged weights. Throws NumericalError, naming the iteration and the parameter, if
// the loss is no longer finite.
TrainingResult Train(const Options& options, const DrawData& draw, flowmatch::VelocityModel& model);

}  // namespace examples::moons

#endif  // EXAMPLES_MOONS_TRAIN_H_
