#include "examples/mnist/generate.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "autograd/grad_mode.h"
#include "autograd/memory/allocator.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/unary.h"
#include "examples/mnist/model.h"

namespace examples::mnist {
namespace {

using autograd::Generator;
using autograd::Tensor;

const std::vector<int64_t> kLabels = {0, 3, 10, 7, 7};

struct Drawing {
  Drawing() : generator(0), model(MakeModel({.channels = {8, 16}}, generator)) {
    model->Eval();
    noise = autograd::Randn({static_cast<int64_t>(kLabels.size()), 28, 28, 1}, generator);
  }
  Generator generator;
  std::unique_ptr<flowmatch::ClassConditionedUNet> model;
  Tensor noise;
};

GenerateOptions Options(int64_t chunk) {
  return {.guidance_scale = 3,
          .ode = {.method = flowmatch::OdeMethod::kEuler, .steps = 2},
          .chunk = chunk};
}

void ExpectNear(const Tensor& a, const Tensor& b, double tolerance) {
  const std::vector<float> x = a.ToVector<float>(), y = b.ToVector<float>();
  ASSERT_EQ(x.size(), y.size());
  for (size_t i = 0; i < x.size(); ++i) ASSERT_NEAR(x[i], y[i], tolerance) << "at " << i;
}

// x + h (null + 3 (label - null)), each evaluated by itself.
TEST(GenerateTest, IsGuidedEulerByHand) {
  Drawing d;
  const autograd::NoGrad guard;
  const int64_t n = d.noise.size(0);
  const Tensor labels = Tensor::FromVector(kLabels, {n});
  const Tensor null = autograd::Zeros({n}, autograd::DType::kI64);
  Tensor x = d.noise;
  for (const double t : {0.0, 0.5}) {
    const Tensor time = autograd::Full({n}, t);
    const Tensor unlabelled = d.model->Forward(x, time, null);
    x = x + 0.5 * (unlabelled + 3.0 * (d.model->Forward(x, time, labels) - unlabelled));
  }
  ExpectNear(Generate(*d.model, d.noise, kLabels, Options(0)), x, 1e-4);
}

double LargestDifference(const Tensor& a, const Tensor& b) {
  return static_cast<double>(Max(Abs(a - b)).item<float>());
}

TEST(GenerateTest, GuidanceAndLabelsMatter) {
  Drawing d;
  GenerateOptions options = Options(0);
  const Tensor images = Generate(*d.model, d.noise, kLabels, options);
  const std::vector<int64_t> others = {0, 4, 1, 9, 2};
  EXPECT_GT(LargestDifference(Generate(*d.model, d.noise, others, options), images), 1e-2);
  options.guidance_scale = 1;
  EXPECT_GT(LargestDifference(Generate(*d.model, d.noise, kLabels, options), images), 1e-2);
}

TEST(GenerateTest, AnImageDoesNotDependOnThoseDrawnWithIt) {
  Drawing d;
  const Tensor together = Generate(*d.model, d.noise, kLabels, Options(0));
  for (const int64_t chunk : {1, 2, 4, 64}) {
    ExpectNear(Generate(*d.model, d.noise, kLabels, Options(chunk)), together, 1e-5);
  }
}

TEST(GenerateTest, StopsBetweenEvaluationsWhenAsked) {
  Drawing d;
  GenerateOptions options = Options(0);
  options.ode.steps = 50;
  int asked = 0;
  bool drawn = false;
  options.stop = [&asked] { return ++asked == 3; };
  options.on_drawn = [&drawn](int64_t) { drawn = true; };
  EXPECT_FALSE(Generate(*d.model, d.noise, kLabels, options).defined());
  EXPECT_EQ(asked, 3);
  EXPECT_FALSE(drawn);
  asked = -1000;
  options.ode.steps = 2;
  EXPECT_TRUE(Generate(*d.model, d.noise, kLabels, options).defined());
  EXPECT_TRUE(drawn);
}

TEST(GenerateTest, NothingIsRecordedAndMemoryIsUsedAgain) {
  for (const autograd::DType dtype : {autograd::DType::kF32, autograd::DType::kBF16}) {
    Drawing d;
    d.model->set_compute_dtype(dtype);
    GenerateOptions options = Options(2);
    int64_t allocations = 0;
    for (int i = 0; i < 3; ++i) {
      EXPECT_FALSE(Generate(*d.model, d.noise, kLabels, options).requires_grad());
      const int64_t now = autograd::GetAllocatorStats().system_allocations;
      // Under AddressSanitizer everything comes from the system.
      if (i > 0 && autograd::AllocatorCaches()) {
        EXPECT_EQ(now, allocations) << "drawing " << i;
      }
      allocations = now;
    }
    // More steps take no more memory.
    autograd::ResetPeakStats();
    Generate(*d.model, d.noise, kLabels, options);
    const int64_t peak = autograd::GetAllocatorStats().bytes_peak;
    options.ode.steps = 80;
    autograd::ResetPeakStats();
    Generate(*d.model, d.noise, kLabels, options);
    // The states of 78 more steps would be 489 KiB; the statistics are exact to 64 KiB a thread.
    EXPECT_LE(autograd::GetAllocatorStats().bytes_peak, peak + (int64_t{256} << 10));
  }
}

}  // namespace
}  // namespace examples::mnist
