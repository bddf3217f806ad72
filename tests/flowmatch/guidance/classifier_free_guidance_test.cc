#include "flowmatch/guidance/classifier_free_guidance.h"

#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "autograd/grad.h"
#include "autograd/grad_mode.h"
#include "autograd/gradcheck.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/cast.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/index.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/slice.h"
#include "gtest/gtest.h"
#include "tests/flowmatch/guidance/conditional_network.h"
#include "tests/flowmatch/testing/error_text.h"
#include "tests/flowmatch/testing/gaussian_flow.h"

namespace flowmatch {
namespace {

using autograd::DType;
using autograd::NoGrad;

const std::vector<double> kScales = {-1, 0, .5, 1, 2, 4, 7.5};

Tensor Labels(const std::vector<int64_t>& labels) {
  return Tensor::FromVector(labels, {static_cast<int64_t>(labels.size())});
}

// Points and times of a batch.
struct Batch {
  explicit Batch(int64_t n, DType dtype = DType::kF64) {
    autograd::Generator generator(2);
    x = autograd::Randn({n, 3}, generator, dtype);
    t = autograd::Rand({n}, generator, dtype);
  }
  Tensor x, t;
};

std::vector<double> Values(const Tensor& x) { return Cast(x, DType::kF64).ToVector<double>(); }

TEST(ClassifierFreeGuidanceTest, Scales0And1AreTheHalvesToTheBit) {
  for (const DType dtype : {DType::kF32, DType::kF64}) {
    const ConditionalNetwork network(dtype);
    const Batch b(5, dtype);
    const Tensor labels = Labels({3, 1, 0, 5, 5}), none = Labels({2, 2, 2, 2, 2});
    for (const double rescale : {0., .7}) {
      const auto guided = [&](double scale) {
        const GuidanceOptions options = {.scale = scale, .null_label = 2, .rescale = rescale};
        network.batches.clear();
        return ClassifierFreeGuidance(network.Velocity(), labels, options)(b.x, b.t);
      };
      const Tensor one = guided(1);
      EXPECT_EQ(network.batches, (std::vector<int64_t>{5}));
      EXPECT_EQ(Values(one), Values(network.Forward(b.x, b.t, labels)));
      const Tensor zero = guided(0);
      EXPECT_EQ(network.batches, (std::vector<int64_t>{5}));
      EXPECT_EQ(Values(zero), Values(network.Forward(b.x, b.t, none)));
    }
  }
}

TEST(ClassifierFreeGuidanceTest, OneCallOfTwiceTheBatch) {
  const ConditionalNetwork network;
  const Batch b(4);
  const Tensor labels = Labels({3, 1, 4, 5}), none = Labels({0, 0, 0, 0});
  const std::vector<double> v_c = Values(network.Forward(b.x, b.t, labels)),
                            v_u = Values(network.Forward(b.x, b.t, none));
  for (const double scale : {-1., .5, 2., 4.}) {
    network.batches.clear();
    const ClassifierFreeGuidance guided(network.Velocity(), labels, {.scale = scale});
    const std::vector<double> v = Values(guided(b.x, b.t));
    EXPECT_EQ(network.batches, (std::vector<int64_t>{8}));
    for (size_t i = 0; i < v.size(); ++i) {
      EXPECT_NEAR(v[i], v_u[i] + scale * (v_c[i] - v_u[i]), 1e-14);
    }
  }
}

TEST(ClassifierFreeGuidanceTest, OnlyWhatIsGuidedIsEvaluatedTwice) {
  const ConditionalNetwork network;
  const Batch b(5);
  const Tensor t = Tensor::FromVector<double>({.5, .5, .9, .5, .1}, {5});
  const Tensor labels = Labels({3, 0, 4, 5, 0}), none = Labels({0, 0, 0, 0, 0});
  const std::vector<double> v_c = Values(network.Forward(b.x, t, labels)),
                            v_u = Values(network.Forward(b.x, t, none));
  const auto evaluated = [&](double rescale, TimeRange interval) {
    network.batches.clear();
    const GuidanceOptions options = {.scale = 4, .interval = interval, .rescale = rescale};
    return Values(ClassifierFreeGuidance(network.Velocity(), labels, options)(b.x, t));
  };
  const std::vector<double> v = evaluated(0, {.2, .8});
  EXPECT_EQ(network.batches, (std::vector<int64_t>{7}));
  for (size_t i = 0; i < v.size(); ++i) {
    const bool guided = i / 3 == 0 || i / 3 == 3;
    EXPECT_NEAR(v[i], guided ? v_u[i] + 4 * (v_c[i] - v_u[i]) : v_c[i], 1e-14) << i;
  }
  const std::vector<double> rescaled = evaluated(1, {0, 1});
  EXPECT_EQ(network.batches, (std::vector<int64_t>{8}));
  for (size_t row : {size_t{0}, size_t{2}, size_t{3}}) {
    const auto spread = [&](const std::vector<double>& of) {
      const double *r = of.data() + 3 * row, mean = (r[0] + r[1] + r[2]) / 3;
      return std::hypot(r[0] - mean, r[1] - mean, r[2] - mean);
    };
    EXPECT_NEAR(spread(rescaled), spread(v_c), 1e-12) << row;
  }
}

// Whether alone, beside other labels, or along a whole trajectory.
TEST(ClassifierFreeGuidanceTest, TheNullLabelDoesNotDependOnTheScale) {
  const NoGrad guard;
  for (const DType dtype : {DType::kF32, DType::kF64}) {
    const ConditionalNetwork network(dtype);
    for (const std::vector<int64_t>& labels : {std::vector<int64_t>{0},
                                               {0, 0, 0},
                                               {0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5, 0},
                                               std::vector<int64_t>(44, 0)}) {
      const int64_t n = static_cast<int64_t>(labels.size());
      const Batch b(n, dtype);
      const auto column = [&](const Tensor& v) {
        std::vector<double> values;
        for (int64_t i = 0; i < n; ++i) {
          if (labels[static_cast<size_t>(i)] != 0) continue;
          for (const double value : Values(Select(v, 0, i))) values.push_back(value);
        }
        return values;
      };
      const auto guided = [&](double scale, double rescale) {
        return ClassifierFreeGuidance(network.Velocity(), Labels(labels),
                                      {.scale = scale, .rescale = rescale});
      };
      const auto flow = [&](double scale, double rescale) {
        return SolveOde(guided(scale, rescale), b.x, {0, 1},
                        {.method = OdeMethod::kHeun2, .steps = 5})
            .x;
      };
      for (const double rescale : {0., .7}) {
        for (const double scale : kScales) {
          EXPECT_EQ(column(guided(scale, rescale)(b.x, b.t)), column(guided(1, 0)(b.x, b.t)))
              << scale;
          EXPECT_EQ(column(flow(scale, rescale)), column(flow(1, 0))) << scale;
        }
      }
    }
  }
}

TEST(ClassifierFreeGuidanceTest, NullLabelsAloneNeedOneHalf) {
  const ConditionalNetwork network;
  const Batch b(3);
  ClassifierFreeGuidance(network.Velocity(), Labels({0, 0, 0}), {.scale = 4})(b.x, b.t);
  EXPECT_EQ(network.batches, (std::vector<int64_t>{3}));
  // And an empty batch none at all.
  const Batch empty(0);
  const ClassifierFreeGuidance guided(
      [](const Tensor& x, const Tensor&, const Tensor&) { return x; }, Labels({}), {.scale = 4});
  EXPECT_EQ(guided(empty.x, empty.t).shape(), (autograd::Shape{0, 3}));
}

// Sample by sample, each at its own time.
TEST(ClassifierFreeGuidanceTest, OutsideTheIntervalThereIsNoGuidance) {
  for (const DType dtype : {DType::kF32, DType::kF64}) {
    const ConditionalNetwork network(dtype);
    const Batch b(6, dtype);
    // The ends belong to the interval, though f32 has neither of them.
    const Tensor t = Cast(Tensor::FromVector<double>({.2999, .3, .31, .7, .71, .5}, {6}), dtype);
    const Tensor labels = Labels({1, 2, 3, 4, 5, 0});
    const auto guided = [&](double scale, const TimeRange& interval) {
      return ClassifierFreeGuidance(network.Velocity(), labels,
                                    {.scale = scale, .interval = interval});
    };
    const auto row = [](const Tensor& v, int64_t i) { return Values(Select(v, 0, i)); };
    const Tensor plain = guided(1, {0, 1})(b.x, t), none = guided(0, {0, 1})(b.x, t);
    for (const double scale : {0., 3.}) {
      const Tensor v = guided(scale, {.3, .7})(b.x, t), full = guided(scale, {0, 1})(b.x, t);
      for (const int64_t i : {0, 4, 5}) EXPECT_EQ(row(v, i), row(plain, i)) << i;
      for (const int64_t i : {1, 2, 3}) {
        EXPECT_EQ(row(v, i), row(full, i)) << i;
        EXPECT_NE(row(v, i), row(plain, i)) << i;
      }
    }
    // Where nobody is guided, one half is enough.
    network.batches.clear();
    EXPECT_EQ(Values(guided(3, {.9, 1})(b.x, t)), Values(plain));
    EXPECT_EQ(network.batches, (std::vector<int64_t>{6}));
    EXPECT_EQ(Values(guided(0, {.9, 1})(b.x, t)), Values(plain));
    EXPECT_EQ(row(none, 5), row(plain, 5));
  }
}

double Deviation(const std::vector<double>& values) {
  double mean = 0, squares = 0;
  for (const double value : values) mean += value / static_cast<double>(values.size());
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

TEST(ClassifierFreeGuidanceTest, RescaleBringsBackTheSpreadOfEachSample) {
  const ConditionalNetwork network;
  const Batch b(4);
  const Tensor labels = Labels({1, 2, 3, 4});
  const auto guided = [&](double scale, double rescale) {
    // As images of rank 4.
    const ConditionalVelocity velocity = [&](const Tensor& x, const Tensor& t, const Tensor& l) {
      return Reshape(network.Forward(Reshape(x, {x.size(0), 3}), t, l), x.shape());
    };
    return ClassifierFreeGuidance(velocity, labels, {.scale = scale, .rescale = rescale})(
        Reshape(b.x, {4, 1, 3, 1}), b.t);
  };
  const Tensor v_c = guided(1, 0), v = guided(5, 0);
  for (const double phi : {.3, .7, 1.}) {
    const Tensor rescaled = guided(5, phi);
    for (int64_t i = 0; i < 4; ++i) {
      const std::vector<double> plain = Values(Select(v, 0, i)),
                                found = Values(Select(rescaled, 0, i));
      const double wanted = Deviation(Values(Select(v_c, 0, i)));
      for (size_t j = 0; j < plain.size(); ++j) {
        EXPECT_NEAR(found[j], phi * plain[j] * wanted / Deviation(plain) + (1 - phi) * plain[j],
                    1e-13);
      }
      if (phi == 1) {
        EXPECT_NEAR(Deviation(found), wanted, 1e-13);
      }
    }
  }
}

// A single number, or a constant image, has no spread to bring back, and its gradient is finite.
TEST(ClassifierFreeGuidanceTest, RescaleLeavesWhatHasNoSpread) {
  const ConditionalVelocity velocity = [](const Tensor& x, const Tensor&, const Tensor& labels) {
    autograd::Shape shape = autograd::Dims::Filled(x.rank(), 1);
    shape[0] = x.size(0);
    return x * Reshape(Cast(labels, DType::kF64), shape);
  };
  for (const autograd::Shape& shape : {autograd::Shape{2}, {2, 1}, {2, 2, 2}}) {
    Tensor x = autograd::Full(shape, 1.5, DType::kF64).set_requires_grad(true);
    const ClassifierFreeGuidance guided(velocity, Labels({1, 2}), {.scale = 3, .rescale = .6});
    const Tensor v = guided(x, autograd::Zeros({2}, DType::kF64));
    for (const double value : Values(Select(v, 0, 0))) EXPECT_DOUBLE_EQ(value, 4.5);
    for (const double value : Values(Select(v, 0, 1))) EXPECT_DOUBLE_EQ(value, 9);
    Backward(Sum(v));
    for (const double value : Values(x.grad())) EXPECT_TRUE(std::isfinite(value));
  }
}

TEST(ClassifierFreeGuidanceTest, Gradients) {
  const ConditionalNetwork network;
  const Tensor x = Batch(4).x;
  const Tensor t = Tensor::FromVector<double>({.1, .5, .6, .7}, {4});
  const auto function = [&](const std::vector<Tensor>& in) {
    // The model with another table of labels.
    const ConditionalVelocity velocity = [&](const Tensor& point, const Tensor& time,
                                             const Tensor& labels) {
      return network.Forward(point * IndexSelect(in[1], 0, labels), time, labels);
    };
    // A sample outside the interval, two guided ones, and a null label.
    const ClassifierFreeGuidance guided(velocity, Labels({1, 2, 3, 0}),
                                        {.scale = 3, .interval = {.3, 1}, .rescale = .5});
    return std::vector<Tensor>{guided(in[0], t)};
  };
  const Tensor factors = Slice(network.embedding().Detach(), 1, 0, 3);
  const autograd::GradCheckReport first = autograd::GradCheck(function, {x, factors});
  EXPECT_TRUE(first.ok) << first.message;
  const autograd::GradCheckReport second = autograd::GradGradCheck(function, {x, factors});
  EXPECT_TRUE(second.ok) << second.message;
}

TEST(ClassifierFreeGuidanceTest, NothingIsRecordedWithoutGradients) {
  const ConditionalNetwork network;
  const Batch b(2);
  const ClassifierFreeGuidance guided(network.Velocity(), Labels({1, 2}),
                                      {.scale = 2, .rescale = .5});
  const Tensor recorded = guided(b.x, b.t);
  EXPECT_TRUE(recorded.requires_grad());
  const NoGrad guard;
  const Tensor plain = guided(b.x, b.t);
  EXPECT_FALSE(plain.requires_grad());
  EXPECT_EQ(Values(plain), Values(recorded));
}

// The velocity of N(m, s^2) is linear in m, so guidance between normals of one s leads to the
// normal around m_u + scale (m_c - m_u).
TEST(ClassifierFreeGuidanceTest, ExtrapolatesBetweenGaussians) {
  const std::vector<double> means = {.2, -1.5, 2.5};
  const ConditionalVelocity velocity = [&](const Tensor& x, const Tensor& t, const Tensor& labels) {
    const auto field = [&](double mean) {
      return GaussianFlow{std::make_shared<CosineScheduler>(), mean, .4}.Field()(x, t);
    };
    const Tensor zero = field(0), slope = field(1) - zero;
    const Tensor table = Tensor::FromVector(means, {3, 1});
    return zero + slope * IndexSelect(table, 0, labels);
  };
  const NoGrad guard;
  const Tensor x = Tensor::FromVector<double>({-.7, .1, 1.3}, {3, 1});
  for (const double scale : kScales) {
    const ClassifierFreeGuidance guided(velocity, Labels({0, 1, 2}), {.scale = scale});
    const Tensor found =
        SolveOde(guided, x, {0, 1}, {.method = OdeMethod::kDopri5, .rtol = 1e-9, .atol = 1e-9}).x;
    for (int64_t i = 0; i < 3; ++i) {
      const double mean = means[0] + scale * (means[static_cast<size_t>(i)] - means[0]);
      EXPECT_NEAR(found.at<double>({i, 0}), mean + .4 * x.at<double>({i, 0}), 1e-7) << scale;
    }
  }
}

TEST(ClassifierFreeGuidanceTest, LabelsAreCopied) {
  const ConditionalNetwork network;
  const Batch b(2);
  Tensor labels = Tensor::FromVector<int32_t>({1, 2}, {2});
  const ClassifierFreeGuidance guided(network.Velocity(), labels, {.scale = 2});
  const std::vector<double> before = Values(guided(b.x, b.t));
  labels.mutable_data<int32_t>()[0] = 5;
  EXPECT_EQ(Values(guided(b.x, b.t)), before);
  // Labels of 64 bits mean the same.
  const ClassifierFreeGuidance wide(network.Velocity(), Labels({1, 2}), {.scale = 2});
  EXPECT_EQ(Values(wide(b.x, b.t)), before);
  EXPECT_EQ(wide.options().scale, 2);
}

TEST(ClassifierFreeGuidanceTest, MisuseIsNamed) {
  const ConditionalVelocity identity = [](const Tensor& x, const Tensor&, const Tensor&) {
    return x;
  };
  const std::string name = "ClassifierFreeGuidance: ";
  const auto error = [&](const Tensor& labels, const GuidanceOptions& options = {}) {
    return ErrorText([&] { ClassifierFreeGuidance(identity, labels, options); });
  };
  EXPECT_EQ(ErrorText([] { ClassifierFreeGuidance({}, Labels({1})); }),
            name + "there is no velocity to guide");
  EXPECT_EQ(error(Tensor()), name + "labels are undefined, expected i32 or i64 [B]");
  EXPECT_EQ(error(autograd::Zeros({2})), name + "labels are [2] f32, expected i32 or i64 [B]");
  EXPECT_EQ(error(autograd::Zeros({2, 1}, DType::kI64)),
            name + "labels are [2, 1] i64, expected i32 or i64 [B]");
  EXPECT_EQ(error(autograd::Zeros({2}, DType::kI32), {.null_label = int64_t{1} << 40}),
            name + "i32 does not hold the null label 1099511627776");
  const Tensor labels = Labels({1, 2});
  EXPECT_EQ(error(labels, {.scale = std::numeric_limits<double>::infinity()}),
            name + "scale is inf, expected a finite number");
  EXPECT_EQ(error(labels, {.interval = {.7, .3}}),
            name + "interval from 0.7 to 0.3, expected first <= last");
  EXPECT_EQ(error(labels, {.interval = {0, std::nan("")}}),
            name + "interval from 0 to nan, expected first <= last");
  EXPECT_EQ(error(labels, {.rescale = 1.1}), name + "rescale is 1.1, expected 0 to 1");

  const auto call_error = [&](const ConditionalVelocity& v, const Tensor& x, const Tensor& t) {
    return ErrorText([&] { ClassifierFreeGuidance(v, labels, {.scale = 3})(x, t); });
  };
  const std::string wants = name +
                            "wants x [B, ...], f32 or f64, and t [B] of its dtype, for labels [2] "
                            "i64; got ";
  EXPECT_EQ(call_error(identity, autograd::Zeros({3, 1}), autograd::Zeros({3})),
            wants + "[3, 1] f32 and [3] f32");
  EXPECT_EQ(call_error(identity, autograd::Zeros({2, 1}), autograd::Zeros({2}, DType::kF64)),
            wants + "[2, 1] f32 and [2] f64");
  EXPECT_EQ(call_error(identity, autograd::Zeros({2, 1}), Tensor()),
            wants + "[2, 1] f32 and undefined");
  const ConditionalVelocity half = [](const Tensor& x, const Tensor&, const Tensor&) {
    return Slice(x, 0, 0, 2);
  };
  EXPECT_EQ(call_error(half, autograd::Zeros({2, 1}), autograd::Zeros({2})),
            name + "the velocity at [4, 1] f32 is [2, 1] f32");
}

}  // namespace
}  // namespace flowmatch
