// A step that clips and averages in one pass has the bytes of the three calls it stands for.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <memory>
#include <stdexcept>
#include <vector>

#include "autograd/errors.h"
#include "autograd/parallel/parallel.h"
#include "nn/ema.h"
#include "nn/optim/adam.h"
#include "nn/optim/clip.h"
#include "nn/optim/sgd.h"

namespace nn {
namespace {

using Make = std::function<std::unique_ptr<Optimizer>(ParameterBuffer&)>;

template <class Type, class Options>
Make MakerOf(const Options& options) {
  return [options](ParameterBuffer& parameters) {
    return std::make_unique<Type>(parameters, options);
  };
}

// Three parameters, the second of which has a gradient only in every other step; sizes that are no
// multiples of a vector, and one that is more than a piece of work.
template <class T>
struct Training {
  explicit Training(const Make& make)
      : optimizer(make(parameters)), ema(parameters, WarmupDecay(0.9)) {}

  static Tensor Wave(int64_t n, double phase) {
    std::vector<T> values(static_cast<size_t>(n));
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] = static_cast<T>(std::sin(0.7 * static_cast<double>(i) + phase));
    }
    return Tensor::FromVector(values, {n});
  }
  void SetGradients(int step) {
    for (size_t i = 0; i < 3; ++i) {
      Tensor parameter = parameters.entries()[i].parameter;
      const bool skipped = i == 1 && step % 2 == 0;
      parameter.set_grad(skipped ? Tensor() : Wave(parameter.numel(), step + 0.1 * double(i)));
    }
  }
  // Parameters, state and average.
  std::vector<std::vector<T>> Bytes() const {
    std::vector<std::vector<T>> all = {parameters.values().template ToVector<T>()};
    for (const auto& [name, tensor] : optimizer->StateDict()) {
      if (tensor.rank() > 0) all.push_back(tensor.template ToVector<T>());
    }
    for (const auto& [name, tensor] : ema.NamedParameters()) {
      all.push_back(tensor.template ToVector<T>());
    }
    return all;
  }

  ParameterBuffer parameters{NamedTensors{{"a", Wave(19, 0).set_requires_grad(true)},
                                          {"b", Wave(40003, 1).set_requires_grad(true)},
                                          {"c", Wave(7, 2).set_requires_grad(true)}}};
  std::unique_ptr<Optimizer> optimizer;
  Ema ema;
};

const std::vector<Make>& Makers() {
  static const std::vector<Make>& makers = *new std::vector<Make>{
      MakerOf<AdamW>(AdamWOptions{.learning_rate = 0.01}),
      MakerOf<Adam>(AdamOptions{.learning_rate = 0.01, .weight_decay = 0.1}),
      MakerOf<Sgd>(SgdOptions{.learning_rate = 0.05}),
      MakerOf<Sgd>(SgdOptions{
          .learning_rate = 0.02, .momentum = 0.9, .weight_decay = 0.01, .nesterov = true})};
  return makers;
}

template <class T>
void CompareWithSeparateCalls() {
  for (size_t maker = 0; maker < Makers().size(); ++maker) {
    // The norm is about 140: clipped, and left alone.
    for (const double max_norm : {0.5, 1e4}) {
      Training<T> one(Makers()[maker]), separate(Makers()[maker]);
      for (int step = 0; step < 5; ++step) {
        one.SetGradients(step);
        separate.SetGradients(step);
        const double norm = one.optimizer->Step({.max_norm = max_norm, .ema = &one.ema});
        EXPECT_EQ(norm, ClipGradientNorm(separate.parameters, max_norm));
        EXPECT_EQ(separate.optimizer->Step(), 0);
        separate.ema.Update();
        ASSERT_EQ(one.Bytes(), separate.Bytes())
            << "optimiser " << maker << ", max_norm " << max_norm << ", step " << step;
      }
      EXPECT_EQ(one.ema.updates(), 5);
    }
  }
}

TEST(OnePassTest, TheBytesOfSeparateCallsInF32) { CompareWithSeparateCalls<float>(); }
TEST(OnePassTest, TheBytesOfSeparateCallsInF64) { CompareWithSeparateCalls<double>(); }

TEST(OnePassTest, SameBytesOnAnyNumberOfThreads) {
  const int before = autograd::NumThreads();
  std::vector<std::vector<float>> wanted;
  for (const int threads : {1, 2, 3, 16}) {
    autograd::SetNumThreads(threads);
    Training<float> run(Makers()[0]);
    for (int step = 0; step < 3; ++step) {
      run.SetGradients(step);
      run.optimizer->Step({.max_norm = 1, .ema = &run.ema});
    }
    if (wanted.empty()) wanted = run.Bytes();
    EXPECT_EQ(run.Bytes(), wanted) << threads;
  }
  autograd::SetNumThreads(before);
}

TEST(OnePassTest, GradientsStayAsTheyAre) {
  Training<float> run(Makers()[0]);
  run.SetGradients(1);
  run.optimizer->Step({.max_norm = 1e-3});
  EXPECT_EQ(run.parameters.entries()[0].parameter.grad().ToVector<float>(),
            Training<float>::Wave(19, 1).ToVector<float>());
}

TEST(OnePassTest, WhatCannotBeDoneChangesNothing) {
  Training<float> run(Makers()[0]), other(Makers()[0]);
  run.SetGradients(1);
  const auto before = run.Bytes();
  EXPECT_THROW(run.optimizer->Step({.max_norm = -1, .ema = &run.ema}), std::invalid_argument);
  EXPECT_THROW(run.optimizer->Step({.max_norm = NAN, .ema = &run.ema}), std::invalid_argument);
  EXPECT_THROW(run.optimizer->Step({.ema = &other.ema}), std::invalid_argument);
  {
    const UseAverage averaged(run.ema);
    EXPECT_THROW(run.optimizer->Step({.ema = &run.ema}), std::logic_error);
  }
  run.parameters.entries()[2].parameter.grad().mutable_data<float>()[3] = INFINITY;
  EXPECT_THROW(run.optimizer->Step({.max_norm = 1, .ema = &run.ema}), autograd::NumericalError);
  EXPECT_EQ(run.Bytes(), before);
  EXPECT_EQ(run.ema.updates(), 0);
}

}  // namespace
}  // namespace nn
