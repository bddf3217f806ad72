#include "nn/optim/optimizer.h"

#include <cmath>
#include <limits>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "autograd/ops/creation.h"
#include "autograd/parallel/parallel.h"
#include "autograd/trace/op_scope.h"
#include "nn/optim/clip.h"

namespace nn {
namespace {

// Elements in a piece of work: some microseconds, well above what a parallel region costs.
constexpr int64_t kGrain = 16384;

}  // namespace

namespace internal {

void CheckOption(const char* optimizer, const char* name, double value, double low, double high) {
  if (value >= low && value < high) return;
  throw std::invalid_argument(absl::StrCat(optimizer, ": ", name, " is ", value, ", wants ", low,
                                           " <= ", name, " < ", high));
}

}  // namespace internal

Optimizer::Optimizer(ParameterBuffer& parameters, double learning_rate)
    : parameters_(parameters),
      steps_(autograd::Zeros({static_cast<int64_t>(parameters.entries().size())},
                             autograd::DType::kI64)) {
  set_learning_rate(learning_rate);
}

void Optimizer::set_learning_rate(double learning_rate) {
  internal::CheckOption("Optimizer", "learning_rate", learning_rate, 0,
                        std::numeric_limits<double>::infinity());
  learning_rate_ = learning_rate;
}

Tensor Optimizer::AddState(std::string name) {
  Tensor flat = autograd::Zeros({parameters_.size()}, parameters_.dtype());
  state_.emplace_back(std::move(name), flat);
  return flat;
}

double Optimizer::Step(const StepOptions& options) {
  const autograd::OpScope scope("OptimizerStep", {&parameters_.values()});
  Ema* ema = options.ema;
  if (ema != nullptr && &ema->parameters_ != &parameters_) {
    throw std::invalid_argument("Optimizer::Step: the average is one of another ParameterBuffer");
  }
  if (ema != nullptr) ema->CheckNotSwapped("Optimizer::Step");
  Pass pass;
  double norm = 0;
  if (options.max_norm == 0) {
    parameters_.GatherGradients();
  } else {
    const auto clip = internal::MeasureClip("Optimizer::Step", parameters_, options.max_norm);
    norm = clip.norm;
    pass.gradient_scale = clip.factor;
  }
  if (ema != nullptr) {
    pass.average = ema->average_;
    pass.average_weight = ema->NextWeight();
  }
  const size_t count = parameters_.entries().size();
  int64_t* steps = steps_.mutable_data<int64_t>();
  for (size_t first = 0, last; first < count; first = last) {
    last = first + 1;
    const int64_t begin = parameters_.BeginOf(first);
    if (!parameters_.HasGradient(first)) {
      UpdateAverage(begin, parameters_.BeginOf(last), pass);
      continue;
    }
    // As far as parameters that have a gradient and stand at the same step reach.
    while (last < count && parameters_.HasGradient(last) && steps[last] == steps[first]) ++last;
    pass.step = steps[first] + 1;
    autograd::ParallelFor(parameters_.BeginOf(last) - begin, kGrain, [&](int64_t from, int64_t to) {
      Update(begin + from, begin + to, pass);
    });
    for (size_t i = first; i < last; ++i) steps[i] = pass.step;
  }
  parameters_.MarkChanged();
  return norm;
}

void Optimizer::UpdateAverage(int64_t begin, int64_t end, const Pass& pass) {
  if (!pass.average.defined()) return;
  const auto average = [&]<class T>(T weight) {
    autograd::kernels::AverageStep(end - begin, pass.average.raw<T>() + begin,
                                   parameters_.values().raw<T>() + begin, weight);
  };
  parameters_.dtype() == autograd::DType::kF32 ? average(static_cast<float>(pass.average_weight))
                                               : average(pass.average_weight);
}

NamedTensors Optimizer::StateDict() const {
  NamedTensors result;
  const std::span<const ParameterBuffer::Entry> entries = parameters_.entries();
  for (size_t i = 0; i < entries.size(); ++i) {
    result.emplace_back(entries[i].name + ".step", steps_.ViewAs({}, {}, static_cast<int64_t>(i)));
    for (const auto& [name, flat] : state_) {
      result.emplace_back(absl::StrCat(entries[i].name, ".", name),
                          ParameterBuffer::SliceFor(entries[i], flat));
    }
  }
  return result;
}

absl::Status Optimizer::LoadStateDict(const NamedTensors& state) {
  return CopyNamedTensors(state, StateDict());
}

}  // namespace nn
