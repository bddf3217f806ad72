// Scatter, Line and HLine.
#include <stdexcept>
#include <utility>

#include "examples/plot/artist.h"

namespace examples::plot {
namespace {

constexpr size_t kLegendPoints = 20000;

std::vector<double> Copy(const Series& s) {
  std::vector<double> values(s.size());
  for (size_t i = 0; i < s.size(); ++i) values[i] = s[i];
  return values;
}

class XyArtist : public Artist {
 public:
  XyArtist(const char* what, const Series& x, const Series& y) : x_(Copy(x)), y_(Copy(y)) {
    if (x.size() != y.size()) {
      throw std::invalid_argument(std::string(what) + ": x has " + std::to_string(x.size()) +
                                  " values and y has " + std::to_string(y.size()));
    }
  }

  void AddRange(bool log_y, DataRange& x, DataRange& y) const override {
    for (size_t i = 0; i < x_.size(); ++i) {
      if (std::isnan(x_[i]) || std::isnan(y_[i]) || (log_y && y_[i] <= 0)) continue;
      x.Add(x_[i]);
      y.Add(y_[i], log_y);
    }
  }

  void AddPoints(const Stage& stage, std::vector<Point>& points) const override {
    const size_t step = x_.size() / kLegendPoints + 1;
    for (size_t i = 0; i < x_.size(); i += step) points.push_back({stage.x(x_[i]), stage.y(y_[i])});
  }

 protected:
  std::vector<double> x_, y_;
};

class ScatterArtist : public XyArtist {
 public:
  ScatterArtist(const Series& x, const Series& y, const ScatterStyle& style, Color color)
      : XyArtist("Scatter", x, y), style_(style), color_(color) {
    label = style.label;
  }

  void Draw(const Stage& stage) const override {
    for (size_t i = 0; i < x_.size(); ++i) {
      stage.canvas.FillDisc({stage.x(x_[i]), stage.y(y_[i])}, style_.radius * stage.scale, color_,
                            style_.alpha);
    }
  }

  void DrawSample(Canvas& canvas, double scale, Point at, double) const override {
    const double radius = std::clamp(style_.radius, 3.5, 6.0);
    canvas.FillDisc(at, radius * scale, color_, std::max(style_.alpha, 0.75));
  }

 private:
  ScatterStyle style_;
  Color color_;
};

// Cuts a polyline into dashes of `on` pixels and gaps of `off`, separated by NaN.
std::vector<Point> Dashed(const std::vector<Point>& points, double on, double off) {
  const double period = on + off;
  std::vector<Point> dashes;
  double start = 0;  // arc length at the beginning of the segment
  for (size_t i = 0; i + 1 < points.size(); ++i) {
    const Point a = points[i], b = points[i + 1];
    const double length = std::hypot(b.x - a.x, b.y - a.y);
    // Pieces that reach far outside any picture are not worth millions of dashes.
    if (!(length > 0) || length > 1e5) continue;
    const auto at = [&](double s) {
      const double t = std::clamp((s - start) / length, 0.0, 1.0);
      return Point{a.x + (b.x - a.x) * t, a.y + (b.y - a.y) * t};
    };
    for (double k = std::floor(start / period); k * period < start + length; ++k) {
      if (k * period + on <= start) continue;
      dashes.push_back(at(k * period));
      dashes.push_back(at(k * period + on));
      dashes.push_back({std::nan(""), std::nan("")});
    }
    start += length;
  }
  return dashes;
}

void Stroke(Canvas& canvas, double scale, const std::vector<Point>& points, const LineStyle& style,
            Color color, double alpha) {
  const double width = style.width * scale;
  if (style.dashed) {
    // Round caps lengthen each dash by the width.
    const double on = 3.7 * width, off = 2.6 * width;
    canvas.StrokePolyline(Dashed(points, on, off), width, color, alpha);
  } else {
    canvas.StrokePolyline(points, width, color, alpha);
  }
}

void LineSample(Canvas& canvas, double scale, Point at, double length, const LineStyle& style,
                Color color) {
  LineStyle visible = style;
  visible.width = std::clamp(style.width, 1.5, 4.0);
  Stroke(canvas, scale, {{at.x - length / 2, at.y}, {at.x + length / 2, at.y}}, visible, color,
         std::max(style.alpha, 0.45));
}

class LineArtist : public XyArtist {
 public:
  LineArtist(const Series& x, const Series& y, const LineStyle& style, Color color)
      : XyArtist("Line", x, y), style_(style), color_(color) {
    label = style.label;
  }

  void Draw(const Stage& stage) const override {
    std::vector<Point> points(x_.size());
    for (size_t i = 0; i < x_.size(); ++i) points[i] = {stage.x(x_[i]), stage.y(y_[i])};
    Stroke(stage.canvas, stage.scale, points, style_, color_, style_.alpha);
  }

  void DrawSample(Canvas& canvas, double scale, Point at, double length) const override {
    LineSample(canvas, scale, at, length, style_, color_);
  }

 private:
  LineStyle style_;
  Color color_;
};

class HLineArtist : public Artist {
 public:
  HLineArtist(double y, const LineStyle& style, Color color) : y_(y), style_(style), color_(color) {
    label = style.label;
  }

  void Draw(const Stage& stage) const override {
    const double y = stage.y(y_);
    const double left = stage.box.x0, right = stage.box.x1;
    Stroke(stage.canvas, stage.scale, {{left, y}, {right, y}}, style_, color_, style_.alpha);
  }

  void AddRange(bool log_y, DataRange&, DataRange& y) const override { y.Add(y_, log_y); }

  void AddPoints(const Stage& stage, std::vector<Point>& points) const override {
    for (int x = stage.box.x0; x < stage.box.x1; x += 16) {
      points.push_back({static_cast<double>(x), stage.y(y_)});
    }
  }

  void DrawSample(Canvas& canvas, double scale, Point at, double length) const override {
    LineSample(canvas, scale, at, length, style_, color_);
  }

 private:
  double y_;
  LineStyle style_;
  Color color_;
};

}  // namespace

std::unique_ptr<Artist> MakeScatter(const Series& x, const Series& y, const ScatterStyle& style,
                                    Color color) {
  return std::make_unique<ScatterArtist>(x, y, style, color);
}

std::unique_ptr<Artist> MakeLine(const Series& x, const Series& y, const LineStyle& style,
                                 Color color) {
  return std::make_unique<LineArtist>(x, y, style, color);
}

std::unique_ptr<Artist> MakeHLine(double y, const LineStyle& style, Color color) {
  return std::make_unique<HLineArtist>(y, style, color);
}

}  // namespace examples::plot
