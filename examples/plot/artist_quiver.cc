// Quiver.
#include <array>
#include <stdexcept>

#include "examples/plot/artist.h"

namespace examples::plot {
namespace {

struct Arrow {
  double x, y, u, v, length;
};

// Proportions to the shaft's width.
constexpr double kHeadWidth = 3.6, kHeadLength = 4.2, kNotch = 3.6;

// An arrow of `length` pixels from `tail` along the unit vector (ux, uy); the head shrinks with
// short arrows.
void DrawArrow(Canvas& canvas, Point tail, double ux, double uy, double length, double width,
               Color color, double alpha) {
  if (length < 0.5 * width) {
    canvas.FillDisc(tail, width / 2, color, alpha);
    return;
  }
  const double shrink = std::min(1.0, length / (1.3 * kHeadLength * width));
  const double shaft = width / 2 * std::max(shrink, 0.6), head = kHeadWidth / 2 * width * shrink;
  const double notch = length - kNotch * width * shrink,
               base = length - kHeadLength * width * shrink;
  const auto at = [&](double along, double across) {
    return Point{tail.x + along * ux - across * uy, tail.y + along * uy + across * ux};
  };
  const std::array<Point, 7> corners = {at(0, shaft),  at(notch, shaft), at(base, head),
                                        at(length, 0), at(base, -head),  at(notch, -shaft),
                                        at(0, -shaft)};
  canvas.FillPolygon(corners, color, alpha);
}

class QuiverArtist : public Artist {
 public:
  QuiverArtist(const Series& x, const Series& y, const Series& u, const Series& v,
               const QuiverStyle& style)
      : style_(style) {
    if (y.size() != x.size() || u.size() != x.size() || v.size() != x.size()) {
      throw std::invalid_argument("Quiver: x, y, u and v have " + std::to_string(x.size()) + ", " +
                                  std::to_string(y.size()) + ", " + std::to_string(u.size()) +
                                  " and " + std::to_string(v.size()) + " values");
    }
    label = style.label;
    for (size_t i = 0; i < x.size(); ++i) {
      const Arrow arrow{x[i], y[i], u[i], v[i], std::hypot(u[i], v[i])};
      const double largest = std::max({std::abs(arrow.x), std::abs(arrow.y), arrow.length});
      if (std::isnan(arrow.x + arrow.y + arrow.length) || largest > kLargest) continue;
      longest_ = std::max(longest_, arrow.length);
      arrows_.push_back(arrow);
    }
  }

  void Draw(const Stage& stage) const override {
    const double pixels = PixelsPerUnit(stage);
    for (const Arrow& a : arrows_) {
      Color color = style_.color.value_or(kInk);
      if (style_.by_size) color = MapColor(*style_.by_size, longest_ > 0 ? a.length / longest_ : 0);
      const Point tail = {stage.x(a.x), stage.y(a.y)};
      const double length = a.length > 0 ? a.length : 1;
      DrawArrow(stage.canvas, tail, a.u / length, -a.v / length, std::min(a.length * pixels, 1e6),
                style_.width * stage.scale, color, style_.alpha);
    }
  }

  void AddRange(bool log_y, DataRange& x, DataRange& y) const override {
    for (const Arrow& a : arrows_) {
      x.Add(a.x);
      y.Add(a.y, log_y);
    }
  }

  void AddPoints(const Stage& stage, std::vector<Point>& points) const override {
    for (const Arrow& a : arrows_) points.push_back({stage.x(a.x), stage.y(a.y)});
  }

  void DrawSample(Canvas& canvas, double scale, Point at, double length) const override {
    const Color color =
        style_.by_size ? MapColor(*style_.by_size, 0.6) : style_.color.value_or(kInk);
    DrawArrow(canvas, {at.x - length / 2, at.y}, 1, 0, length, std::max(style_.width, 1.6) * scale,
              color, std::max(style_.alpha, 0.75));
  }

 private:
  // Left to itself, the arrow that 95 % of the others do not exceed spans one spacing of a square
  // grid of as many arrows.
  double PixelsPerUnit(const Stage& stage) const {
    if (style_.scale > 0) return style_.scale * std::abs(stage.x.slope);
    if (arrows_.empty() || longest_ <= 0) return 0;
    std::vector<double> lengths;
    DataRange x, y;
    for (const Arrow& a : arrows_) {
      lengths.push_back(a.length);
      x.Add(stage.x(a.x));
      y.Add(stage.y(a.y));
    }
    const auto rank = lengths.begin() + static_cast<ptrdiff_t>(lengths.size() * 95 / 100);
    std::nth_element(lengths.begin(), rank, lengths.end());
    const double typical = *rank > 0 ? *rank : longest_;
    const double area = std::max(x.hi - x.lo, 30.0) * std::max(y.hi - y.lo, 30.0);
    return std::sqrt(area / static_cast<double>(arrows_.size())) / typical;
  }

  QuiverStyle style_;
  std::vector<Arrow> arrows_;
  double longest_ = 0;
};

}  // namespace

std::unique_ptr<Artist> MakeQuiver(const Series& x, const Series& y, const Series& u,
                                   const Series& v, const QuiverStyle& style) {
  return std::make_unique<QuiverArtist>(x, y, u, v, style);
}

}  // namespace examples::plot
