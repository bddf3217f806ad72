#include "nn/ema.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

#include "autograd/kernels/optimizer.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/inplace.h"
#include "autograd/parallel/parallel.h"

namespace nn {
namespace {

constexpr int64_t kGrain = 32768;

void CheckDecay(const char* function, double decay) {
  if (decay >= 0 && decay <= 1) return;
  throw std::invalid_argument(std::string(function) + ": decay is " + std::to_string(decay) +
                              ", wants 0 <= decay <= 1");
}

template <class T>
void UpdateAs(const Tensor& average, const Tensor& values, T weight) {
  autograd::ParallelFor(average.numel(), kGrain, [&](int64_t begin, int64_t end) {
    autograd::kernels::AverageStep(end - begin, average.raw<T>() + begin, values.raw<T>() + begin,
                                   weight);
  });
}

}  // namespace

EmaDecay ConstantDecay(double decay) {
  CheckDecay("ConstantDecay", decay);
  return [decay](int64_t) { return decay; };
}

EmaDecay WarmupDecay(double decay) {
  CheckDecay("WarmupDecay", decay);
  return [decay](int64_t updates) {
    const double n = static_cast<double>(updates);
    return std::min(decay, (1 + n) / (10 + n));
  };
}

EmaDecay PowerDecay(double gamma, double power, double max_decay) {
  CheckDecay("PowerDecay", max_decay);
  if (!(gamma > 0 && power > 0)) {
    throw std::invalid_argument("PowerDecay: gamma is " + std::to_string(gamma) + " and power " +
                                std::to_string(power) + ", wants both positive");
  }
  return [=](int64_t updates) {
    return std::min(max_decay, 1 - std::pow(1 + static_cast<double>(updates) / gamma, -power));
  };
}

Ema::Ema(ParameterBuffer& parameters, EmaDecay decay)
    : parameters_(parameters),
      decay_(std::move(decay)),
      average_(Clone(parameters.values())),
      updates_(Tensor::Scalar<int64_t>(0)) {}

void Ema::CheckNotSwapped(const char* operation) const {
  if (swapped_) {
    throw std::logic_error(std::string(operation) +
                           ": the average and the parameters are swapped; swap them back first");
  }
}

void Ema::Update() {
  CheckNotSwapped("Ema::Update");
  const double weight = NextWeight();
  average_.dtype() == autograd::DType::kF32
      ? UpdateAs(average_, parameters_.values(), static_cast<float>(weight))
      : UpdateAs(average_, parameters_.values(), weight);
}

double Ema::NextWeight() {
  const double weight = 1 - decay_(updates());
  ++*updates_.mutable_data<int64_t>();
  return weight;
}

void Ema::Swap() {
  const int64_t item = static_cast<int64_t>(autograd::ItemSize(average_.dtype()));
  char* average = average_.raw<char>();
  char* values = parameters_.values().raw<char>();
  autograd::ParallelFor(average_.numel() * item, kGrain * item, [&](int64_t begin, int64_t end) {
    std::swap_ranges(average + begin, average + end, values + begin);
  });
  parameters_.MarkChanged();
  swapped_ = !swapped_;
}

NamedTensors Ema::NamedParameters() const {
  CheckNotSwapped("Ema::NamedParameters");
  NamedTensors result;
  for (const ParameterBuffer::Entry& entry : parameters_.entries()) {
    result.emplace_back(entry.name, ParameterBuffer::SliceFor(entry, average_));
  }
  return result;
}

NamedTensors Ema::StateDict() const {
  NamedTensors result = NamedParameters();
  result.emplace_back("num_updates", updates_);
  return result;
}

absl::Status Ema::LoadStateDict(const NamedTensors& state) {
  return CopyNamedTensors(state, StateDict());
}

}  // namespace nn
