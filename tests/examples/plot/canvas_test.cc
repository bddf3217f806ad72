#include "examples/plot/canvas.h"

#include <cmath>
#include <limits>
#include <numbers>
#include <stdexcept>
#include <vector>

#include "gtest/gtest.h"

namespace examples::plot {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

// How black a pixel of a picture that began white is: 0 … 1.
double Ink(const Image& image, int x, int y) { return 1 - image.at(x, y)[0] / 255.0; }

double TotalInk(const Image& image) {
  double sum = 0;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) sum += Ink(image, x, y);
  }
  return sum;
}

TEST(CanvasTest, RejectsImpossibleSizes) {
  EXPECT_THROW(Canvas(0, 5, kWhite), std::invalid_argument);
  EXPECT_THROW(Canvas(5, -1, kWhite), std::invalid_argument);
  EXPECT_THROW(Canvas(1 << 20, 5, kWhite), std::invalid_argument);
}

TEST(CanvasTest, RectangleCoversPixelsByArea) {
  Canvas canvas(10, 10, kWhite);
  canvas.FillRect(2.5, 3, 5, 4.25, kBlack);
  const Image image = canvas.ToImage();
  EXPECT_NEAR(Ink(image, 2, 3), 0.5, 0.01);
  EXPECT_NEAR(Ink(image, 3, 3), 1, 0.01);
  EXPECT_NEAR(Ink(image, 4, 4), 0.25, 0.01);
  EXPECT_NEAR(Ink(image, 5, 3), 0, 0.01);
  EXPECT_NEAR(TotalInk(image), 2.5 * 1.25, 0.03);
}

TEST(CanvasTest, DiscHasItsArea) {
  for (const double radius : {0.7, 1.0, 2.5, 6.0, 20.3}) {
    Canvas canvas(64, 64, kWhite);
    canvas.FillDisc({31.3, 32.8}, radius, kBlack);
    const double area = std::numbers::pi * radius * radius;
    EXPECT_NEAR(TotalInk(canvas.ToImage()), area, 0.05 * area + 0.45) << radius;
  }
}

TEST(CanvasTest, HorizontalLineFillsItsRowsOnly) {
  Canvas canvas(40, 20, kWhite);
  canvas.StrokePolyline(std::vector<Point>{{5, 10}, {35, 10}}, 2, kBlack);
  const Image image = canvas.ToImage();
  for (int x = 6; x < 34; ++x) {
    EXPECT_NEAR(Ink(image, x, 8), 0, 0.01);
    EXPECT_NEAR(Ink(image, x, 9), 1, 0.01);
    EXPECT_NEAR(Ink(image, x, 10), 1, 0.01);
    EXPECT_NEAR(Ink(image, x, 11), 0, 0.01);
  }
  EXPECT_NEAR(Ink(image, 3, 10), 0, 0.01);
  EXPECT_NEAR(Ink(image, 37, 10), 0, 0.01);
}

TEST(CanvasTest, SlantedLinesCrossThePixelsOnTheirWayAndKeepTheirWidth) {
  for (int degrees = 0; degrees < 180; degrees += 7) {
    const double angle = degrees * std::numbers::pi / 180, dx = std::cos(angle),
                 dy = std::sin(angle);
    Canvas canvas(101, 101, kWhite);
    canvas.StrokePolyline(
        std::vector<Point>{{50.5 - 40 * dx, 50.5 - 40 * dy}, {50.5 + 40 * dx, 50.5 + 40 * dy}}, 3,
        kBlack);
    const Image image = canvas.ToImage();
    for (double s = -39; s <= 39; s += 0.5) {
      EXPECT_GT(Ink(image, static_cast<int>(50.5 + s * dx), static_cast<int>(50.5 + s * dy)), 0.7)
          << degrees << "° at " << s;
    }
    EXPECT_NEAR(TotalInk(image), 80 * 3 + std::numbers::pi * 1.5 * 1.5, 5) << degrees << "°";
  }
}

TEST(CanvasTest, ThinLinesArePalerNotNarrower) {
  Canvas canvas(40, 20, kWhite);
  canvas.StrokePolyline(std::vector<Point>{{-5, 10.5}, {45, 10.5}}, 0.25, kBlack);
  EXPECT_NEAR(Ink(canvas.ToImage(), 20, 10), 0.25, 0.01);
  EXPECT_NEAR(TotalInk(canvas.ToImage()), 40 * 0.25, 0.3);
}

