#include "flowmatch/time/time_shift.h"

#include <cmath>
#include <limits>
#include <vector>

#include "autograd/ops/creation.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/slice.h"
#include "gtest/gtest.h"
#include "tests/flowmatch/testing/error_text.h"

namespace flowmatch {
namespace {

using autograd::DType;

const std::vector<double> kShifts = {.01, .5, 1, 1.7, 3, 12};

TEST(TimeShiftTest, IsTheShiftOfTheNoiseLevel) {
  for (const double shift : kShifts) {
    for (int i = 1; i < 100; ++i) {
      const double t = i / 100., level = 1 - t;
      const double shifted = ShiftTime(t, shift);
      EXPECT_NEAR(1 - shifted, shift * level / (1 + (shift - 1) * level), 1e-15);
      // The ratio of signal to noise is divided by the shift.
      EXPECT_NEAR(shifted / (1 - shifted) / (t / (1 - t) / shift), 1, 1e-12);
      EXPECT_EQ(shift > 1 ? shifted < t : shift < 1 ? shifted > t : shifted == t, true);
    }
    EXPECT_EQ(ShiftTime(0, shift), 0);
    EXPECT_EQ(ShiftTime(1, shift), 1);
    EXPECT_EQ(UnshiftTime(0, shift), 0);
    EXPECT_EQ(UnshiftTime(1, shift), 1);
  }
  EXPECT_EQ(ShiftTime(.5, 3), .25);
}

TEST(TimeShiftTest, ItsExponentialForm) {
  for (const double mu : {-2., 0., .5, 1.15}) {
    const double shift = ShiftOfExponent(mu);
    EXPECT_DOUBLE_EQ(shift, std::exp(mu));
    for (const double t : {.1, .5, .93}) {
      // e^mu / (e^mu + (1 / sigma - 1)) at the noise level sigma = 1 - t.
      const double level = std::exp(mu) / (std::exp(mu) + (1 / (1 - t) - 1));
      EXPECT_NEAR(1 - ShiftTime(t, shift), level, 1e-15);
    }
  }
}

TEST(TimeShiftTest, TheInverseUndoesIt) {
  for (const double shift : kShifts) {
    for (const double t : {1e-9, .001, .3, .5, .999, 1 - 1e-12}) {
      EXPECT_NEAR(UnshiftTime(ShiftTime(t, shift), shift), t, 1e-13);
      EXPECT_NEAR(ShiftTime(UnshiftTime(t, shift), shift), t, 1e-13);
    }
  }
}

TEST(TimeShiftTest, TwiceIsTheShiftSquared) {
  for (const double t : {.1, .5, .8}) {
    EXPECT_NEAR(ShiftTime(ShiftTime(t, 3), 2), ShiftTime(t, 6), 1e-15);
    EXPECT_GT(ShiftTime(t, 3) - ShiftTime(ShiftTime(t, 3), 3), .02);
  }
}

TEST(TimeShiftTest, OfTensors) {
  const std::vector<double> times = {0, .25, .5, .75, 1, .1};
  for (const double shift : kShifts) {
    const Tensor t = Tensor::FromVector(times, {2, 3});
    const Tensor shifted = ShiftTimes(t, shift);
    EXPECT_EQ(shifted.shape(), t.shape());
    for (size_t i = 0; i < times.size(); ++i) {
      EXPECT_EQ(shifted.ToVector<double>()[i], ShiftTime(times[i], shift));
    }
    EXPECT_EQ(t.ToVector<double>(), times);
    const Tensor strided = ShiftTimes(Slice(Reshape(t, {6}), 0, 0, 6, 2), shift);
    EXPECT_EQ(strided.at<double>({2}), ShiftTime(1, shift));
  }
  const Tensor single = ShiftTimes(Tensor::FromVector<float>({.5f, .3f}, {2}), 3);
  EXPECT_EQ(single.dtype(), DType::kF32);
  EXPECT_EQ(single.at<float>({0}), .25f);
  EXPECT_EQ(single.at<float>({1}), static_cast<float>(ShiftTime(static_cast<double>(.3f), 3)));
}

TEST(TimeShiftTest, MisuseIsNamed) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(ErrorText([] { ShiftTime(.5, 0); }),
            "ShiftTime: shift is 0, expected a finite number above 0");
  EXPECT_EQ(ErrorText([] { ShiftTime(.5, kInfinity); }),
            "ShiftTime: shift is inf, expected a finite number above 0");
  EXPECT_EQ(ErrorText([] { ShiftTime(1.5, 2); }), "ShiftTime: t is 1.5, expected 0 to 1");
  EXPECT_EQ(ErrorText([] { UnshiftTime(std::nan(""), 2); }),
            "UnshiftTime: t is nan, expected 0 to 1");
  EXPECT_EQ(ErrorText([] { UnshiftTime(.5, -1); }),
            "UnshiftTime: shift is -1, expected a finite number above 0");
  EXPECT_EQ(ErrorText([] { ShiftOfExponent(1000); }),
            "ShiftOfExponent: mu is 1000, and its shift e^mu inf");
  EXPECT_EQ(ErrorText([] {
              ShiftTimes(Tensor::FromVector<float>({.5f, -1}, {2}), 2);
            }),
            "ShiftTimes: t is -1, expected 0 to 1");
  EXPECT_EQ(ErrorText([] { ShiftTimes(autograd::Zeros({0}), 0); }),
            "ShiftTimes: shift is 0, expected a finite number above 0");
  EXPECT_EQ(ErrorText([] { ShiftTimes(autograd::Zeros({2}, DType::kI64), 2); }),
            "ShiftTimes: t is [2] i64, expected f32 or f64");
}

}  // namespace
}  // namespace flowmatch
