// Starting values: their distributions, bounds and shapes.
#include "nn/init.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <stdexcept>
#include <string>
#include <vector>

#include "autograd/ops/creation.h"
#include "autograd/parallel/parallel.h"
#include "nn/init_math.h"

namespace nn {
namespace {

using autograd::Activation;
using autograd::ActivationSpec;
using autograd::DType;
using autograd::Shape;
using autograd::Tensor;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Moments {
  double mean = 0, deviation = 0, largest = 0;
};

Moments MomentsOf(const Tensor& tensor) {
  Moments moments;
  const std::vector<float> values = tensor.ToVector<float>();
  const auto n = static_cast<double>(values.size());
  for (const float value : values) {
    moments.mean += value / n;
    moments.deviation += static_cast<double>(value) * value / n;
    moments.largest = std::max<double>(moments.largest, std::abs(value));
  }
  moments.deviation = std::sqrt(moments.deviation - moments.mean * moments.mean);
  return moments;
}

// For 100,000 values, 5 deviations of the estimate.
void ExpectDeviation(const Tensor& tensor, double deviation) {
  const Moments moments = MomentsOf(tensor);
  EXPECT_GT(tensor.numel(), 90'000);
  EXPECT_NEAR(moments.mean, 0, 0.017 * deviation);
  EXPECT_NEAR(moments.deviation, deviation, 0.012 * deviation);
}

double NormalBelow(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

// PyTorch counts the same of the same weights in its layout:
//   torch.nn.init._calculate_fan_in_and_fan_out(torch.empty(8, 6, 3, 5))  ->  (90, 120)
TEST(WeightFans, CountTheKernel) {
  const auto fans = [](const Shape& shape) {
    const Fans f = WeightFans(shape);
    return std::vector<int64_t>{f.in, f.out};
  };
  EXPECT_EQ(fans({7, 4}), (std::vector<int64_t>{4, 7}));
  EXPECT_EQ(fans({8, 3, 5, 6}), (std::vector<int64_t>{90, 120}));
  EXPECT_EQ(fans({8, 9, 6}), (std::vector<int64_t>{54, 72}));
  EXPECT_THAT([] { WeightFans({3}); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("at least two axes, got [3]")));
}

// The first five by torch.nn.init.calculate_gain.
TEST(ActivationGain, IsPyTorchsOrKeepsTheVariance) {
  const auto gain = [](Activation activation, double parameter = 1) {
    return ActivationGain({activation, parameter});
  };
  EXPECT_EQ(gain(Activation::kNone), 1);
  EXPECT_EQ(gain(Activation::kSigmoid), 1);
  EXPECT_EQ(gain(Activation::kTanh), 1.6666666666666667);
  EXPECT_EQ(gain(Activation::kRelu), 1.4142135623730951);
  EXPECT_NEAR(gain(Activation::kLeakyRelu, 0.2), 1.3867504905630728, 1e-15);
  // E[f(z)^2] by the trapezoidal rule, twice as wide as f64 notices.
  for (const ActivationSpec& spec :
       {ActivationSpec{Activation::kRelu, 1}, ActivationSpec{Activation::kLeakyRelu, 0.3},
        ActivationSpec{Activation::kElu, 1}, ActivationSpec{Activation::kElu, 0.4},
        ActivationSpec{Activation::kSilu, 1}, ActivationSpec{Activation::kGeluErf, 1},
        ActivationSpec{Activation::kGeluTanh, 1}}) {
    const Tensor z = autograd::Linspace(-14, 14, 28001, DType::kF64);
    const std::vector<double> at = z.ToVector<double>(),
                              values = autograd::Activate(z, spec).ToVector<double>();
    double variance = 0;
    for (size_t i = 0; i < at.size(); ++i) {
      const double density = std::exp(-0.5 * at[i] * at[i]) / std::sqrt(2 * std::numbers::pi);
      variance += 1e-3 * density * values[i] * values[i];
    }
    EXPECT_NEAR(ActivationGain(spec), 1 / std::sqrt(variance), 1e-7);
  }
}

TEST(Kaiming, DeviatesByGainOverRootOfFan) {
  Generator generator(1);
  const Shape weight = {64, 3, 5, 100};
  const double in = 1500, out = 960;
  ExpectDeviation(KaimingNormal(weight, generator), std::sqrt(2 / in));
  ExpectDeviation(KaimingNormal(weight, generator, {.fan = FanMode::kOut}), std::sqrt(2 / out));
  ExpectDeviation(KaimingUniform(weight, generator), std::sqrt(2 / in));
  const KaimingOptions options = {.fan = FanMode::kOut, .activation = {Activation::kTanh}};
  const Tensor uniform = KaimingUniform(weight, generator, options);
  ExpectDeviation(uniform, 5 / 3.0 / std::sqrt(out));
  const double bound = 5 / 3.0 * std::sqrt(3 / out);
  EXPECT_LE(MomentsOf(uniform).largest, bound * (1 + 1e-6));
  EXPECT_GT(MomentsOf(uniform).largest, bound * 0.999);
}

// What PyTorch's layers start with: kaiming_uniform_ with a leaky ReLU of slope sqrt(5).
TEST(Kaiming, OfSlopeRootFiveIsUniformOnOneOverRootOfFan) {
  Generator generator(1);
  const KaimingOptions options = {.activation = {Activation::kLeakyRelu, std::sqrt(5.0)}};
  const double largest = MomentsOf(KaimingUniform({1000, 100}, generator, options)).largest;
  EXPECT_LE(largest, 0.1 * (1 + 1e-6));
  EXPECT_GT(largest, 0.0999);
}

TEST(Xavier, DeviatesByBothFans) {
  Generator generator(1);
  ExpectDeviation(XavierNormal({200, 3, 2, 100}, generator), std::sqrt(2.0 / 1800));
  const Tensor uniform = XavierUniform({200, 500}, generator, {.gain = 3});
  ExpectDeviation(uniform, 3 * std::sqrt(2.0 / 700));
  EXPECT_LE(MomentsOf(uniform).largest, 3 * std::sqrt(6.0 / 700) * (1 + 1e-6));
  EXPECT_EQ(XavierNormal({3, 4}, generator, {.dtype = DType::kF64}).dtype(), DType::kF64);
}

// Both in f64: the matrix times its transpose, on the side where it is a square of the smaller
// size.
TEST(Orthogonal, RowsOrColumnsAreOrthonormal) {
  Generator generator(4);
  for (const Shape& shape : {Shape{5, 5}, Shape{3, 8}, Shape{8, 3}, Shape{1, 7}, Shape{7, 1},
                             Shape{16, 3, 3, 2}, Shape{100, 100}}) {
    const Tensor matrix = Orthogonal(shape, generator, 2, DType::kF64);
    ASSERT_EQ(matrix.shape(), shape);
    const std::vector<double> m = matrix.ToVector<double>();
    const int64_t rows = shape[0], columns = matrix.numel() / rows;
    const int64_t count = std::min(rows, columns), length = std::max(rows, columns);
    const auto entry = [&](int64_t vector, int64_t k) {
      return m[static_cast<size_t>(rows > columns ? k * columns + vector : vector * columns + k)];
    };
    for (int64_t a = 0; a < count; ++a) {
      for (int64_t b = 0; b < count; ++b) {
        double product = 0;
        for (int64_t k = 0; k < length; ++k) product += entry(a, k) * entry(b, k);
        EXPECT_NEAR(product, a == b ? 4 : 0, 1e-13) << shape.ToString();
      }
    }
  }
  EXPECT_EQ(Orthogonal({0, 4}, generator).shape(), (Shape{0, 4}));
}

// In two dimensions: the angle of the first row is uniform, and a reflection as likely as a
// rotation. Without the right signs of the factorisation neither holds.
TEST(Orthogonal, EveryMatrixIsEquallyLikely) {
  Generator generator(6);
  constexpr int kDraws = 4000;
  double cosines[3] = {}, determinants = 0;
  for (int i = 0; i < kDraws; ++i) {
    const std::vector<double> m = Orthogonal({2, 2}, generator, 1, DType::kF64).ToVector<double>();
    const double angle = std::atan2(m[1], m[0]);
    for (int k = 0; k < 3; ++k) cosines[k] += std::cos((k + 1) * angle) / kDraws;
    determinants += (m[0] * m[3] - m[1] * m[2]) / kDraws;
  }
  for (const double mean : cosines) EXPECT_NEAR(mean, 0, 5 / std::sqrt(2.0 * kDraws));
  EXPECT_NEAR(determinants, 0, 5 / std::sqrt(1.0 * kDraws));
}

// Nearly parallel vectors, of which one pass of Gram-Schmidt would make a bad basis.
TEST(Orthogonal, HoldsForVectorsThatAreNearlyTheSame) {
  std::vector<double> vectors(60, 1.0);
  for (size_t i = 0; i < 6; ++i) vectors[i * 10 + i] += 1e-7;
  internal::Orthonormalize(vectors, 6, 10);
  for (size_t a = 0; a < 6; ++a) {
    for (size_t b = 0; b < 6; ++b) {
      double product = 0;
      for (size_t k = 0; k < 10; ++k) product += vectors[a * 10 + k] * vectors[b * 10 + k];
      EXPECT_NEAR(product, a == b ? 1 : 0, 1e-14);
    }
  }
}

TEST(NormalQuantile, InvertsTheDistributionFunction) {
  for (double p = 0.5; p > 1e-300; p *= 0.37) {
    const double x = internal::NormalQuantile(p);
    EXPECT_NEAR(NormalBelow(x) / p, 1, 1e-12) << p;
  }
  EXPECT_NEAR(internal::NormalQuantile(0.5), 0, 1e-16);
  // Tables have 1.959963984540054 for 97.5 %.
  EXPECT_NEAR(internal::NormalQuantile(0.025), -1.959963984540054, 1e-14);
}

// The largest difference to the distribution function (Kolmogorov and Smirnov).
double DistanceFrom(const Tensor& tensor, const std::function<double(double)>& distribution) {
  std::vector<double> values = tensor.ToVector<double>();
  std::sort(values.begin(), values.end());
  double distance = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double empirical = (static_cast<double>(i) + 0.5) / static_cast<double>(values.size());
    distance = std::max(distance, std::abs(empirical - distribution(values[i])));
  }
  return distance;
}

TEST(TruncatedNormal, HasTheDistributionThatIsLeft) {
  struct Case {
    double mean, deviation, low, high;
  };
  for (const Case& c :
       {Case{0, 1, -2, 2}, Case{3, 0.5, 2, 3.1}, Case{0, 1, 6, 7}, Case{0, 1, -kInfinity, -1},
        Case{0, 2, 0, kInfinity}, Case{0, 0.02, -2, 2}, Case{0, 1, 20, kInfinity}}) {
    Generator generator(9);
    const Tensor values =
        TruncatedNormal({100, 200}, c.mean, c.deviation, c.low, c.high, generator, DType::kF64);
    for (const double value : values.span<double>()) {
      ASSERT_TRUE(value >= c.low && value <= c.high && std::isfinite(value)) << value;
    }
    // From the upper tail where that is the smaller one.
    const double sign = c.low > c.mean ? -1 : 1;
    const auto below = [&](double x) { return NormalBelow(sign * (x - c.mean) / c.deviation); };
    const double distance = DistanceFrom(values, [&](double x) {
      return (below(x) - below(c.low)) / (below(c.high) - below(c.low));
    });
    // One in 1000 samples is further away than 1.95 / sqrt(n).
    EXPECT_LT(distance, 1.95 / std::sqrt(20000.0)) << c.low << " " << c.high;
  }
}

TEST(TruncatedNormal, AnElementDependsOnItsPlaceAloneAndTheGeneratorMovesOn) {
  std::vector<float> expected;
  for (const int threads : {1, 2, 3}) {
    autograd::SetNumThreads(threads);
    Generator generator(2);
    const std::vector<float> values =
        TruncatedNormal({10000}, 0, 1, -1, 1, generator).ToVector<float>();
    if (expected.empty()) expected = values;
    EXPECT_EQ(values, expected);
    EXPECT_NE(TruncatedNormal({10000}, 0, 1, -1, 1, generator).ToVector<float>(), values);
    Generator again(2);
    const std::vector<float> fewer = TruncatedNormal({10}, 0, 1, -1, 1, again).ToVector<float>();
    EXPECT_TRUE(std::equal(fewer.begin(), fewer.end(), expected.begin()));
  }
}

TEST(TruncatedNormal, RefusesIntervalsWithoutProbability) {
  Generator generator(1);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(TruncatedNormal({2}, 0, 1, 1, 1, generator), std::invalid_argument);
  EXPECT_THROW(TruncatedNormal({2}, 0, 0, -1, 1, generator), std::invalid_argument);
  EXPECT_THROW(TruncatedNormal({2}, nan, 1, -1, 1, generator), std::invalid_argument);
  EXPECT_THROW(TruncatedNormal({2}, 0, kInfinity, -1, 1, generator), std::invalid_argument);
  EXPECT_THAT([&] { TruncatedNormal({2}, 0, 1, 40, 50, generator); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("low 40 and high 50")));
}

TEST(Init, RefusesDTypesAndShapesByTheFunctionsName) {
  Generator generator(1);
  const std::vector<std::pair<std::string, std::function<void(const Shape&, DType)>>> functions = {
      {"KaimingUniform",
       [&](const Shape& s, DType d) { KaimingUniform(s, generator, {.dtype = d}); }},
      {"KaimingNormal",
       [&](const Shape& s, DType d) { KaimingNormal(s, generator, {.dtype = d}); }},
      {"XavierUniform",
       [&](const Shape& s, DType d) { XavierUniform(s, generator, {.dtype = d}); }},
      {"XavierNormal", [&](const Shape& s, DType d) { XavierNormal(s, generator, {.dtype = d}); }},
      {"Orthogonal", [&](const Shape& s, DType d) { Orthogonal(s, generator, 1, d); }},
  };
  for (const auto& [name, function] : functions) {
    EXPECT_THAT(
        [&] {
          function({2, 3}, DType::kI32);
        },
        ThrowsMessage<std::invalid_argument>(name + ": wants f32 or f64, got i32"));
    EXPECT_THAT([&] { function({3}, DType::kF32); },
                ThrowsMessage<std::invalid_argument>(
                    name + ": wants a weight with at least two axes, got [3]"));
    EXPECT_THROW(function({3, -1}, DType::kF32), std::invalid_argument);
  }
  EXPECT_THROW(TruncatedNormal({2}, 0, 1, -1, 1, generator, DType::kBF16), std::invalid_argument);
  EXPECT_THROW(KaimingNormal({3, 0}, generator), std::invalid_argument);
  EXPECT_THROW(XavierNormal({0, 0}, generator), std::invalid_argument);
}

TEST(Reinitialize, OverwritesAParameterInPlace) {
  Tensor parameter = autograd::Ones({2, 3}).set_requires_grad(true);
  Reinitialize(parameter, autograd::Zeros({2, 3}));
  EXPECT_EQ(parameter.ToVector<float>(), std::vector<float>(6, 0));
  EXPECT_TRUE(parameter.is_leaf() && parameter.requires_grad());
  EXPECT_THAT([&] { Reinitialize(parameter, autograd::Zeros({3})); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("got [3] f32 for [2, 3] f32")));
  EXPECT_THROW(Reinitialize(parameter, autograd::Zeros({2, 3}, DType::kF64)),
               std::invalid_argument);
  EXPECT_THROW(Reinitialize(Tensor(), parameter), std::invalid_argument);
}

}  // namespace
}  // namespace nn
