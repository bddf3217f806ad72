// Times to train at, held against their distribution functions in closed form.
#include "flowmatch/time/time_sampler.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/slice.h"
#include "flowmatch/path/affine_path.h"
#include "gtest/gtest.h"
#include "tests/flowmatch/testing/error_text.h"

namespace flowmatch {
namespace {

using autograd::DType;
using autograd::Generator;

constexpr double kPi = std::numbers::pi;
constexpr int64_t kDraws = 200000;

using Sampler = std::function<Tensor(int64_t n, Generator& generator, DType dtype)>;

std::vector<double> Values(const Tensor& t) {
  if (t.dtype() == DType::kF64) return t.ToVector<double>();
  std::vector<double> values;
  for (const float time : t.ToVector<float>()) values.push_back(static_cast<double>(time));
  return values;
}

// The share of draws below each of 19 times lies within five standard errors of `below`, the
// probability of a smaller time.
void ExpectDistribution(const std::string& name, const Sampler& sampler,
                        const std::function<double(double)>& below) {
  for (const DType dtype : {DType::kF32, DType::kF64}) {
    Generator generator(11);
    const Tensor t = sampler(kDraws, generator, dtype);
    ASSERT_EQ(t.shape(), (autograd::Shape{kDraws}));
    ASSERT_EQ(t.dtype(), dtype);
    const std::vector<double> values = Values(t);
    for (const double time : values) ASSERT_TRUE(0 <= time && time <= 1) << name << " " << time;
    for (int i = 1; i < 20; ++i) {
      const double time = i / 20., wanted = below(time);
      const auto count =
          std::count_if(values.begin(), values.end(), [&](double v) { return v < time; });
      const double share = static_cast<double>(count) / static_cast<double>(kDraws);
      const double error = std::sqrt(wanted * (1 - wanted) / static_cast<double>(kDraws));
      EXPECT_NEAR(share, wanted, 5 * error + 1e-9) << name << " below " << time;
    }
  }
}

double NormalBelow(double z) { return std::erfc(-z / std::sqrt(2.)) / 2; }

// Where an increasing function of [0, 1] takes a value.
double Invert(const std::function<double(double)>& f, double value) {
  double low = 0, high = 1;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (f(middle) < value ? low : high) = middle;
  }
  return low;
}

TEST(LogitNormalTimesTest, Distribution) {
  for (const auto& [mean, scale] : {std::pair{0., 1.}, {.5, .6}, {-1., 2.}}) {
    // The noise level u = 1 - t is below q where its logit, N(mean, scale^2), is below that of q.
    ExpectDistribution(
        "logit-normal",
        [m = mean, s = scale](int64_t n, Generator& generator, DType dtype) {
          return LogitNormalTimes(n, m, s, generator, dtype);
        },
        [m = mean, s = scale](double t) {
          const double level = 1 - t;
          return 1 - NormalBelow((std::log(level / (1 - level)) - m) / s);
        });
  }
}

TEST(LogitNormalTimesTest, MomentsOfTheLogit) {
  Generator generator(12);
  double sum = 0, squares = 0;
  for (const double t : Values(LogitNormalTimes(kDraws, .3, .8, generator, DType::kF64))) {
    const double logit = std::log((1 - t) / t);
    sum += logit;
    squares += (logit - .3) * (logit - .3);
  }
  const double n = static_cast<double>(kDraws);
  EXPECT_NEAR(sum / n, .3, 5 * .8 / std::sqrt(n));
  EXPECT_NEAR(squares / n, .64, 5 * .64 * std::sqrt(2 / n));
}

TEST(ModeTimesTest, Distribution) {
  for (const double scale : {-1., -.4, 0., 1.29, 2 / (kPi - 2)}) {
    const auto time = [&](double u) {
      return 1 - (1 - u - scale * (std::pow(std::cos(kPi * u / 2), 2) - 1 + u));
    };
    ExpectDistribution(
        "mode",
        [&](int64_t n, Generator& generator, DType dtype) {
          return ModeTimes(n, scale, generator, dtype);
        },
        [&](double t) { return Invert(time, t); });
  }
}

TEST(ModeTimesTest, OfScale0AreUniform) {
  Generator a(13), b(13);
  EXPECT_EQ(ModeTimes(1000, 0, a).ToVector<float>(),
            UniformTimes(1000, {0, 1}, b).ToVector<float>());
}

TEST(EdmSkewedTimesTest, Distribution) {
  ExpectDistribution(
      "EDM",
      [](int64_t n, Generator& generator, DType dtype) {
        return EdmSkewedTimes(n, generator, dtype);
      },
      // t is small where sigma = 1 / t - 1 is large.
      [](double t) { return 1 - NormalBelow((std::log(1 / t - 1) + 1.2) / 1.2); });
}

TEST(CosmapTimesTest, Distribution) {
  ExpectDistribution(
      "cosmap",
      [](int64_t n, Generator& generator, DType dtype) { return CosmapTimes(n, generator, dtype); },
      // The integral of 2 / (pi (1 - 2 t + 2 t^2)).
      [](double t) { return .5 + 2 / kPi * std::atan(2 * t - 1); });
  Generator a(14), b(14);
  const std::vector<double> times = Values(CosmapTimes(100, a, DType::kF64));
  const std::vector<double> u = Values(autograd::Rand({100}, b, DType::kF64));
  for (size_t i = 0; i < u.size(); ++i) {
    EXPECT_NEAR(times[i], 1 - 1 / (std::tan(kPi * u[i] / 2) + 1), 1e-14);
  }
}

TEST(DiscreteUniformTimesTest, AreMultiplesEachAsLikely) {
  for (const DType dtype : {DType::kF32, DType::kF64}) {
    Generator generator(15);
    constexpr int64_t kSteps = 1000;
    std::vector<int> counts(kSteps);
    for (const double t : Values(DiscreteUniformTimes(kDraws, kSteps, generator, dtype))) {
      const int64_t k = std::lround(t * kSteps);
      ASSERT_TRUE(0 <= k && k < kSteps) << t;
      // k / 1000 rounded once.
      const double exact = static_cast<double>(k) / kSteps;
      ASSERT_EQ(t, dtype == DType::kF32 ? static_cast<double>(static_cast<float>(exact)) : exact);
      ++counts[static_cast<size_t>(k)];
    }
    // Chi-squared with 999 degrees of freedom: mean 999, variance 1998.
    double chi = 0;
    for (const int count : counts) chi += (count - 200.) * (count - 200.) / 200;
    EXPECT_NEAR(chi, 999, 5 * std::sqrt(1998));
  }
  Generator generator(16);
  EXPECT_EQ(Values(DiscreteUniformTimes(3, 1, generator)), (std::vector<double>{0, 0, 0}));
}

// Every sampler with the name of its function.
const std::vector<std::pair<std::string, Sampler>>& AllSamplers() {
  static const auto* samplers = new std::vector<std::pair<std::string, Sampler>>{
      {"UniformTimes",
       [](int64_t n, Generator& g, DType d) {
         return UniformTimes(n, {.1, .9}, g, d);
       }},
      {"DiscreteUniformTimes",
       [](int64_t n, Generator& g, DType d) { return DiscreteUniformTimes(n, 1000, g, d); }},
      {"LogitNormalTimes",
       [](int64_t n, Generator& g, DType d) { return LogitNormalTimes(n, 0, 1, g, d); }},
      {"ModeTimes", [](int64_t n, Generator& g, DType d) { return ModeTimes(n, 1.29, g, d); }},
      {"EdmSkewedTimes", [](int64_t n, Generator& g, DType d) { return EdmSkewedTimes(n, g, d); }},
      {"CosmapTimes", [](int64_t n, Generator& g, DType d) { return CosmapTimes(n, g, d); }}};
  return *samplers;
}

TEST(TimeSamplerTest, TimeIDependsOnTheStateAndIAlone) {
  for (const auto& [name, sampler] : AllSamplers()) {
    Generator a(17), b(17), c(18);
    const std::vector<double> first = Values(sampler(300, a, DType::kF32));
    std::vector<double> shorter = Values(sampler(130, b, DType::kF32));
    EXPECT_TRUE(std::equal(shorter.begin(), shorter.end(), first.begin())) << name;
    EXPECT_NE(first, Values(sampler(300, c, DType::kF32))) << name;
    EXPECT_NE(first, Values(sampler(300, a, DType::kF32))) << name;
  }
}

TEST(TimeSamplerTest, NoneAreNoMistakeButFewerAre) {
  for (const auto& [name, sampler] : AllSamplers()) {
    Generator generator(19);
    EXPECT_EQ(sampler(0, generator, DType::kF32).shape(), (autograd::Shape{0})) << name;
    EXPECT_EQ(ErrorText([&, &draw = sampler] { draw(-1, generator, DType::kF32); }),
              name + ": n is -1, expected 0 or more");
    EXPECT_EQ(ErrorText([&, &draw = sampler] { draw(1, generator, DType::kI64); }),
              name + ": dtype is i64, expected f32 or f64");
  }
}

TEST(TimeSamplerTest, ParametersOutOfRangeAreNamed) {
  Generator generator(20);
  EXPECT_EQ(ErrorText([&] { DiscreteUniformTimes(3, 0, generator); }),
            "DiscreteUniformTimes: steps is 0, expected 1 to 2^24");
  EXPECT_EQ(ErrorText([&] { LogitNormalTimes(3, 0, 0, generator); }),
            "LogitNormalTimes: mean is 0 and scale 0, expected a finite mean and scale > 0");
  EXPECT_EQ(ErrorText([&] { LogitNormalTimes(3, std::nan(""), 1, generator); }),
            "LogitNormalTimes: mean is nan and scale 1, expected a finite mean and scale > 0");
  EXPECT_EQ(ErrorText([&] { ModeTimes(3, -1.1, generator); }),
            "ModeTimes: scale is -1.1, expected -1 to 2 / (pi - 2) = 1.75194");
  EXPECT_EQ(ErrorText([&] { ModeTimes(3, 1.8, generator); }),
            "ModeTimes: scale is 1.8, expected -1 to 2 / (pi - 2) = 1.75194");
}

TEST(ClampTimesTest, MovesOnlyWhatLiesOutsideAndNeverPastAnEnd) {
  const TimeRange range = {1e-3, 1 - 1e-5};
  const Tensor t = Tensor::FromVector<float>({0, .5f, 1, 2, -1, .25f}, {2, 3});
  const Tensor clamped = ClampTimes(t, range);
  EXPECT_EQ(clamped.shape(), t.shape());
  const std::vector<float> values = clamped.ToVector<float>();
  EXPECT_EQ(values[1], .5f);
  EXPECT_EQ(values[5], .25f);
  for (const float value : values) {
    EXPECT_GE(static_cast<double>(value), range.first);
    EXPECT_LE(static_cast<double>(value), range.last);
  }
  EXPECT_NEAR(static_cast<double>(values[0]), range.first, 1e-9);
  EXPECT_NEAR(static_cast<double>(values[2]), range.last, 1e-7);
  // Strided, f64, and the ends themselves.
  const Tensor strided = Slice(Tensor::FromVector<double>({0, 9, 1, 9, 1e-3, 9}, {6}), 0, 0, 6, 2);
  EXPECT_EQ(ClampTimes(strided, range).ToVector<double>(),
            (std::vector<double>{1e-3, 1 - 1e-5, 1e-3}));
  EXPECT_EQ(ErrorText([&] {
              ClampTimes(t, {1, 1});
            }),
            "ClampTimes: range from 1 to 1, expected first < last");
  EXPECT_EQ(ErrorText([&] { ClampTimes(Tensor(), range); }),
            "ClampTimes: t is undefined, expected f32 or f64");
  EXPECT_EQ(ErrorText([&] { ClampTimes(autograd::Zeros({2}, DType::kI32), range); }),
            "ClampTimes: t is [2] i32, expected f32 or f64");
}

TEST(UniformTimesTest, StayInTheirRange) {
  for (const TimeRange range :
       {TimeRange{0, 1}, TimeRange{0, 1 - 1e-5}, TimeRange{1e-5, 1}, TimeRange{1e-3, 1 - 1e-3}}) {
    for (const DType dtype : {DType::kF32, DType::kF64}) {
      Generator generator(2);
      const Tensor t = UniformTimes(200000, range, generator, dtype);
      ASSERT_EQ(t.shape(), (autograd::Shape{200000}));
      ASSERT_EQ(t.dtype(), dtype);
      double low = 2, high = -1, sum = 0;
      for (int64_t i = 0; i < 200000; ++i) {
        const double time =
            dtype == DType::kF32 ? static_cast<double>(t.at<float>({i})) : t.at<double>({i});
        low = std::min(low, time);
        high = std::max(high, time);
        sum += time;
      }
      EXPECT_GE(low, range.first);
      EXPECT_LT(low, range.first + 1e-4);
      EXPECT_LT(high, range.last);
      EXPECT_GT(high, range.last - 1e-4);
      // Five standard errors of the mean.
      EXPECT_NEAR(sum / 200000, (range.first + range.last) / 2, 5 * .2887 / std::sqrt(200000));
    }
  }
}

TEST(UniformTimesTest, TheSameSeedGivesTheSameTimes) {
  Generator a(3), b(3), c(4);
  const TimeRange range = {0, 1 - 1e-5};
  const std::vector<float> first = UniformTimes(100, range, a).ToVector<float>();
  EXPECT_EQ(first, UniformTimes(100, range, b).ToVector<float>());
  EXPECT_NE(first, UniformTimes(100, range, c).ToVector<float>());
  EXPECT_NE(first, UniformTimes(100, range, a).ToVector<float>());
}

TEST(UniformTimesTest, MisuseIsNamed) {
  Generator generator(5);
  EXPECT_EQ(ErrorText([&] {
              UniformTimes(3, {1, 0}, generator);
            }),
            "UniformTimes: range from 1 to 0, expected first < last");
  EXPECT_EQ(ErrorText([&] {
              UniformTimes(3, {0, std::nan("")}, generator);
            }),
            "UniformTimes: range from 0 to nan, expected first < last");
}

// E[sigma'^2] diverges on these paths; cut at 1 - 1e-5 it is a logarithm, and training targets stay
// moderate.
TEST(UniformTimesTest, TargetsOfSingularPathsStayFinite) {
  for (const char* name : {"vp", "linear_vp"}) {
    const auto scheduler = SchedulerByName(name).value();
    const AffinePath path(scheduler);
    Generator generator(6);
    double mean = 0;
    for (int i = 0; i < 20; ++i) {
      const Tensor x0 = autograd::Randn({10000, 2}, generator);
      const Tensor t = UniformTimes(10000, scheduler->training_times(), generator);
      const PathSample sample = path.Sample(x0, ZerosLike(x0), t);
      const double square = Mean(sample.dx_t * sample.dx_t, {}).item();
      ASSERT_TRUE(std::isfinite(square)) << name;
      mean += square / 20;
    }
    // The integral of sigma'^2 over [0, 1 - 1e-5], by the substitution that makes its integrand
    // smooth: t = 1 - e^-y.
    const double last = -std::log(1e-5);
    double wanted = 0;
    constexpr int kSteps = 100000;
    for (int i = 0; i < kSteps; ++i) {
      const double rest = std::exp(-(i + .5) * last / kSteps);
      wanted += std::pow(scheduler->At(1 - rest).d_sigma, 2) * rest * last / kSteps;
    }
    EXPECT_NEAR(mean / wanted, 1, .3) << name;
    EXPECT_LT(wanted, 10);
  }
}

}  // namespace
}  // namespace flowmatch
