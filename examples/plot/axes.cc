#include "examples/plot/axes.h"

#include <stdexcept>
#include <utility>

#include "examples/plot/artist.h"

namespace examples::plot {

Series Series::Column(std::span<const float> array, size_t columns, size_t column) {
  if (column >= columns || array.size() % columns != 0) {
    throw std::invalid_argument("Series::Column: column " + std::to_string(column) + " of " +
                                std::to_string(array.size()) + " values in " +
                                std::to_string(columns) + " columns");
  }
  return Series(array.data() + column, array.size() / columns, columns);
}

Axes::Axes() = default;
Axes::~Axes() = default;

Color Axes::Next(const std::optional<Color>& color) {
  return color ? *color : Palette(next_color_++);
}

Axes& Axes::Scatter(const Series& x, const Series& y, const ScatterStyle& style) {
  artists_.push_back(MakeScatter(x, y, style, Next(style.color)));
  return *this;
}

Axes& Axes::Line(const Series& x, const Series& y, const LineStyle& style) {
  artists_.push_back(MakeLine(x, y, style, Next(style.color)));
  return *this;
}

Axes& Axes::HLine(double y, const LineStyle& style) {
  artists_.push_back(MakeHLine(y, style, Next(style.color)));
  return *this;
}

Axes& Axes::Quiver(const Series& x, const Series& y, const Series& u, const Series& v,
                   const QuiverStyle& style) {
  artists_.push_back(MakeQuiver(x, y, u, v, style));
  return *this;
}

Axes& Axes::HeatMap(const Series& values, int height, int width, const Extent& extent,
                    const HeatMapStyle& style) {
  artists_.push_back(MakeHeatMap(values, height, width, extent, style));
  return *this;
}

Axes& Axes::Tiles(std::span<const float> pixels, int rows, int columns, int height, int width,
                  int channels, const TilesStyle& style) {
  artists_.push_back(MakeTiles(pixels, rows, columns, height, width, channels, style));
  options_.hide_ticks = options_.hide_frame = true;
  return *this;
}

Axes& Axes::Title(std::string text) {
  options_.title = std::move(text);
  return *this;
}

Axes& Axes::XLabel(std::string text) {
  options_.x_label = std::move(text);
  return *this;
}

Axes& Axes::YLabel(std::string text) {
  options_.y_label = std::move(text);
  return *this;
}

Axes& Axes::XLimits(double lo, double hi) {
  options_.x_limits = Limits{lo, hi};
  return *this;
}

Axes& Axes::YLimits(double lo, double hi) {
  options_.y_limits = Limits{lo, hi};
  return *this;
}

Axes& Axes::LogY(bool on) {
  options_.log_y = on;
  return *this;
}

Axes& Axes::EqualAspect(bool on) {
  options_.equal_aspect = on;
  return *this;
}

Axes& Axes::Grid(bool on) {
  options_.grid = on;
  return *this;
}

Axes& Axes::HideTicks(bool on) {
  options_.hide_ticks = on;
  return *this;
}

Axes& Axes::Legend(LegendPlace place) {
  options_.legend = place;
  return *this;
}

}  // namespace examples::plot
