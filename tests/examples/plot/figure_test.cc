#include "examples/plot/figure.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/examples/plot/decode_png.h"
#include "tests/examples/plot/find_color.h"

namespace examples::plot {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(FigureTest, RejectsWhatCannotBeDrawn) {
  EXPECT_THROW(Figure(0, 10), std::invalid_argument);
  EXPECT_THROW(Figure(10, 10, {.rows = 0}), std::invalid_argument);
  EXPECT_THROW(Figure(10, 10, {.scale = -1}), std::invalid_argument);
  Figure figure(100, 100, {.rows = 2, .columns = 3});
  EXPECT_NO_THROW(figure.At(1, 2));
  EXPECT_THROW(figure.At(2, 0), std::invalid_argument);
  EXPECT_THROW(figure.At(0, -1), std::invalid_argument);
}

TEST(FigureTest, LengthsThatDifferAreErrorsWithBothNumbers) {
  Figure figure(100, 100);
  const std::vector<float> three(3), four(4);
  const auto message = [&](const auto& call) -> std::string {
    try {
      call();
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "no error";
  };
  Axes& axes = figure.At(0, 0);
  EXPECT_EQ(message([&] { axes.Scatter(three, four); }), "Scatter: x has 3 values and y has 4");
  EXPECT_EQ(message([&] { axes.Line(four, three); }), "Line: x has 4 values and y has 3");
  EXPECT_EQ(message([&] { axes.Quiver(three, three, three, four); }),
            "Quiver: x, y, u and v have 3, 3, 3 and 4 values");
  EXPECT_EQ(message([&] { axes.HeatMap(four, 2, 3, {}); }),
            "HeatMap: 4 values for a grid of 2 × 3");
  EXPECT_THROW(axes.HeatMap(four, 2, 2, {.x0 = 1, .x1 = 1}), std::invalid_argument);
  EXPECT_THROW(axes.Tiles(four, 1, 1, 2, 1, 2), std::invalid_argument);
  EXPECT_THROW(axes.Tiles(four, 1, 1, 2, 2, 1, {.column_labels = {"a", "b"}}),
               std::invalid_argument);
  EXPECT_THROW(Series::Column(four, 3, 0), std::invalid_argument);
  EXPECT_THROW(Series::Column(four, 2, 2), std::invalid_argument);
}

TEST(FigureTest, SeriesReadsStrides) {
  const std::vector<float> points = {1, 2, 3, 4, 5, 6};
  const Series y = Series::Column(points, 2, 1);
  ASSERT_EQ(y.size(), 3u);
  EXPECT_EQ(y[2], 6.0);
  EXPECT_EQ(Series(points.data() + 1, 2, 3)[1], 5.0);
}

TEST(FigureTest, AutomaticLimitsHoldAllDataWithAMargin) {
  Figure figure(300, 300);
  const std::vector<double> x = {-7, 2, 5}, y = {100, 900, 300};
  figure.At(0, 0).Scatter(x, y, {.color = kRed, .radius = 4});
  // Three whole discs: nothing is cut off by the frame.
  EXPECT_NEAR(Find(Draw(figure), kRed).count, 3 * 45, 12);
}

TEST(FigureTest, NothingButMissingValuesStillDraws) {
  const std::vector<double> none, nans(5, kNan);
  Figure figure(400, 200, {.columns = 2});
  figure.At(0, 0)
      .Scatter(none, none)
      .Line(nans, nans)
      .Quiver(nans, nans, nans, nans)
      .HLine(kNan)
      .LogY();
  figure.At(0, 1).HeatMap(nans, 5, 1, {});
  EXPECT_EQ(Draw(figure).width, 400);
}

TEST(FigureTest, EqualAspectMakesUnitsEquallyLong) {
  Figure figure(600, 300);
  const std::vector<double> xs = {0, 10, 0}, ys = {0, 0, 5};
  figure.At(0, 0).Scatter(xs, ys, {.color = kRed, .radius = 3}).EqualAspect();
  const Found found = Find(Draw(figure), kRed);
  EXPECT_NEAR(found.x1 - found.x0 - 5, 2 * (found.y1 - found.y0 - 5), 3);
}

TEST(FigureTest, FitHeightRemovesTheSpaceThatEqualAspectLeaves) {
  for (const bool fit : {false, true}) {
    Figure figure(500, 500, {.fit_height = fit});
    const std::vector<double> xs = {0, 10}, ys = {0, 1};
    figure.At(0, 0).Scatter(xs, ys).EqualAspect();
    const Image image = Draw(figure);
    EXPECT_EQ(image.width, 500);
    EXPECT_EQ(image.height < 150, fit) << image.height;
  }
}

TEST(FigureTest, TextAppearsOnlyWhereItIsAskedFor) {
  const auto ink = [](const Image& image) {
    int count = 0;
    for (size_t i = 0; i < image.rgb.size(); i += 3) count += image.rgb[i] < 100;
    return count;
  };
  const auto draw = [&](const auto& configure) {
    Figure figure(300, 300);
    const std::vector<double> x = {0, 1};
    figure.At(0, 0)
        .Scatter(x, x, {.color = kRed, .label = "points"})
        .Legend(LegendPlace::kNone)
        .HideTicks();
    configure(figure);
    return ink(Draw(figure));
  };
  const int bare = draw([](Figure&) {});
  EXPECT_GT(draw([](Figure& f) { f.At(0, 0).Title("A title"); }), bare + 50);
  EXPECT_GT(draw([](Figure& f) { f.At(0, 0).XLabel("iteration"); }), bare + 30);
  EXPECT_GT(draw([](Figure& f) { f.At(0, 0).YLabel("loss"); }), bare);
  EXPECT_GT(draw([](Figure& f) { f.At(0, 0).HideTicks(false); }), bare + 100);
  EXPECT_GT(draw([](Figure& f) { f.Title("A heading"); }), bare + 50);
  EXPECT_GT(draw([](Figure& f) { f.At(0, 0).Legend(LegendPlace::kUpperLeft); }), bare + 30);
}

TEST(FigureTest, TicksStandAtTheirValues) {
  Figure figure(400, 300);
  const std::vector<double> x = {0, 2, 4, 6, 8, 10}, y = {0, 20, 40, 60, 80, 100};
  figure.At(0, 0)
      .Scatter(x, y, {.color = kRed, .radius = 2})
      .XLimits(0, 10)
      .YLimits(0, 100)
      .Grid(false);
  const Image image = Draw(figure);
  // The frame's lower edge is the longest dark row; ticks are the dark columns right below it.
  int bottom = 0, longest = 0;
  const auto dark = [&](int px, int py) {
    return image.at(px, py)[0] < 120 && !Is(image.at(px, py), kRed);
  };
  for (int py = 150; py < image.height; ++py) {
    int length = 0;
    for (int px = 0; px < image.width; ++px) length += dark(px, py);
    if (length > longest) {
      longest = length;
      bottom = py;
    }
  }
  const Found found = Find(image, kRed);
  std::vector<int> ticks;
  for (int px = 0; px < image.width; ++px) {
    // Labels of the other axis stand left of the frame.
    if (px >= found.x0 - 2 && dark(px, bottom + 2)) ticks.push_back(px);
  }
  ASSERT_EQ(ticks.size(), 6u);
  // Half of the outer markers is clipped by the frame.
  EXPECT_NEAR(ticks.front(), found.x0, 1.5);
  EXPECT_NEAR(ticks.back(), found.x1, 1.5);
  for (size_t i = 1; i < ticks.size(); ++i)
    EXPECT_NEAR(ticks[i] - ticks[i - 1], (ticks[5] - ticks[0]) / 5.0, 1);
}

TEST(FigureTest, BestLegendAvoidsTheData) {
  for (const bool rising : {false, true}) {
    Figure figure(400, 400);
    std::vector<double> x, y;
    for (int i = 0; i < 500; ++i) {
      x.push_back(i);
      y.push_back(rising ? i : -i);
    }
    figure.At(0, 0).Line(x, y, {.color = kRed, .width = 4, .label = "a line with a name"});
    const Found with = Find(Draw(figure), kRed);
    figure.At(0, 0).Legend(LegendPlace::kNone);
    const Found without = Find(Draw(figure), kRed);
    EXPECT_GT(with.count, without.count)
        << rising;  // the sample comes on top, and nothing is hidden
  }
}

TEST(FigureTest, BestLegendAlsoAvoidsRareSpikes) {
  // One value in a thousand reaches the upper corners; the lower ones are empty.
  std::vector<double> x, y;
  for (int i = 0; i < 10000; ++i) {
    x.push_back(i);
    y.push_back(i % 1000 == 500 ? 2 : 1);
  }
  Figure figure(400, 400);
  figure.At(0, 0).Line(x, y, {.color = kRed, .width = 3, .label = "spikes"}).YLimits(0, 2.1);
  const int with = Find(Draw(figure), kRed).count;
  figure.At(0, 0).Legend(LegendPlace::kNone);
  EXPECT_GT(with, Find(Draw(figure), kRed).count);
}

TEST(FigureTest, ScaleTwoIsTheSamePictureTwiceAsLarge) {
  const auto draw = [](int scale) {
    Figure figure(300 * scale, 200 * scale, {.scale = static_cast<double>(scale)});
    const std::vector<double> x = {0, 1, 2}, y = {1, 0, 3};
    figure.At(0, 0).Line(x, y, {.color = kRed, .width = 4}).Title("title").XLabel("x");
    return Find(Draw(figure), kRed);
  };
  const Found one = draw(1), two = draw(2);
  EXPECT_NEAR(two.x0, 2 * one.x0, 5);
  EXPECT_NEAR(two.y1, 2 * one.y1, 5);
  EXPECT_NEAR(two.count, 4 * one.count, 0.25 * two.count);
}

TEST(FigureTest, TinyFiguresDoNotFail) {
  for (const int size : {1, 2, 10, 40}) {
    Figure figure(size, size, {.rows = 2, .columns = 2});
    const std::vector<double> x = {0, 1}, values(4, 2.0);
    figure.At(0, 0).Line(x, x, {.label = "a"}).Title("title").XLabel("x").EqualAspect();
    figure.At(0, 1).HeatMap(values, 2, 2, {});
    figure.At(1, 0).Tiles(std::vector<float>(4), 2, 2, 1, 1, 1);
    EXPECT_EQ(Draw(figure).width, size);
  }
}

TEST(FigureTest, WritesAPngOfItsSizeWithTheSameBytesEachTime) {
  const auto write = [](const std::string& name) {
    Figure figure(321, 123);
    const std::vector<float> x = {0, 1, 2}, y = {3, 1, 2};
    figure.At(0, 0).Line(x, y, {.label = "line"}).Scatter(x, y, {.label = "points"}).Title("Σ x₁");
    const std::string path = ::testing::TempDir() + "/" + name;
    const absl::Status status = figure.Write(path);
    EXPECT_TRUE(status.ok()) << status.ToString();
    std::ifstream stream(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
  };
  const std::string bytes = write("first.png");
  const auto decoded = DecodePng(bytes);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->width, 321);
  EXPECT_EQ(decoded->height, 123);
  EXPECT_EQ(bytes, write("second.png"));
}

TEST(FigureTest, UnwritablePathIsAnErrorThatNamesIt) {
  const std::string path = ::testing::TempDir() + "/missing_folder/picture.png";
  const absl::Status status = Figure(50, 50).Write(path);
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find(path), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace examples::plot
