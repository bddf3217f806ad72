#include "nn/ema.h"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

#include "autograd/grad_mode.h"
#include "autograd/ops/inplace.h"
#include "autograd/parallel/parallel.h"

namespace nn {
namespace {

class EmaTest : public ::testing::Test {
 protected:
  void Set(double value) {
    const autograd::NoGrad guard;
    FillInPlace(w_, value);
  }
  float Average(const Ema& ema) { return ema.NamedParameters()[0].second.ToVector<float>()[0]; }

  Tensor w_ = Tensor::FromVector<float>({2, 2, 2}, {3}).set_requires_grad(true);
  ParameterBuffer parameters_{NamedTensors{{"net.w", w_}}};
};

TEST_F(EmaTest, ConstantDecayFollowsItsRecurrence) {
  Ema ema(parameters_, ConstantDecay(0.9));
  double expected = 2;
  for (int i = 0; i < 20; ++i) {
    Set(i);
    ema.Update();
    expected = 0.9 * expected + 0.1 * i;
    EXPECT_NEAR(Average(ema), expected, 1e-5);
  }
  EXPECT_EQ(ema.updates(), 20);
}

TEST_F(EmaTest, DecaysOfTheFirstUpdates) {
  const EmaDecay warmup = WarmupDecay(0.5);
  EXPECT_DOUBLE_EQ(warmup(0), 0.1);
  EXPECT_DOUBLE_EQ(warmup(2), 0.25);
  EXPECT_DOUBLE_EQ(warmup(100), 0.5);
  const EmaDecay power = PowerDecay(2, 0.75, 0.99);
  EXPECT_DOUBLE_EQ(power(0), 0);
  EXPECT_DOUBLE_EQ(power(6), 1 - std::pow(4, -0.75));
  EXPECT_DOUBLE_EQ(power(1000000), 0.99);
}

// With decay 1 - (1 + n)^-1 every value weighs the same.
TEST_F(EmaTest, PowerOneIsTheMean) {
  Ema ema(parameters_, PowerDecay(1, 1));
  for (int i = 1; i <= 10; ++i) {
    Set(i);
    ema.Update();
  }
  EXPECT_NEAR(Average(ema), 5.5, 1e-5);
}

TEST_F(EmaTest, SwapExchangesAndRestores) {
  Ema ema(parameters_, ConstantDecay(0.5));
  Set(4);
  ema.Update();
  const uint32_t version = w_.version();
  {
    const UseAverage averaged(ema);
    EXPECT_EQ(w_.ToVector<float>(), std::vector<float>(3, 3));
    EXPECT_NE(w_.version(), version);
    EXPECT_TRUE(ema.swapped());
    EXPECT_THROW(ema.Update(), std::logic_error);
    EXPECT_THROW(ema.StateDict(), std::logic_error);
  }
  EXPECT_EQ(w_.ToVector<float>(), std::vector<float>(3, 4));
  EXPECT_EQ(Average(ema), 3);
}

TEST_F(EmaTest, StateContinues) {
  Ema a(parameters_, WarmupDecay(0.99)), b(parameters_, WarmupDecay(0.99));
  Set(5);
  a.Update();
  a.Update();
  ASSERT_TRUE(b.LoadStateDict(a.StateDict()).ok());
  EXPECT_EQ(b.updates(), 2);
  Set(-3);
  a.Update();
  b.Update();
  EXPECT_EQ(Average(a), Average(b));
  EXPECT_EQ(a.StateDict().back().first, "num_updates");
  EXPECT_FALSE(b.LoadStateDict(a.NamedParameters()).ok());
}

TEST_F(EmaTest, BadDecaysAreRefused) {
  EXPECT_THROW(ConstantDecay(1.1), std::invalid_argument);
  EXPECT_THROW(WarmupDecay(-0.1), std::invalid_argument);
  EXPECT_THROW(PowerDecay(0, 1), std::invalid_argument);
  EXPECT_THROW(PowerDecay(1, 0), std::invalid_argument);
  EXPECT_THROW(PowerDecay(1, 1, NAN), std::invalid_argument);
}

TEST(Ema, SameBytesOnAnyNumberOfThreadsAndInF64) {
  const int before = autograd::NumThreads();
  std::vector<double> serial;
  for (const int threads : {1, 2, 3, 16}) {
    autograd::SetNumThreads(threads);
    std::vector<double> values(100003);
    for (size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<double>(i));
    Tensor w = Tensor::FromVector(values, {100003});
    ParameterBuffer parameters(NamedTensors{{"w", w}});
    Ema ema(parameters, ConstantDecay(0.3));
    FillInPlace(w, 1);
    ema.Update();
    const UseAverage averaged(ema);
    if (threads == 1) serial = w.ToVector<double>();
    EXPECT_NEAR(serial[2], 0.3 * values[2] + 0.7, 1e-15);
    EXPECT_EQ(w.ToVector<double>(), serial);
  }
  autograd::SetNumThreads(before);
}

}  // namespace
}  // namespace nn
