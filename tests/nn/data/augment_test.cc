// Augmentations: every image is one of those it may become, each as often as it should be.
#include "nn/data/augment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <stdexcept>
#include <vector>

#include "autograd/ops/creation.h"
#include "autograd/ops/pad.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/slice.h"

namespace nn {
namespace {

using autograd::DType;
using autograd::Generator;
using autograd::Tensor;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

// `count` times the same image of two channels, no two of whose numbers are equal.
Tensor Images(int64_t count, int64_t height, int64_t width) {
  const int64_t size = height * width * 2;
  const Tensor image = Reshape(autograd::Arange(1, static_cast<double>(size + 1)),
                               autograd::Shape{1, height, width, 2});
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i) {
    const std::vector<float> one = image.ToVector<float>();
    values.insert(values.end(), one.begin(), one.end());
  }
  return Tensor::FromVector(values, {count, height, width, 2});
}

// How often each image occurs.
std::map<std::vector<float>, int> Count(const Tensor& images) {
  std::map<std::vector<float>, int> counts;
  for (int64_t i = 0; i < images.size(0); ++i) {
    ++counts[Slice(images, 0, i, i + 1).ToVector<float>()];
  }
  return counts;
}

TEST(RandomHorizontalFlip, MirrorsAboutAsManyAsAskedFor) {
  const Tensor images = Images(2000, 3, 5);
  const Tensor one = Images(1, 3, 5);
  for (const double probability : {0.0, 0.2, 1.0}) {
    Generator generator(1);
    auto counts = Count(RandomHorizontalFlip(images, generator, probability));
    EXPECT_LE(counts.size(), 2);
    const int mirrored = counts[Flip(one, {2}).ToVector<float>()];
    EXPECT_NEAR(mirrored, 2000 * probability, 90 * probability * (1 - probability) * 6);
    EXPECT_EQ(counts[one.ToVector<float>()], 2000 - mirrored);
  }
  EXPECT_EQ(images.ToVector<float>(), Images(2000, 3, 5).ToVector<float>());
}

TEST(RandomCrop, TakesEveryPartOfThePaddedImageEquallyOften) {
  const Tensor one = Images(1, 3, 4);
  const Tensor padded = Pad(one, {0, 1, 1, 0}, {0, 1, 1, 0}, -1);  // [1, 5, 6, 2]
  Generator generator(2);
  const RandomCropOptions options = {.height = 4, .width = 3, .padding = 1, .fill = -1};
  const Tensor crops = RandomCrop(Images(4000, 3, 4), generator, options);
  EXPECT_EQ(crops.shape(), (autograd::Shape{4000, 4, 3, 2}));
  auto counts = Count(crops);
  EXPECT_EQ(counts.size(), 2 * 4);
  for (int64_t top = 0; top < 2; ++top) {
    for (int64_t left = 0; left < 4; ++left) {
      const Tensor part = Slice(Slice(padded, 1, top, top + 4), 2, left, left + 3);
      EXPECT_NEAR(counts[part.ToVector<float>()], 500, 105) << top << " " << left;
    }
  }
}

TEST(RandomShift, MovesAndFills) {
  const Tensor one = Images(1, 2, 2);
  const Tensor padded = Pad(one, {0, 3, 3, 0}, {0, 3, 3, 0}, 9);
  Generator generator(3);
  const Tensor shifted = RandomShift(Images(5000, 2, 2), 3, generator, 9);
  EXPECT_EQ(shifted.shape(), (autograd::Shape{5000, 2, 2, 2}));
  std::map<std::vector<float>, int> allowed;
  for (int64_t top = 0; top < 7; ++top) {
    for (int64_t left = 0; left < 7; ++left) {
      ++allowed[Slice(Slice(padded, 1, top, top + 2), 2, left, left + 2).ToVector<float>()];
    }
  }
  // The image may move out of sight in 40 of the 49 ways.
  auto counts = Count(shifted);
  EXPECT_EQ(counts.size(), allowed.size());
  for (const auto& [image, ways] : allowed) EXPECT_NEAR(counts[image] / 5000.0, ways / 49.0, 0.035);
  // By 0 pixels everything stays.
  EXPECT_EQ(RandomShift(one, 0, generator).ToVector<float>(), one.ToVector<float>());
}

TEST(Augment, TakesViewsAndOtherTypesAndLeavesNoGraph) {
  Generator a(1), b(1);
  const Tensor turned = Transpose(Images(3, 4, 5), 1, 2);
  const Tensor dense = Tensor::FromVector(turned.ToVector<float>(), turned.shape());
  EXPECT_EQ(RandomShift(turned, 1, a).ToVector<float>(),
            RandomShift(dense, 1, b).ToVector<float>());
  EXPECT_EQ(RandomHorizontalFlip(turned, a).ToVector<float>(),
            RandomHorizontalFlip(dense, b).ToVector<float>());
  const Tensor bytes = Tensor::FromVector<uint8_t>({1, 2, 3}, {1, 1, 3, 1});
  EXPECT_EQ(RandomHorizontalFlip(bytes, a, 1).ToVector<uint8_t>(), (std::vector<uint8_t>{3, 2, 1}));
  EXPECT_EQ(RandomCrop(bytes, a, {.width = 9, .padding = 3, .fill = 255}).ToVector<uint8_t>(),
            (std::vector<uint8_t>{255, 255, 255, 1, 2, 3, 255, 255, 255}));
  Tensor leaf = autograd::Ones({1, 2, 2, 1}).set_requires_grad(true);
  EXPECT_FALSE(RandomShift(leaf, 1, a).requires_grad());
  EXPECT_FALSE(RandomHorizontalFlip(leaf, a).requires_grad());
  EXPECT_EQ(RandomShift(autograd::Zeros({0, 2, 2, 1}), 1, a).shape(),
            (autograd::Shape{0, 2, 2, 1}));
}

TEST(Augment, SaysWhatDoesNotFit) {
  Generator generator(1);
  const Tensor images = Images(2, 3, 4);
  EXPECT_THAT(
      [&] {
        RandomHorizontalFlip(autograd::Ones({2, 3, 4}), generator);
      },
      ThrowsMessage<std::invalid_argument>(
          "RandomHorizontalFlip: wants images [batch, height, width, channels], got [2, 3, "
          "4] f32"));
  EXPECT_THROW(RandomShift(Tensor(), 1, generator), std::invalid_argument);
  EXPECT_THAT([&] { RandomCrop(images, generator, {.height = 6, .padding = 1}); },
              ThrowsMessage<std::invalid_argument>(
                  "RandomCrop: cannot cut 6 rows and 4 columns out of [2, 3, 4, 2] f32 with a "
                  "padding of 1"));
  EXPECT_THAT([&] { RandomShift(images, -1, generator); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("RandomShift: cannot cut")));
  EXPECT_THROW(RandomCrop(images, generator, {.height = -1}), std::invalid_argument);
  EXPECT_THROW(RandomShift(images, std::numeric_limits<int64_t>::max(), generator),
               std::invalid_argument);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double bad : {-0.1, 1.1, nan}) {
    EXPECT_THROW(RandomHorizontalFlip(images, generator, bad), std::invalid_argument);
  }
  EXPECT_THROW(RandomShift(autograd::Zeros({1, 2, 2, 1}, DType::kU8), 1, generator, -1),
               std::invalid_argument);
}

}  // namespace
}  // namespace nn
