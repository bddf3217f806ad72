// The AMX table of weights' gradients, compiled with emulated tiles: whole convolutions against
// sums of products in f64; and with the processor's tiles, where it has them.
#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <vector>

#include "autograd/bfloat16.h"
#include "autograd/kernels/conv_pairs.h"
#include "autograd/kernels/conv_reference.h"
#include "autograd/parallel/parallel.h"
#include "tests/autograd/kernels/conv_bf16_images.h"
#include "tests/autograd/kernels/needs_isa.h"

namespace autograd::kernels {
namespace {

std::vector<ConvSize> Sizes() {
  // The layers of a UNet for images of 28 x 28; sizes of which tiles are no multiple.
  std::vector<ConvSize> sizes = {
      Layer(2, 28, 9, 32, 3, 1),  Layer(1, 28, 32, 32, 3, 1), Layer(1, 28, 32, 1, 3, 1),
      Layer(1, 28, 96, 32, 3, 1), Layer(1, 28, 96, 32, 1, 1), Layer(1, 28, 32, 32, 3, 2),
      Layer(2, 14, 64, 64, 3, 1), Layer(1, 14, 64, 64, 3, 2), Layer(9, 7, 64, 64, 3, 1),
      Layer(3, 7, 128, 64, 3, 1), Layer(1, 60, 17, 33, 3, 1), Layer(40, 1, 16, 20, 1, 1),
      Layer(70, 9, 5, 3, 3, 1),
  };
  std::mt19937 random(11);
  while (sizes.size() < 80) {
    const ConvSize s = RandomSize(&random);
    if (s.groups == 1) sizes.push_back(s);
  }
  return sizes;
}

class ConvPairsAmx : public testing::NeedsAvx512Bf16 {
 protected:
  void TearDown() override { SetNumThreads(before_); }
  const int before_ = NumThreads();
};

std::vector<float> Gradient(const ConvSize& s, const Images& images,
                            const ConvPairsKernels& kernels = kConvPairsAmxEmulated) {
  std::vector<float> dw(static_cast<size_t>(s.weights()), 9.0f);
  PairsWeightGradient(kernels, s, images.x.data(), images.dy.data(), dw.data());
  return dw;
}

TEST_F(ConvPairsAmx, WeightGradientIsTheSumOfOuterProducts) {
  for (const ConvSize& s : Sizes()) {
    SCOPED_TRACE(Name(s));
    const Images images(s);
    std::vector<double> expected(static_cast<size_t>(s.weights()));
    ForEachConvProduct(s, [&](int64_t x, int64_t w, int64_t y) {
      expected[static_cast<size_t>(w)] += At(images.dy, y) * At(images.x, x);
    });
    ExpectNear(Gradient(s, images), expected, s.batch * s.out_pixels());
    if (HasFatalFailure()) return;
  }
}

TEST_F(ConvPairsAmx, TheNumberOfThreadsChangesNoBit) {
  for (const ConvSize& s : {Layer(9, 14, 32, 40, 3, 1), Layer(1, 28, 64, 64, 3, 1)}) {
    SCOPED_TRACE(Name(s));
    const Images images(s);
    SetNumThreads(1);
    const auto one = Gradient(s, images);
    SetNumThreads(3);
    EXPECT_EQ(Gradient(s, images), one);
  }
}

using ConvPairsTiles = testing::NeedsAmx;

TEST_F(ConvPairsTiles, ComputeWhatTheirEmulationDoes) {
  for (const ConvSize& s : Sizes()) {
    const Images images(s);
    EXPECT_EQ(Gradient(s, images, kConvPairsAmx), Gradient(s, images)) << Name(s);
  }
}

}  // namespace
}  // namespace autograd::kernels