TEST(CanvasTest, TransparentLineIsNotDarkerWhereItCrossesItself) {
  Canvas canvas(60, 60, kWhite);
  canvas.StrokePolyline(std::vector<Point>{{10, 30}, {50, 30}, {50, 10}, {30, 10}, {30, 50}}, 4,
                        kBlack, 0.5);
  const Image image = canvas.ToImage();
  EXPECT_NEAR(Ink(image, 30, 30), 0.5, 0.01);
  EXPECT_NEAR(Ink(image, 50, 30), 0.5, 0.01);
  EXPECT_NEAR(Ink(image, 20, 30), 0.5, 0.01);
}

TEST(CanvasTest, ManyFaintLinesAddUp) {
  // With 8 bits a pixel, lines of opacity 0.001 would leave no trace at all.
  Canvas canvas(20, 20, kWhite);
  for (int i = 0; i < 1000; ++i)
    canvas.StrokePolyline(std::vector<Point>{{0, 10.5}, {20, 10.5}}, 1, kBlack, 0.001);
  EXPECT_NEAR(Ink(canvas.ToImage(), 10, 10), 1 - std::pow(0.999, 1000), 0.01);
}

TEST(CanvasTest, MissingPointsBreakALine) {
  Canvas canvas(60, 20, kWhite);
  canvas.StrokePolyline(std::vector<Point>{{5, 10}, {20, 10}, {kNan, 10}, {40, 10}, {55, 10}}, 2,
                        kBlack);
  const Image image = canvas.ToImage();
  EXPECT_NEAR(Ink(image, 12, 10), 1, 0.01);
  EXPECT_NEAR(Ink(image, 30, 10), 0, 0.01);
  EXPECT_NEAR(Ink(image, 48, 10), 1, 0.01);
}

TEST(CanvasTest, NonFiniteShapesAreSkipped) {
  Canvas canvas(10, 10, kWhite);
  canvas.FillDisc({kNan, 5}, 3, kBlack);
  canvas.FillDisc({5, 5}, kNan, kBlack);
  canvas.FillRect(0, 0, kInf, 5, kBlack);
  canvas.FillPolygon(std::vector<Point>{{0, 0}, {9, 0}, {kInf, 9}}, kBlack);
  canvas.StrokePolyline(std::vector<Point>{{kNan, kNan}, {kInf, 3}}, 2, kBlack);
  canvas.StrokePolyline(std::vector<Point>{}, 2, kBlack);
  EXPECT_EQ(TotalInk(canvas.ToImage()), 0);
}

TEST(CanvasTest, LinesFromFarAwayStillPassThroughThePicture) {
  Canvas canvas(50, 50, kWhite);
  canvas.StrokePolyline(std::vector<Point>{{-1e7, -1e7}, {1e7, 1e7}}, 2, kBlack);
  const Image image = canvas.ToImage();
  for (int i = 0; i < 50; ++i) EXPECT_GT(Ink(image, i, i), 0.9) << i;
  EXPECT_NEAR(Ink(image, 40, 10), 0, 0.01);
}

TEST(CanvasTest, PolygonsHaveTheirAreaAndShape) {
  Canvas canvas(60, 60, kWhite);
  canvas.FillPolygon(std::vector<Point>{{10.2, 5.1}, {50.7, 30.3}, {20.4, 55.9}}, kBlack);
  const Image image = canvas.ToImage();
  const double area = 0.5 * std::abs((50.7 - 10.2) * (55.9 - 5.1) - (20.4 - 10.2) * (30.3 - 5.1));
  EXPECT_NEAR(TotalInk(image), area, 1.0);
  EXPECT_NEAR(Ink(image, 27, 30), 1, 0.01);
  EXPECT_NEAR(Ink(image, 45, 10), 0, 0.01);
}

TEST(CanvasTest, PolygonCoverageIsExactForAxisParallelEdgesInEitherDirection) {
  for (const bool reverse : {false, true}) {
    std::vector<Point> corners = {{2.25, 3.5}, {7.75, 3.5}, {7.75, 6.0}, {2.25, 6.0}};
    if (reverse) std::swap(corners[1], corners[3]);
    Canvas canvas(10, 10, kWhite);
    canvas.FillPolygon(corners, kBlack);
    const Image image = canvas.ToImage();
    EXPECT_NEAR(Ink(image, 2, 4), 0.75, 0.01);
    EXPECT_NEAR(Ink(image, 7, 5), 0.75, 0.01);
    EXPECT_NEAR(Ink(image, 4, 3), 0.5, 0.01);
    EXPECT_NEAR(Ink(image, 4, 4), 1, 0.01);
    EXPECT_NEAR(Ink(image, 8, 4), 0, 0.01);
  }
}

