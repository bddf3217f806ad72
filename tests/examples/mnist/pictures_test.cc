#include "examples/mnist/pictures.h"

#include <cmath>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "autograd/ops/creation.h"
#include "gtest/gtest.h"
#include "tests/examples/plot/decode_png.h"

namespace examples::mnist {
namespace {

using autograd::Tensor;
using plot::Image;

std::string Path(const std::string& name) { return testing::TempDir() + "/" + name; }

Image Read(const std::string& name) {
  std::ifstream file(Path(name), std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  std::optional<Image> image = plot::DecodePng(bytes);
  EXPECT_TRUE(image.has_value()) << name;
  return image.value_or(Image(1, 1));
}

// Number of pixels of exactly this grey.
int Count(const Image& image, int grey) {
  int count = 0;
  for (size_t i = 0; i < image.rgb.size(); i += 3) {
    if (image.rgb[i] == grey && image.rgb[i + 1] == grey && image.rgb[i + 2] == grey) ++count;
  }
  return count;
}

// Images of one value each.
Tensor Flat(const std::vector<float>& values) {
  std::vector<float> pixels;
  for (const float value : values) pixels.insert(pixels.end(), 28 * 28, value);
  return Tensor::FromVector(pixels, {static_cast<int64_t>(values.size()), 28, 28, 1});
}

TEST(PicturesTest, LabelNames) {
  EXPECT_EQ(LabelName(0), "null");
  EXPECT_EQ(LabelName(1), "0");
  EXPECT_EQ(LabelName(10), "9");
}

TEST(PicturesTest, TheGridHasEachImageLargeAndClipped) {
  // Levels of their own, so that each image can be found in the picture.
  std::vector<float> values;
  std::vector<int64_t> labels;
  for (int i = 0; i < 22; ++i) values.push_back(-.79f + .05f * static_cast<float>(i));
  values[3] = -7;
  for (int i = 0; i < 11; ++i) labels.push_back(i);
  ASSERT_TRUE(DrawGrid(Flat(values), labels, "Digits", Path("grid.png")).ok());
  const Image image = Read("grid.png");
  for (size_t i = 0; i < values.size(); ++i) {
    const int grey = static_cast<int>(std::lround(std::max(0.0f, (values[i] + 1) / 2) * 255));
    // At least twice as wide and high as the image itself.
    EXPECT_GE(Count(image, grey), 4 * 28 * 28) << i;
    EXPECT_LE(Count(image, grey), 16 * 28 * 28) << i;
  }
}

TEST(PicturesTest, TheFlowHasARowForEachLabel) {
  const std::vector<int64_t> labels = {0, 4};
  ASSERT_TRUE(DrawFlow({Flat({-.5f, 0}), Flat({.25f, .5f}), Flat({.75f, -.25f})}, {0, .5, 1},
                       labels, "Flow", Path("flow.png"))
                  .ok());
  const Image image = Read("flow.png");
  const auto left_of = [&image](float value) {
    const int grey = static_cast<int>(std::lround((value + 1) / 2 * 255));
    for (int x = 0; x < image.width; ++x) {
      for (int y = 0; y < image.height; ++y) {
        const uint8_t* p = image.at(x, y);
        // Letters have greys, too, but not in an area.
        if (x + 9 < image.width && p[0] == grey && image.at(x + 9, y)[0] == grey) {
          return std::pair(x, y);
        }
      }
    }
    return std::pair(-1, -1);
  };
  EXPECT_EQ(left_of(-.5f).second, left_of(.25f).second);
  EXPECT_LT(left_of(-.5f).first, left_of(.25f).first);
  EXPECT_LT(left_of(.25f).first, left_of(.75f).first);
  EXPECT_EQ(left_of(-.5f).first, left_of(0).first);
  EXPECT_LT(left_of(-.5f).second, left_of(0).second);
}

TEST(PicturesTest, TheLossCurveAlsoOfShortRuns) {
  for (const size_t count : {1u, 3u, 700u}) {
    std::vector<float> losses;
    for (size_t i = 0; i < count; ++i) {
      losses.push_back(.2f + 1.7f * std::exp(-.03f * static_cast<float>(i)) +
                       .02f * static_cast<float>(std::sin(static_cast<double>(i) * 12.9)));
    }
    const std::string name = "loss" + std::to_string(count) + ".png";
    ASSERT_TRUE(DrawLoss(losses, {.24f, NAN, .22f}, 234, true, Path(name)).ok());
    EXPECT_GT(Count(Read(name), 255), 100000);
  }
}

TEST(PicturesTest, ErrorsNameThePath) {
  const absl::Status status = DrawGrid(Flat({0}), {0}, "Digit", Path("no_such_folder/grid.png"));
  EXPECT_NE(std::string(status.message()).find("no_such_folder/grid.png"), std::string::npos);
}

}  // namespace
}  // namespace examples::mnist
