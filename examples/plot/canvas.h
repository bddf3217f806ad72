// An RGB picture to draw on: anti-aliased rectangles, discs, polygons, polylines and text, each
// with an opacity.
//
// Coordinates are pixels, x to the right, y downwards; pixel (i, j) covers the square [i, i+1) ×
// [j, j+1). Shapes with a coordinate that is not finite are skipped. Coverage is analytic (distance
// to the line, area of the polygon), so nothing is supersampled; a polyline's coverage is formed as
// a whole before it is blended, so that a half-transparent line is not darker at its joints or
// where it crosses itself.
//
// Example:
//   examples::plot::Canvas canvas(320, 200, examples::plot::kWhite);
//   const std::vector<examples::plot::Point> zigzag = {{20, 180}, {160, 20}, {300, 180}};
//   canvas.StrokePolyline(zigzag, 3.0, examples::plot::Palette(0), 0.5);
//   const examples::plot::Image image = canvas.ToImage();
#ifndef EXAMPLES_PLOT_CANVAS_H_
#define EXAMPLES_PLOT_CANVAS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "examples/plot/color.h"
#include "examples/plot/font.h"
#include "examples/plot/image.h"

namespace examples::plot {

struct Point {
  double x = 0, y = 0;
};

// Whole pixels [x0, x1) × [y0, y1).
struct PixelRect {
  int x0 = 0, y0 = 0, x1 = 0, y1 = 0;
  int width() const { return x1 - x0; }
  int height() const { return y1 - y0; }
};

enum class HAlign { kLeft, kCenter, kRight };
enum class VAlign { kTop, kCenter, kBaseline };

struct TextStyle {
  float size = 14;  // pixels per em
  Color color = kInk;
  HAlign h = HAlign::kLeft;
  VAlign v = VAlign::kBaseline;
  bool vertical = false;  // rotated by 90°, reading upwards
};

class Canvas {
 public:
  // Throws std::invalid_argument unless 1 ≤ width, height ≤ 16384.
  Canvas(int width, int height, Color background);

  int width() const { return width_; }
  int height() const { return height_; }

  // Nothing outside the rectangle changes until the next call.
  void SetClip(const PixelRect& clip);
  void ResetClip() { SetClip({0, 0, width_, height_}); }

  // Opaque; out-of-clip pixels are ignored.
  void SetPixel(int x, int y, Color color);

  void FillRect(double x0, double y0, double x1, double y1, Color color, double alpha = 1);
  void FillDisc(Point center, double radius, Color color, double alpha = 1);
  void FillPolygon(std::span<const Point> corners, Color color, double alpha = 1);
  void FillRoundedRect(double x0, double y0, double x1, double y1, double radius, Color color,
                       double alpha = 1);

  // Round joints and caps. A point that is not finite starts a new stroke, blended together with
  // the others. Lines thinner than a pixel are drawn a pixel wide and paler.
  void StrokePolyline(std::span<const Point> points, double width, Color color, double alpha = 1);

  // The text's anchor (chosen by h and v; v refers to capitals) at (x, y). Baselines and, for
  // vertical text, the baseline's column are rounded to whole pixels to keep letters crisp.
  void DrawText(const Font& font, std::string_view utf8, double x, double y,
                const TextStyle& style);

  Image ToImage() const;

 private:
  struct Pixel {
    float r, g, b;
  };

  Pixel& At(int x, int y) {
    return pixels_[static_cast<size_t>(y) * static_cast<size_t>(width_) + static_cast<size_t>(x)];
  }
  static void Blend(Pixel& pixel, Color color, float alpha) {
    pixel.r += (color.r - pixel.r) * alpha;
    pixel.g += (color.g - pixel.g) * alpha;
    pixel.b += (color.b - pixel.b) * alpha;
  }
  void CoverSegment(Point a, Point b, double radius);
  void BlendCovered(Color color, float alpha);

  int width_, height_;
  PixelRect clip_;
  std::vector<Pixel> pixels_;
  // Scratch of one polyline: its coverage, and which pixels it touched. All zero and empty between
  // calls.
  std::vector<uint8_t> coverage_;
  std::vector<uint32_t> touched_;
};

}  // namespace examples::plot

#endif  // EXAMPLES_PLOT_CANVAS_H_
