#include "examples/plot/color.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace examples::plot {
namespace {

constexpr size_t kTableSize = 1024;
constexpr Color kMissing = Hex(0xdcdfe4);
using Table = std::array<Color, kTableSize>;
using Lab = std::array<double, 3>;

double Decode(double v) { return v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4); }
double Encode(double v) {
  v = std::clamp(v, 0.0, 1.0);
  return v <= 0.0031308 ? v * 12.92 : 1.055 * std::pow(v, 1 / 2.4) - 0.055;
}

// Oklab: Björn Ottosson, "A perceptual color space for image processing", 2020.
Lab ToOklab(Color c) {
  const double r = Decode(c.r), g = Decode(c.g), b = Decode(c.b);
  const double l = std::cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const double m = std::cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const double s = std::cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return {0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
          1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
          0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s};
}

Color FromOklab(const Lab& lab) {
  const double lc = lab[0] + 0.3963377774 * lab[1] + 0.2158037573 * lab[2];
  const double mc = lab[0] - 0.1055613458 * lab[1] - 0.0638541728 * lab[2];
  const double sc = lab[0] - 0.0894841775 * lab[1] - 1.2914855480 * lab[2];
  const double l = lc * lc * lc, m = mc * mc * mc, s = sc * sc * sc;
  return {static_cast<float>(Encode(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s)),
          static_cast<float>(Encode(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s)),
          static_cast<float>(Encode(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s))};
}

// A Catmull-Rom curve through equally spaced control points.
template <size_t kPoints>
Table MakeTable(const std::array<uint32_t, kPoints>& controls) {
  std::array<Lab, kPoints> points;
  for (size_t i = 0; i < kPoints; ++i) points[i] = ToOklab(Hex(controls[i]));
  Table table;
  for (size_t i = 0; i < kTableSize; ++i) {
    const double position = static_cast<double>(i) * static_cast<double>(kPoints - 1) /
                            static_cast<double>(kTableSize - 1);
    const size_t k = std::min(static_cast<size_t>(position), kPoints - 2);
    const double u = position - static_cast<double>(k);
    Lab lab;
    for (size_t c = 0; c < 3; ++c) {
      const double p1 = points[k][c], p2 = points[k + 1][c];
      const double p0 = k > 0 ? points[k - 1][c] : 2 * p1 - p2;
      const double p3 = k + 2 < kPoints ? points[k + 2][c] : 2 * p2 - p1;
      lab[c] =
          p1 +
          0.5 * u * (p2 - p0 + u * (2 * p0 - 5 * p1 + 4 * p2 - p3 + u * (3 * (p1 - p2) + p3 - p0)));
    }
    table[i] = FromOklab(lab);
  }
  return table;
}

const Table& TableOf(ColorMap map) {
  static const Table viridis = MakeTable<5>({0x42105a, 0x3d4f8f, 0x23908d, 0x63c763, 0xfbe52a});
  static const Table magma = MakeTable<5>({0x06051a, 0x4f1580, 0xb2397c, 0xfa8a63, 0xfdf8c4});
  static const Table gray = [] {
    Table t;
    for (size_t i = 0; i < kTableSize; ++i) {
      const float v = static_cast<float>(i) / static_cast<float>(kTableSize - 1);
      t[i] = {v, v, v};
    }
    return t;
  }();
  switch (map) {
    case ColorMap::kMagma:
      return magma;
    case ColorMap::kGray:
      return gray;
    case ColorMap::kViridis:
      break;
  }
  return viridis;
}

}  // namespace

Color Palette(int index) {
  static constexpr std::array<Color, 8> kPalette = {Hex(0x2a6fbb), Hex(0xe4762b), Hex(0x349a5b),
                                                    Hex(0xc93a40), Hex(0x7c5cb5), Hex(0x8b6248),
                                                    Hex(0xd673ac), Hex(0x6e7781)};
  return kPalette[static_cast<size_t>((index % 8 + 8) % 8)];
}

Color MapColor(ColorMap map, double v) {
  if (std::isnan(v)) return kMissing;
  const double position = std::clamp(v, 0.0, 1.0) * static_cast<double>(kTableSize - 1);
  return TableOf(map)[static_cast<size_t>(position + 0.5)];
}

}  // namespace examples::plot
