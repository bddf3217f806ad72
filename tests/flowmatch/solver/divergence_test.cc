// Exact and estimated divergences.
#include <cmath>
#include <string>
#include <vector>

#include "autograd/grad_mode.h"
#include "autograd/ops/cast.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/matmul.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/unary.h"
#include "flowmatch/solver/likelihood.h"
#include "gtest/gtest.h"
#include "tests/flowmatch/testing/error_text.h"

namespace flowmatch {
namespace {

using autograd::DType;
using autograd::Generator;

Tensor HalfTimes(int64_t batch) { return autograd::Full({batch}, .5, DType::kF64); }

Tensor Signs(const autograd::Shape& shape, Generator& generator) {
  return Cast(autograd::RandInt(0, 2, shape, generator), DType::kF64) * 2.0 - 1.0;
}

// sin of a linear map of the whole image, at every pixel: J = diag(cos(W x)) W.
struct ImageField {
  Tensor w;  // [12, 12]
  Tensor operator()(const Tensor& x, const Tensor&) const {
    return Reshape(Sin(MatMul(Reshape(x, {x.size(0), 12}), w)), x.shape());
  }
  std::vector<double> Divergence(const Tensor& x) const {
    const Tensor inner = MatMul(Reshape(x, {x.size(0), 12}), w);
    std::vector<double> sums;
    for (int64_t b = 0; b < x.size(0); ++b) {
      double sum = 0;
      for (int64_t i = 0; i < 12; ++i)
        sum += std::cos(inner.at<double>({b, i})) * w.at<double>({i, i});
      sums.push_back(sum);
    }
    return sums;
  }
};

TEST(DivergenceTest, ExactForImages) {
  Generator generator(1);
  const ImageField field = {autograd::Randn({12, 12}, generator, DType::kF64)};
  const Tensor x = autograd::Randn({3, 2, 2, 3}, generator, DType::kF64);
  const VelocityAndDivergence found = ExactDivergence(field, x, HalfTimes(3));
  EXPECT_EQ(found.velocity.ToVector<double>(), field(x, HalfTimes(3)).ToVector<double>());
  ASSERT_EQ(found.divergence.shape(), (autograd::Shape{3}));
  const std::vector<double> wanted = field.Divergence(x);
  for (int64_t b = 0; b < 3; ++b) {
    EXPECT_NEAR(found.divergence.at<double>({b}), wanted[static_cast<size_t>(b)], 1e-12);
  }
}

TEST(DivergenceTest, TheSameWithoutRecording) {
  Generator generator(2);
  const ImageField field = {autograd::Randn({12, 12}, generator, DType::kF64)};
  const Tensor x = autograd::Randn({2, 2, 2, 3}, generator, DType::kF64);
  const VelocityAndDivergence recorded = ExactDivergence(field, x, HalfTimes(2));
  const autograd::NoGrad guard;
  const VelocityAndDivergence plain = ExactDivergence(field, x, HalfTimes(2));
  EXPECT_FALSE(plain.velocity.requires_grad() || plain.divergence.requires_grad());
  for (int64_t b = 0; b < 2; ++b) {
    EXPECT_NEAR(plain.divergence.at<double>({b}), recorded.divergence.at<double>({b}), 1e-12);
  }
}

TEST(DivergenceTest, AFieldThatIgnoresThePointHasNone) {
  const Tensor x = autograd::Ones({3, 2}, DType::kF64);
  const VelocityField constant = [](const Tensor& at, const Tensor&) { return OnesLike(at); };
  // The same with a parameter that is differentiated.
  Tensor w = Tensor::Scalar(2.0).set_requires_grad(true);
  const VelocityField learned = [&](const Tensor& at, const Tensor&) { return OnesLike(at) * w; };
  for (const VelocityField& field : {constant, learned}) {
    EXPECT_EQ(ExactDivergence(field, x, HalfTimes(3)).divergence.ToVector<double>(),
              (std::vector<double>{0, 0, 0}));
    EXPECT_EQ(HutchinsonDivergence(field, x, HalfTimes(3), {x}).divergence.ToVector<double>(),
              (std::vector<double>{0, 0, 0}));
  }
}

// z^T J z is the trace itself where J is diagonal and z has elements -1 and 1.
TEST(DivergenceTest, OneProbeIsExactForADiagonalJacobian) {
  Generator generator(3);
  const Tensor x = autograd::Randn({4, 2, 2, 3}, generator, DType::kF64);
  const VelocityField field = [](const Tensor& at, const Tensor&) { return Sin(at); };
  const VelocityAndDivergence exact = ExactDivergence(field, x, HalfTimes(4));
  const VelocityAndDivergence estimated =
      HutchinsonDivergence(field, x, HalfTimes(4), {Signs(x.shape(), generator)});
  for (int64_t b = 0; b < 4; ++b) {
    EXPECT_NEAR(estimated.divergence.at<double>({b}), exact.divergence.at<double>({b}), 1e-12);
  }
}

// The flow of a rotated anisotropic Gaussian has a linear field v = A x with symmetric A. The
// estimate z^T A z has the mean tr A and, for Rademacher z, the variance 2 sum_{i != j} A_ij^2.
TEST(DivergenceTest, HutchinsonIsUnbiasedAndItsVarianceFallsWithTheProbes) {
  constexpr double kAngle = .6, kFirst = .9, kSecond = -.4;
  const double c = std::cos(kAngle), s = std::sin(kAngle);
  const double a = c * c * kFirst + s * s * kSecond, d = s * s * kFirst + c * c * kSecond;
  const double off = c * s * (kFirst - kSecond);
  const Tensor matrix = Tensor::FromVector<double>({a, off, off, d}, {2, 2});
  const VelocityField field = [&](const Tensor& x, const Tensor&) { return MatMul(x, matrix); };
  // Each sample is an estimate of its own.
  constexpr int64_t kSamples = 20000;
  Generator generator(4);
  const Tensor x = autograd::Randn({kSamples, 2}, generator, DType::kF64);
  for (const int probes : {1, 4, 16}) {
    std::vector<Tensor> signs;
    for (int i = 0; i < probes; ++i) signs.push_back(Signs({kSamples, 2}, generator));
    const Tensor estimates = HutchinsonDivergence(field, x, HalfTimes(kSamples), signs).divergence;
    double mean = 0, variance = 0;
    for (const double value : estimates.ToVector<double>()) mean += value / kSamples;
    for (const double value : estimates.ToVector<double>()) {
      variance += (value - mean) * (value - mean) / (kSamples - 1);
    }
    EXPECT_NEAR(mean, kFirst + kSecond, 4 * std::sqrt(variance / kSamples)) << probes;
    const double wanted = 4 * off * off / probes;
    EXPECT_NEAR(variance / wanted, 1, .06) << probes;
  }
}

TEST(DivergenceTest, NoProbesIsAnError) {
  const VelocityField field = [](const Tensor& x, const Tensor&) { return x; };
  EXPECT_EQ(ErrorText([&] {
              HutchinsonDivergence(field, autograd::Ones({2, 2}), autograd::Ones({2}), {});
            }),
            "HutchinsonDivergence: no probes");
}

}  // namespace
}  // namespace flowmatch
