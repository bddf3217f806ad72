#include <limits>
#include <utility>
#include <vector>

#include "examples/plot/figure.h"
#include "gtest/gtest.h"
#include "tests/examples/plot/find_color.h"

namespace examples::plot {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Small square markers of one colour at known places tell where data lands.
Found MarkerAt(double x, double y, double x_hi, double y_hi, bool log = false) {
  Figure figure(400, 300);
  const std::vector<double> xs = {x}, ys = {y};
  figure.At(0, 0)
      .Scatter(xs, ys, {.color = kRed, .radius = 3})
      .XLimits(0, x_hi)
      .YLimits(log ? 1 : 0, y_hi)
      .LogY(log);
  return Find(Draw(figure), kRed);
}

TEST(ArtistTest, DataLandsInProportion) {
  const Found low = MarkerAt(1, 1, 10, 10), middle = MarkerAt(5, 5, 10, 10),
              high = MarkerAt(9, 9, 10, 10);
  EXPECT_NEAR(middle.x0 - low.x0, high.x0 - middle.x0, 1);
  EXPECT_NEAR(low.y0 - middle.y0, middle.y0 - high.y0, 1);
  EXPECT_GT(high.x0 - low.x0, 200);
  EXPECT_GT(low.y0 - high.y0, 150);
}

TEST(ArtistTest, LogarithmicAxisSpacesDecadesEvenly) {
  const Found one = MarkerAt(5, 10, 10, 10000, true), two = MarkerAt(5, 100, 10, 10000, true),
              three = MarkerAt(5, 1000, 10, 10000, true);
  EXPECT_NEAR(one.y0 - two.y0, two.y0 - three.y0, 1);
  EXPECT_GT(one.y0 - two.y0, 40);
  EXPECT_EQ(MarkerAt(5, -10, 10, 10000, true).count, 0);
}

TEST(ArtistTest, LineRunsFromCornerToCorner) {
  Figure figure(300, 300);
  const std::vector<double> ends = {0, 1};
  figure.At(0, 0).Line(ends, ends, {.color = kRed, .width = 3}).XLimits(0, 1).YLimits(0, 1);
  const Image image = Draw(figure);
  const Found line = Find(image, kRed);
  for (int i = 5; i < 20; ++i) {
    const int x = line.x0 + (line.x1 - line.x0) * i / 20,
              y = line.y1 - (line.y1 - line.y0) * i / 20;
    EXPECT_TRUE(Is(image.at(x, y), kRed)) << i;
  }
}

TEST(ArtistTest, MissingValuesAreSkipped) {
  const double inf = std::numeric_limits<double>::infinity();
  Figure figure(300, 300), clean(300, 300);
  const std::vector<double> x = {0, 1, kNan, 3, 4, 5}, y = {0, 1, 2, kNan, inf, -1e305};
  const std::vector<double> u(6, 1.0), v = {1, kNan, 1, 1, 1, 1};
  figure.At(0, 0).Scatter(x, y, {.color = kRed, .radius = 4}).Quiver(x, y, u, v, {.color = kBlue});
  EXPECT_NEAR(Find(Draw(figure), kRed).count, 2 * 45, 40);
  EXPECT_GT(Find(Draw(figure), kBlue).count, 20);
}

TEST(ArtistTest, HLineSpansThePanelAndWidensTheLimits) {
  Figure figure(300, 300);
  const std::vector<double> x = {0, 1}, y = {0, 1};
  figure.At(0, 0).Line(x, y, {.color = kBlue}).HLine(3, {.color = kRed, .width = 3});
  const Image image = Draw(figure);
  const Found line = Find(image, kRed), data = Find(image, kBlue);
  EXPECT_GT(line.x1 - line.x0, data.x1 - data.x0);
  EXPECT_LT(line.y1, data.y0);
  EXPECT_LE(line.y1 - line.y0, 3);
}

TEST(ArtistTest, DashedLinesHaveGaps) {
  for (const bool dashed : {false, true}) {
    Figure figure(300, 300);
    figure.At(0, 0).HLine(0, {.color = kRed, .width = 4, .dashed = dashed}).Grid(false);
    const Image image = Draw(figure);
    const Found line = Find(image, kRed);
    int gaps = 0;
    const int y = (line.y0 + line.y1) / 2;
    for (int x = line.x0 + 1; x <= line.x1; ++x)
      gaps += Is(image.at(x - 1, y), kRed) && !Is(image.at(x, y), kRed);
    EXPECT_EQ(gaps > 4, dashed) << gaps;
  }
}

TEST(ArtistTest, ArrowsPointAlongTheirVectors) {
  for (const auto& [u, v] : {std::pair{1.0, 0.0}, {0.0, 1.0}, {-1.0, 0.0}, {0.0, -1.0}}) {
    Figure figure(300, 300);
    const std::vector<double> at = {0}, us = {u}, vs = {v};
    figure.At(0, 0)
        .Quiver(at, at, us, vs, {.color = kRed, .scale = 0.8, .width = 4})
        .Scatter(at, at, {.color = kBlue, .radius = 3})
        .XLimits(-1, 1)
        .YLimits(-1, 1)
        .EqualAspect();
    const Image image = Draw(figure);
    const Found arrow = Find(image, kRed), tail = Find(image, kBlue);
    const double dx = (arrow.x0 + arrow.x1 - tail.x0 - tail.x1) / 2.0,
                 dy = (arrow.y0 + arrow.y1 - tail.y0 - tail.y1) / 2.0;
    EXPECT_GT(dx * u - dy * v, 20) << u << " " << v;  // pixels count downwards
    EXPECT_NEAR(dx * v + dy * u, 0, 2) << u << " " << v;
  }
}

TEST(ArtistTest, HeatMapPutsRowZeroAtTheBottom) {
  Figure figure(300, 300);
  const std::vector<float> values = {1, 0, 0, 0};  // lower left is the largest
  figure.At(0, 0)
      .HeatMap(values, 2, 2, {}, {.map = ColorMap::kGray, .smooth = false, .color_bar = false})
      .HideTicks();
  const Image image = Draw(figure);
  EXPECT_TRUE(Is(image.at(80, 220), kWhite));
  EXPECT_TRUE(Is(image.at(80, 80), kBlack));
  EXPECT_TRUE(Is(image.at(220, 220), kBlack));
  EXPECT_TRUE(Is(image.at(220, 80), kBlack));
}

TEST(ArtistTest, SmoothHeatMapInterpolatesAndHolesKeepTheirShape) {
  Figure figure(300, 300);
  const std::vector<double> values = {0, 1, 0, kNan};
  figure.At(0, 0)
      .HeatMap(values, 2, 2, {}, {.map = ColorMap::kGray, .color_bar = false})
      .HideTicks();
  const Image image = Draw(figure);
  EXPECT_NEAR(image.at(150, 280)[0], 128, 4);
  EXPECT_NEAR(image.at(110, 280)[0], 0.209 * 255,
              6);  // 40 of 276 pixels left of the middle: 0.5 − 2 · 40/276
  EXPECT_TRUE(Is(image.at(220, 80), MapColor(ColorMap::kGray, kNan)));
  EXPECT_TRUE(Is(image.at(160, 140), MapColor(ColorMap::kGray, kNan)));
  EXPECT_TRUE(Is(image.at(60, 60), kBlack));
}

TEST(ArtistTest, ColorBarStandsRightOfThePanel) {
  const std::vector<double> values = {0, 1, 2, 3};
  const auto draw = [&](bool bar) {
    Figure figure(400, 300);
    figure.At(0, 0).HeatMap(values, 2, 2, {}, {.color_bar = bar, .color_bar_label = "density"});
    return Draw(figure);
  };
  const Color top = MapColor(ColorMap::kViridis, 1);
  const Found with = Find(draw(true), top), without = Find(draw(false), top);
  EXPECT_LT(with.y0, without.y0 + 5);
  EXPECT_LT(with.x1, 370);
  EXPECT_GT(without.x1, 370);
}

TEST(ArtistTest, TilesAreBlocksOfEqualSizeInOrder) {
  Figure figure(240, 200);
  // Two tiles of 2 × 2 RGB pixels: the first all red, the second blue in its upper left pixel only.
  std::vector<float> pixels(24, 0.0f);
  for (size_t i = 0; i < 4; ++i) pixels[3 * i] = 1.0f;
  pixels[12 + 2] = 7.0f;
  figure.At(0, 0).Tiles(pixels, 1, 2, 2, 2, 3,
                        {.gap = 4, .column_labels = {"a", "b"}, .row_labels = {"row"}});
  const Image image = Draw(figure);
  const Found red = Find(image, kRed), blue = Find(image, kBlue);
  const int side = red.x1 - red.x0 + 1;
  EXPECT_EQ(red.count, side * side);
  EXPECT_EQ(blue.count * 4, red.count);
  EXPECT_EQ(blue.x0, red.x1 + 1 + 4);
  EXPECT_EQ(blue.y0, red.y0);
}

}  // namespace
}  // namespace examples::plot
