#include "nn/norm.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "autograd/ops/activation.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/norm.h"
#include "nn/init.h"

namespace nn {
namespace {

TEST(GroupNormLayerTest, StartsAsTheIdentityAfterTheOperation) {
  Generator generator(1);
  const GroupNorm norm(2, 4);
  ASSERT_EQ(norm.NamedParameters().size(), 2u);
  EXPECT_EQ(norm.NamedParameters()[0].first, "weight");
  EXPECT_EQ(norm.NamedParameters()[1].first, "bias");
  const Tensor x = autograd::Randn({2, 3, 3, 4}, generator);
  EXPECT_EQ(norm.Forward(x).ToVector<float>(), autograd::GroupNorm(x, 2).ToVector<float>());
}

TEST(GroupNormLayerTest, OptionsReachTheOperation) {
  Generator generator(1);
  const GroupNorm norm(1, 4, {.eps = 0.5, .affine = false});
  EXPECT_EQ(norm.ParameterCount(), 0);
  const Tensor x = autograd::Randn({2, 3, 4}, generator);
  EXPECT_EQ(norm.Forward(x).ToVector<float>(),
            autograd::GroupNorm(x, 1, Tensor(), Tensor(), 0.5).ToVector<float>());
  const Tensor then = norm.ForwardThen(x, {Activation::kSilu});
  const Tensor wanted = autograd::Silu(norm.Forward(x));
  for (size_t i = 0; i < then.ToVector<float>().size(); ++i) {
    EXPECT_NEAR(then.ToVector<float>()[i], wanted.ToVector<float>()[i], 1e-6);
  }
}

TEST(GroupNormLayerTest, MisuseIsRefused) {
  EXPECT_THROW(GroupNorm(3, 4), std::invalid_argument);
  EXPECT_THROW(GroupNorm(0, 4), std::invalid_argument);
  EXPECT_THROW(GroupNorm(2, 4, {.eps = -1}), std::invalid_argument);
  EXPECT_THROW(GroupNorm(2, 4).Forward(autograd::Zeros({2, 6})), std::invalid_argument);
}

}  // namespace
}  // namespace nn