TEST(CanvasTest, ClippedShapesEqualTheSameShapesUnclippedInside) {
  const PixelRect clip{12, 9, 31, 27};
  const auto draw = [](Canvas& canvas) {
    canvas.FillDisc({13, 12}, 8, kBlack, 0.7);
    canvas.FillPolygon(std::vector<Point>{{0, 20}, {40, 12}, {35, 39}}, Palette(1), 0.5);
    canvas.StrokePolyline(std::vector<Point>{{-30, 10}, {20, 26}, {90, 15}}, 3, Palette(2), 0.8);
    canvas.FillRect(30, 0, 33.5, 40, Palette(3));
  };
  Canvas whole(40, 40, kWhite), clipped(40, 40, kWhite);
  clipped.SetClip(clip);
  draw(whole);
  draw(clipped);
  const Image a = whole.ToImage(), b = clipped.ToImage();
  for (int y = 0; y < 40; ++y) {
    for (int x = 0; x < 40; ++x) {
      const bool inside = x >= clip.x0 && x < clip.x1 && y >= clip.y0 && y < clip.y1;
      for (int c = 0; c < 3; ++c) {
        EXPECT_NEAR(b.at(x, y)[c], inside ? a.at(x, y)[c] : 255, 2) << x << " " << y;
      }
    }
  }
}

struct InkBox {
  int x0 = 1 << 20, y0 = 1 << 20, x1 = -1, y1 = -1;
};

InkBox BoxOf(const Image& image) {
  InkBox box;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      if (Ink(image, x, y) < 0.3) continue;
      box = {std::min(box.x0, x), std::min(box.y0, y), std::max(box.x1, x), std::max(box.y1, y)};
    }
  }
  return box;
}

TEST(CanvasTest, TextStandsWhereItsAnchorSays) {
  const auto font = Font::Default();
  ASSERT_TRUE(font.ok());
  const auto draw = [&](const TextStyle& style) {
    Canvas canvas(200, 200, kWhite);
    canvas.DrawText(**font, "HELLO", 100, 100, style);
    return BoxOf(canvas.ToImage());
  };
  const InkBox left = draw({.size = 20, .color = kBlack});
  EXPECT_NEAR(left.x0, 101, 2);
  EXPECT_NEAR(left.y1, 99, 1);
  const InkBox right = draw({.size = 20, .color = kBlack, .h = HAlign::kRight, .v = VAlign::kTop});
  EXPECT_NEAR(right.x1, 98, 2);
  EXPECT_NEAR(right.y0, 100, 1);
  const InkBox center =
      draw({.size = 20, .color = kBlack, .h = HAlign::kCenter, .v = VAlign::kCenter});
  EXPECT_NEAR((center.x0 + center.x1) / 2.0, 99.5, 1.5);
  EXPECT_NEAR((center.y0 + center.y1) / 2.0, 99.5, 1.5);
  const InkBox vertical =
      draw({.size = 20, .color = kBlack, .h = HAlign::kCenter, .vertical = true});
  EXPECT_NEAR((vertical.y0 + vertical.y1) / 2.0, 99.5, 1.5);
  EXPECT_NEAR(vertical.x1, 99, 1);
  EXPECT_NEAR(vertical.y1 - vertical.y0, center.x1 - center.x0, 1);
}

TEST(CanvasTest, VerticalTextIsTheHorizontalOneTurned) {
  const auto font = Font::Default();
  ASSERT_TRUE(font.ok());
  Canvas upright(100, 100, kWhite), turned(100, 100, kWhite);
  upright.DrawText(**font, "Fig", 20, 60, {.size = 30, .color = kBlack});
  turned.DrawText(**font, "Fig", 60, 80, {.size = 30, .color = kBlack, .vertical = true});
  const Image a = upright.ToImage(), b = turned.ToImage();
  EXPECT_GT(TotalInk(a), 100);
  for (int y = 0; y < 100; ++y) {
    for (int x = 0; x < 100; ++x)
      EXPECT_NEAR(Ink(a, x, y), Ink(b, y, 99 - x), 0.01) << x << " " << y;
  }
}

}  // namespace
}  // namespace examples::plot
