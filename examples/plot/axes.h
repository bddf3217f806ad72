// One panel of a figure: what is drawn in it and how its axes look.
//
// The functions record; Figure draws. Data is copied, and given as Series: anything contiguous of
// float or double, or a column of a row-major array. Points with a coordinate that is NaN, infinite
// or beyond ±1e300 are left out, and lines break there; on a logarithmic axis the same goes for
// values ≤ 0. Series of different lengths throw std::invalid_argument.
//
// Example:
//   const auto draw = [](examples::plot::Axes& axes) {
//     const std::vector<float> points = {0.0f, 1.0f, 1.0f, 3.0f, 2.0f, 2.0f};  // [3, 2]
//     const auto x = examples::plot::Series::Column(points, 2, 0);
//     const auto y = examples::plot::Series::Column(points, 2, 1);
//     axes.Line(x, y, {.width = 2, .label = "a path"}).Scatter(x, y, {.radius = 4});
//     axes.Title("Three points").XLabel("x").YLabel("y").XLimits(-1, 3);
//   };
#ifndef EXAMPLES_PLOT_AXES_H_
#define EXAMPLES_PLOT_AXES_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "examples/plot/color.h"
#include "examples/plot/ticks.h"

namespace examples::plot {

class Artist;

// Numbers to draw, owned by the caller until the call returns: `size` values, `stride` values
// apart.
class Series {
 public:
  Series(std::span<const float> v) : floats_(v.data()), size_(v.size()) {}
  Series(std::span<const double> v) : doubles_(v.data()), size_(v.size()) {}
  Series(const std::vector<float>& v) : Series(std::span<const float>(v)) {}
  Series(const std::vector<double>& v) : Series(std::span<const double>(v)) {}
  Series(const float* v, size_t size, size_t stride = 1)
      : floats_(v), size_(size), stride_(stride) {}
  Series(const double* v, size_t size, size_t stride = 1)
      : doubles_(v), size_(size), stride_(stride) {}

  // Column `column` of a row-major array with `columns` columns. Throws std::invalid_argument if
  // the array's size is no multiple of `columns` or there is no such column.
  static Series Column(std::span<const float> array, size_t columns, size_t column);

  size_t size() const { return size_; }
  double operator[](size_t i) const {
    return floats_ != nullptr ? static_cast<double>(floats_[i * stride_]) : doubles_[i * stride_];
  }

 private:
  const float* floats_ = nullptr;
  const double* doubles_ = nullptr;
  size_t size_ = 0, stride_ = 1;
};

// Lengths are in pixels at the figure's scale 1. Without a colour, series take the palette's in
// turn. A label makes an entry in the legend.
struct ScatterStyle {
  std::optional<Color> color = {};
  double radius = 2.5;
  double alpha = 1;
  std::string label = {};
};

struct LineStyle {
  std::optional<Color> color = {};
  double width = 1.5;
  double alpha = 1;
  bool dashed = false;
  std::string label = {};
};

struct QuiverStyle {
  std::optional<Color> color = {};       // default kInk
  std::optional<ColorMap> by_size = {};  // colours each arrow by the length of (u, v) instead
  double scale =
      0;  // length in x units of an arrow with |(u, v)| = 1; 0 chooses one from the arrows' spacing
  double width = 1.6;
  double alpha = 1;
  std::string label = {};
};

// A rectangle in data units.
struct Extent {
  double x0 = 0, x1 = 1, y0 = 0, y1 = 1;
};

struct HeatMapStyle {
  ColorMap map = ColorMap::kViridis;
  // Values at the ends of the map; default: the smallest and the largest finite value.
  std::optional<double> lo = {}, hi = {};
  bool smooth = true;  // bilinear between the cells' centres; otherwise flat cells
  bool color_bar = true;
  std::string color_bar_label = {};
};

struct TilesStyle {
  double gap = 2;                               // between tiles, in pixels of the figure
  std::vector<std::string> column_labels = {};  // "" or one for each column
  std::vector<std::string> row_labels = {};
};

enum class LegendPlace { kBest, kUpperRight, kUpperLeft, kLowerLeft, kLowerRight, kNone };

class Axes {
 public:
  Axes();
  ~Axes();
  Axes(const Axes&) = delete;
  Axes& operator=(const Axes&) = delete;

  Axes& Scatter(const Series& x, const Series& y, const ScatterStyle& style = {});
  Axes& Line(const Series& x, const Series& y, const LineStyle& style = {});

  // A horizontal line across the panel; the vertical limits include it.
  Axes& HLine(double y, const LineStyle& style = {});

  // An arrow from each (x, y) along (u, v), where v points up.
  Axes& Quiver(const Series& x, const Series& y, const Series& u, const Series& v,
               const QuiverStyle& style = {});

  // values is [height, width], row 0 at the bottom (y0); the cells fill the extent. NaN cells are
  // light grey.
  Axes& HeatMap(const Series& values, int height, int width, const Extent& extent,
                const HeatMapStyle& style = {});

  // A grid of pictures without axes: pixels is [rows × columns, height, width, channels] with
  // channels 1 or 3, values in [0, 1] (clamped), row 0 on top. Each pixel becomes a square block as
  // large as fits.
  Axes& Tiles(std::span<const float> pixels, int rows, int columns, int height, int width,
              int channels, const TilesStyle& style = {});

  Axes& Title(std::string text);
  Axes& XLabel(std::string text);
  Axes& YLabel(std::string text);
  // Default: the data's range and a margin of 4 % (heat maps: none). Limits that cannot be drawn
  // are widened, see Drawable().
  Axes& XLimits(double lo, double hi);
  Axes& YLimits(double lo, double hi);
  Axes& LogY(bool on = true);
  // One unit of x is as long as one of y: the panel shrinks in one direction.
  Axes& EqualAspect(bool on = true);
  Axes& Grid(bool on);
  // No ticks and no tick labels.
  Axes& HideTicks(bool on = true);
  Axes& Legend(LegendPlace place);

 private:
  friend class Panel;

  struct Options {
    std::string title, x_label, y_label;
    std::optional<Limits> x_limits, y_limits;
    bool log_y = false, equal_aspect = false, grid = true, hide_ticks = false, hide_frame = false;
    LegendPlace legend = LegendPlace::kBest;
  };

  Color Next(const std::optional<Color>& color);

  Options options_;
  std::vector<std::unique_ptr<Artist>> artists_;
  int next_color_ = 0;
};

}  // namespace examples::plot

#endif  // EXAMPLES_PLOT_AXES_H_
