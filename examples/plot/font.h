// Text as coverage masks: one TrueType font (DejaVu Sans), UTF-8, kerning, sub-pixel positions.
//
// Example:
//   const auto font = examples::plot::Font::Default();
//   if (font.ok()) std::cout << (*font)->Width("x₁ − x₀", 14.0f) << " pixels wide\n";
#ifndef EXAMPLES_PLOT_FONT_H_
#define EXAMPLES_PLOT_FONT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace examples::plot {

// Coverage of a piece of text, 0 … 255 per pixel, rows from top to bottom. The pen starts on the
// baseline; the mask's upper left pixel lies (left, top) pixels from it, y downwards.
struct TextMask {
  int left = 0, top = 0, width = 0, height = 0;
  std::vector<uint8_t> coverage;
};

class Font {
 public:
  // Reads a TrueType file. Errors name the path.
  static absl::StatusOr<std::shared_ptr<const Font>> Load(const std::string& path);

  // DejaVu Sans as Debian's package fonts-dejavu-core installs it; the error names that package.
  // The font is read once and shared.
  static absl::StatusOr<std::shared_ptr<const Font>> Default();

  ~Font();
  Font(const Font&) = delete;
  Font& operator=(const Font&) = delete;

  // Width in pixels of the text at `size` pixels per em: the distance the pen advances.
  float Width(std::string_view utf8, float size) const;

  // Height of a capital letter or a digit.
  float CapHeight(float size) const;

  // The text drawn with the pen at (x_fraction, 0), 0 ≤ x_fraction < 1. Bytes that are not UTF-8
  // and characters that the font lacks become its replacement box.
  TextMask Render(std::string_view utf8, float size, float x_fraction) const;

 private:
  struct Data;
  explicit Font(std::unique_ptr<Data> data);
  std::unique_ptr<Data> data_;
};

// The Unicode code points of the text; every byte that does not belong to valid UTF-8 becomes
// U+FFFD.
std::vector<int> DecodeUtf8(std::string_view utf8);

}  // namespace examples::plot

#endif  // EXAMPLES_PLOT_FONT_H_
