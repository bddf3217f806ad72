// Colours of the plots: sRGB triples in [0, 1], a palette for series, and colour maps for heat
// maps.
//
// All colour arithmetic of the plotting library (blending, anti-aliasing) happens on sRGB values,
// as browsers and matplotlib do it; only colour maps are interpolated elsewhere, in Oklab, where
// equal steps look equally large.
//
// Example:
//   using examples::plot::ColorMap;
//   const examples::plot::Color blue = examples::plot::Palette(0);
//   const examples::plot::Color warm = examples::plot::MapColor(ColorMap::kMagma, 0.7);
//   std::cout << blue.r << " " << warm.g << "\n";
#ifndef EXAMPLES_PLOT_COLOR_H_
#define EXAMPLES_PLOT_COLOR_H_

#include <cstdint>

namespace examples::plot {

// sRGB components in [0, 1].
struct Color {
  float r = 0, g = 0, b = 0;
  friend bool operator==(const Color&, const Color&) = default;
};

// The colour written 0xRRGGBB.
constexpr Color Hex(uint32_t rgb) {
  return {static_cast<float>(rgb >> 16 & 255) / 255.0f, static_cast<float>(rgb >> 8 & 255) / 255.0f,
          static_cast<float>(rgb & 255) / 255.0f};
}

inline constexpr Color kBlack = Hex(0x000000);
inline constexpr Color kWhite = Hex(0xffffff);
inline constexpr Color kInk = Hex(0x262626);  // text and frames

// The index-th of eight colours that are told apart easily, also side by side and half transparent;
// repeats after eight. Any index is allowed.
Color Palette(int index);

// kViridis runs from dark violet over green to yellow, kMagma from near black over purple and
// orange to cream, kGray from black to white. The lightness of each increases all the way, so they
// survive a black-and-white printer.
enum class ColorMap { kViridis, kMagma, kGray };

// The colour at position v of the map; v is clamped to [0, 1]. NaN gives a light grey that no map
// contains.
Color MapColor(ColorMap map, double v);

}  // namespace examples::plot

#endif  // EXAMPLES_PLOT_COLOR_H_
