#include "examples/plot/color.h"

#include <cmath>
#include <set>

#include "gtest/gtest.h"

namespace examples::plot {
namespace {

double Decode(double v) { return v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4); }

// Relative luminance (IEC 61966-2-1).
double Luminance(Color c) {
  return 0.2126 * Decode(c.r) + 0.7152 * Decode(c.g) + 0.0722 * Decode(c.b);
}

TEST(ColorTest, Hex) {
  EXPECT_EQ(Hex(0xff0000), (Color{1, 0, 0}));
  EXPECT_EQ(Hex(0x0000ff), (Color{0, 0, 1}));
}

TEST(ColorTest, PaletteRepeatsAfterEightDifferentColours) {
  std::set<double> seen;
  for (int i = 0; i < 8; ++i) {
    seen.insert(Palette(i).r * 3 + Palette(i).g * 5 + Palette(i).b * 7);
    EXPECT_EQ(Palette(i), Palette(i + 8));
    EXPECT_EQ(Palette(i), Palette(i - 8));
  }
  EXPECT_EQ(seen.size(), 8u);
}

TEST(ColorTest, MapsGrowLighterAllTheWay) {
  for (const ColorMap map : {ColorMap::kViridis, ColorMap::kMagma, ColorMap::kGray}) {
    for (int i = 0; i < 255; ++i) {
      EXPECT_LT(Luminance(MapColor(map, i / 255.0)), Luminance(MapColor(map, (i + 1) / 255.0)))
          << "map " << static_cast<int>(map) << " at " << i;
    }
  }
}

TEST(ColorTest, MapsAreSmoothAndWithinRange) {
  for (const ColorMap map : {ColorMap::kViridis, ColorMap::kMagma}) {
    for (int i = 0; i < 255; ++i) {
      const Color a = MapColor(map, i / 255.0), b = MapColor(map, (i + 1) / 255.0);
      for (const float v : {a.r, a.g, a.b}) {
        EXPECT_GE(v, 0.0f);
        EXPECT_LE(v, 1.0f);
      }
      EXPECT_LT(std::abs(a.r - b.r) + std::abs(a.g - b.g) + std::abs(a.b - b.b), 0.04f) << i;
    }
  }
}

TEST(ColorTest, MapsClampAndMarkMissingValues) {
  EXPECT_EQ(MapColor(ColorMap::kViridis, -3), MapColor(ColorMap::kViridis, 0));
  EXPECT_EQ(MapColor(ColorMap::kViridis, INFINITY), MapColor(ColorMap::kViridis, 1));
  EXPECT_EQ(MapColor(ColorMap::kMagma, NAN), MapColor(ColorMap::kViridis, NAN));
  EXPECT_FALSE(MapColor(ColorMap::kMagma, NAN) == MapColor(ColorMap::kMagma, 0));
}

}  // namespace
}  // namespace examples::plot
