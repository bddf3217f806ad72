// The kinds of things an Axes can hold. Private to the plotting library.
#ifndef EXAMPLES_PLOT_ARTIST_H_
#define EXAMPLES_PLOT_ARTIST_H_

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "examples/plot/axes.h"
#include "examples/plot/canvas.h"
#include "examples/plot/font.h"

namespace examples::plot {

// Data value → pixel coordinate along one axis: pixel_lo at lo, pixel_hi at hi.
struct AxisMap {
  AxisMap() = default;
  AxisMap(Limits limits, double pixel_lo, double pixel_hi, bool is_log)
      : start(is_log ? std::log10(limits.lo) : limits.lo),
        pixel(pixel_lo),
        slope((pixel_hi - pixel_lo) / ((is_log ? std::log10(limits.hi) : limits.hi) - start)),
        log(is_log) {}

  // NaN for what cannot be drawn. Far outside the picture coordinates are cut off, so that later
  // arithmetic on them cannot overflow.
  double operator()(double v) const {
    if (log) v = v > 0 ? std::log10(v) : std::nan("");
    if (!(std::abs(v) <= kLargest)) return std::nan("");
    return std::clamp(pixel + (v - start) * slope, -1e7, 1e7);
  }

  double start = 0, pixel = 0, slope = 1;
  bool log = false;
};

// Everything an artist needs to draw itself.
struct Stage {
  Canvas& canvas;
  const Font& font;
  double scale;  // of lengths and text
  PixelRect box;
  AxisMap x, y;
};

// Smallest and largest of the values seen; missing ones, and on a logarithmic axis those ≤ 0, do
// not count.
struct DataRange {
  void Add(double v, bool log = false) {
    if (!(std::abs(v) <= kLargest) || (log && v <= 0)) return;
    lo = any ? std::min(lo, v) : v;
    hi = any ? std::max(hi, v) : v;
    any = true;
  }
  double lo = 0, hi = 0;
  bool any = false;
};

struct ColorBar {
  ColorMap map;
  Limits limits;
  std::string label;
};

class Artist {
 public:
  virtual ~Artist() = default;
  virtual void Draw(const Stage& stage) const = 0;
  virtual void AddRange(bool log_y, DataRange& x, DataRange& y) const = 0;
  // Data points in pixels, at most some 20,000, for placing the legend away from them.
  virtual void AddPoints(const Stage&, std::vector<Point>&) const {}
  virtual bool WantsMargin() const { return true; }
  virtual bool CoversPanel() const { return false; }  // a grid would be drawn over
  virtual std::optional<ColorBar> Bar() const { return std::nullopt; }
  // The sample beside the label in the legend, centred on `at`, `length` pixels wide.
  virtual void DrawSample(Canvas&, double /*scale*/, Point /*at*/, double /*length*/) const {}

  std::string label;
};

std::unique_ptr<Artist> MakeScatter(const Series& x, const Series& y, const ScatterStyle& style,
                                    Color color);
std::unique_ptr<Artist> MakeLine(const Series& x, const Series& y, const LineStyle& style,
                                 Color color);
std::unique_ptr<Artist> MakeHLine(double y, const LineStyle& style, Color color);
std::unique_ptr<Artist> MakeQuiver(const Series& x, const Series& y, const Series& u,
                                   const Series& v, const QuiverStyle& style);
std::unique_ptr<Artist> MakeHeatMap(const Series& values, int height, int width,
                                    const Extent& extent, const HeatMapStyle& style);
std::unique_ptr<Artist> MakeTiles(std::span<const float> pixels, int rows, int columns, int height,
                                  int width, int channels, const TilesStyle& style);

}  // namespace examples::plot

#endif  // EXAMPLES_PLOT_ARTIST_H_
