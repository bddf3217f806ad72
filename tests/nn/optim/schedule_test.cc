#include "nn/optim/schedule.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace nn {
namespace {

TEST(Schedule, Constant) {
  EXPECT_EQ(ConstantSchedule(0.1)(0), 0.1);
  EXPECT_EQ(ConstantSchedule(0.1)(1000), 0.1);
}

TEST(Schedule, WarmupRisesFromZeroAndScalesWhatFollows) {
  const Schedule rate = WarmupSchedule(4, StepSchedule(0.8, 10, 0.5));
  EXPECT_DOUBLE_EQ(rate(0), 0);
  EXPECT_DOUBLE_EQ(rate(1), 0.2);
  EXPECT_DOUBLE_EQ(rate(4), 0.8);
  EXPECT_DOUBLE_EQ(rate(10), 0.4);
}

// PyTorch 1.13: CosineAnnealingLR(optimizer, 10, eta_min=0.1) on a rate of 0.5, get_last_lr() in
// steps 0, 1, 3, 5, 7 and 10.
TEST(Schedule, CosineIsThatOfPyTorch) {
  const Schedule rate = CosineSchedule(0.5, 10, 0.1);
  const std::pair<int64_t, double> expected[] = {
      {0, 0.5}, {1, 0.4902113032590307}, {3, 0.4175570504584947},
      {5, 0.3}, {7, 0.1824429495415054}, {10, 0.1}};
  for (const auto& [step, value] : expected) EXPECT_NEAR(rate(step), value, 1e-15) << step;
  EXPECT_NEAR(rate(11), 0.1, 1e-15);
  EXPECT_NEAR(CosineSchedule(1, 100)(100), 0, 1e-15);
}

TEST(Schedule, StepFallsAfterEachPeriod) {
  const Schedule rate = StepSchedule(1, 3);
  EXPECT_DOUBLE_EQ(rate(2), 1);
  EXPECT_DOUBLE_EQ(rate(3), 0.1);
  EXPECT_DOUBLE_EQ(rate(8), 0.01);
}

TEST(Schedule, FewerThanOneStepIsRefused) {
  EXPECT_THROW(WarmupSchedule(0, ConstantSchedule(1)), std::invalid_argument);
  EXPECT_THROW(CosineSchedule(1, 0), std::invalid_argument);
  EXPECT_THROW(StepSchedule(1, -1), std::invalid_argument);
}

}  // namespace
}  // namespace nn
