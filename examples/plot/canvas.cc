#include "examples/plot/canvas.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string>

namespace examples::plot {
namespace {

constexpr int kMaxSide = 16384;

bool Finite(Point p) { return std::isfinite(p.x) && std::isfinite(p.y); }

// The smallest and the largest pixel index that [lo, hi] touches within [first, end).
struct Range {
  int begin, end;
};
Range PixelRange(double lo, double hi, int first, int end) {
  const double begin =
      std::clamp(std::floor(lo), static_cast<double>(first), static_cast<double>(end));
  const double stop = std::clamp(std::floor(hi) + 1, begin, static_cast<double>(end));
  return {static_cast<int>(begin), static_cast<int>(stop)};
}

// Length of the part of [i, i + 1) inside [lo, hi).
float Overlap(int i, double lo, double hi) {
  return static_cast<float>(std::max(0.0, std::min<double>(i + 1, hi) - std::max<double>(i, lo)));
}

// Liang-Barsky: shortens the segment to its part within the box; false if there is none. Keeps
// far-away end points from costing time or precision.
bool ClipSegment(Point& a, Point& b, double x0, double y0, double x1, double y1) {
  double t0 = 0, t1 = 1;
  const double dx = b.x - a.x, dy = b.y - a.y;
  const double p[4] = {-dx, dx, -dy, dy};
  const double q[4] = {a.x - x0, x1 - a.x, a.y - y0, y1 - a.y};
  for (int i = 0; i < 4; ++i) {
    if (p[i] == 0) {
      if (q[i] < 0) return false;
    } else if (p[i] < 0) {
      t0 = std::max(t0, q[i] / p[i]);
    } else {
      t1 = std::min(t1, q[i] / p[i]);
    }
  }
  if (t0 > t1) return false;
  b = {a.x + t1 * dx, a.y + t1 * dy};
  a = {a.x + t0 * dx, a.y + t0 * dy};
  return true;
}

// Adds the signed area to the right of the edge a → b to the rows of `area` (width + 1 columns
// each, so that the last pixel can pass its carry on): a running sum over a row then gives each
// pixel's coverage.
void AccumulateEdge(Point a, Point b, int width, int height, std::vector<float>& area) {
  if (a.y == b.y) return;
  // What lies left of the picture counts as an edge along its left side, what lies right of it as
  // one along the right.
  for (const double side : {0.0, static_cast<double>(width)}) {
    if ((a.x < side) == (b.x < side) || a.x == side || b.x == side) continue;
    const Point middle = {side, a.y + (b.y - a.y) * (side - a.x) / (b.x - a.x)};
    AccumulateEdge(a, middle, width, height, area);
    AccumulateEdge(middle, b, width, height, area);
    return;
  }
  const double sign = a.y < b.y ? 1 : -1;
  if (a.y > b.y) std::swap(a, b);
  const double slope = (b.x - a.x) / (b.y - a.y);
  const Range rows = PixelRange(a.y, b.y, 0, height);
  for (int row = rows.begin; row < rows.end; ++row) {
    const double y0 = std::max<double>(row, a.y), y1 = std::min<double>(row + 1, b.y);
    if (y1 <= y0) continue;
    double xa = a.x + (y0 - a.y) * slope, xb = a.x + (y1 - a.y) * slope;
    if (xa > xb) std::swap(xa, xb);
    const double w = width;
    xa = std::clamp(xa, 0.0, w);
    xb = std::clamp(xb, 0.0, w);
    const double total = sign * (y1 - y0);
    float* line = area.data() + static_cast<ptrdiff_t>(row) * (width + 1);
    const Range columns = PixelRange(xa, xb, 0, width);
    double passed = 0;  // the part of the edge's area that already lies left of the column
    for (int x = columns.begin; x < columns.end; ++x) {
      // Mean over the edge's height of clamp(x + 1 - edge, 0, 1), the share of pixel x right of the
      // edge.
      double covered = 1;
      const double lo = std::min<double>(xb, x + 1), from = std::max<double>(xa, x);
      if (xb - xa < 1e-9) {
        covered = x + 1 - xa;
      } else {
        const double beyond = std::max(0.0, std::min<double>(xb, x) - xa);
        covered = (beyond + (lo - from) * (x + 1 - 0.5 * (from + lo))) / (xb - xa);
      }
      line[x] += static_cast<float>(total * (covered - passed));
      passed = covered;
    }
    if (columns.end <= width) line[columns.end] += static_cast<float>(total * (1 - passed));
  }
}

}  // namespace

Canvas::Canvas(int width, int height, Color background) : width_(width), height_(height) {
  if (width < 1 || height < 1 || width > kMaxSide || height > kMaxSide) {
    throw std::invalid_argument("Canvas: a size of " + std::to_string(width) + " × " +
                                std::to_string(height) + " pixels; each must be 1 … 16384");
  }
  const size_t count = static_cast<size_t>(width) * static_cast<size_t>(height);
  pixels_.assign(count, {background.r, background.g, background.b});
  coverage_.assign(count, 0);
  ResetClip();
}

void Canvas::SetClip(const PixelRect& clip) {
  clip_.x0 = std::clamp(clip.x0, 0, width_);
  clip_.x1 = std::clamp(clip.x1, clip_.x0, width_);
  clip_.y0 = std::clamp(clip.y0, 0, height_);
  clip_.y1 = std::clamp(clip.y1, clip_.y0, height_);
}

void Canvas::SetPixel(int x, int y, Color color) {
  if (x < clip_.x0 || x >= clip_.x1 || y < clip_.y0 || y >= clip_.y1) return;
  At(x, y) = {color.r, color.g, color.b};
}

void Canvas::FillRect(double x0, double y0, double x1, double y1, Color color, double alpha) {
  if (!Finite({x0, y0}) || !Finite({x1, y1})) return;
  const Range rows = PixelRange(y0, y1, clip_.y0, clip_.y1);
  const Range columns = PixelRange(x0, x1, clip_.x0, clip_.x1);
  for (int y = rows.begin; y < rows.end; ++y) {
    const float row_alpha = static_cast<float>(alpha) * Overlap(y, y0, y1);
    for (int x = columns.begin; x < columns.end; ++x) {
      Blend(At(x, y), color, row_alpha * Overlap(x, x0, x1));
    }
  }
}

void Canvas::FillDisc(Point c, double radius, Color color, double alpha) {
  if (!Finite(c) || !(radius > 0)) return;
  const double outer = radius + 0.5, inner = std::max(0.0, radius - 0.5);
  const Range rows = PixelRange(c.y - outer, c.y + outer, clip_.y0, clip_.y1);
  const Range columns = PixelRange(c.x - outer, c.x + outer, clip_.x0, clip_.x1);
  for (int y = rows.begin; y < rows.end; ++y) {
    const double dy = y + 0.5 - c.y;
    for (int x = columns.begin; x < columns.end; ++x) {
      const double dx = x + 0.5 - c.x, squared = dx * dx + dy * dy;
      if (squared >= outer * outer) continue;
      // Discs smaller than a pixel keep their area by being paler.
      const double cover = squared <= inner * inner ? 1
                                                    : std::min(1.0, outer - std::sqrt(squared)) *
                                                          std::min(1.0, 2 * radius);
      Blend(At(x, y), color, static_cast<float>(alpha * cover));
    }
  }
}

void Canvas::FillPolygon(std::span<const Point> corners, Color color, double alpha) {
  if (corners.size() < 3 || !std::all_of(corners.begin(), corners.end(), Finite)) return;
  double left = corners[0].x, right = left, top = corners[0].y, bottom = top;
  for (const Point& p : corners) {
    left = std::min(left, p.x);
    right = std::max(right, p.x);
    top = std::min(top, p.y);
    bottom = std::max(bottom, p.y);
  }
  const Range rows = PixelRange(top, bottom, clip_.y0, clip_.y1);
  const Range columns = PixelRange(left, right, clip_.x0, clip_.x1);
  const int w = columns.end - columns.begin, h = rows.end - rows.begin;
  if (w <= 0 || h <= 0) return;
  std::vector<float> area(static_cast<size_t>(w + 1) * static_cast<size_t>(h), 0.0f);
  for (size_t i = 0; i < corners.size(); ++i) {
    const Point& a = corners[i];
    const Point& b = corners[(i + 1) % corners.size()];
    AccumulateEdge({a.x - columns.begin, a.y - rows.begin}, {b.x - columns.begin, b.y - rows.begin},
                   w, h, area);
  }
  for (int y = 0; y < h; ++y) {
    float sum = 0;
    for (int x = 0; x < w; ++x) {
      sum += area[static_cast<size_t>(y) * static_cast<size_t>(w + 1) + static_cast<size_t>(x)];
      const float cover = std::min(1.0f, std::abs(sum));
      if (cover > 1e-4f) {
        Blend(At(columns.begin + x, rows.begin + y), color, static_cast<float>(alpha) * cover);
      }
    }
  }
}

void Canvas::FillRoundedRect(double x0, double y0, double x1, double y1, double radius, Color color,
                             double alpha) {
  constexpr int kSteps = 8;
  std::vector<Point> corners;
  const std::array<Point, 4> centers = {Point{x1 - radius, y1 - radius},
                                        {x0 + radius, y1 - radius},
                                        {x0 + radius, y0 + radius},
                                        {x1 - radius, y0 + radius}};
  for (int k = 0; k < 4; ++k) {
    for (int i = 0; i <= kSteps; ++i) {
      const double angle = (k + static_cast<double>(i) / kSteps) * std::numbers::pi / 2;
      const Point& c = centers[static_cast<size_t>(k)];
      corners.push_back({c.x + radius * std::cos(angle), c.y + radius * std::sin(angle)});
    }
  }
  FillPolygon(corners, color, alpha);
}

// Raises the coverage of the pixels within radius + ½ of the segment.
void Canvas::CoverSegment(Point a, Point b, double radius) {
  const double reach = radius + 0.5;
  if (!ClipSegment(a, b, clip_.x0 - reach, clip_.y0 - reach, clip_.x1 + reach, clip_.y1 + reach)) {
    return;
  }
  const double length = std::hypot(b.x - a.x, b.y - a.y);
  const double ux = length > 0 ? (b.x - a.x) / length : 1,
               uy = length > 0 ? (b.y - a.y) / length : 0;
  const Range rows =
      PixelRange(std::min(a.y, b.y) - reach, std::max(a.y, b.y) + reach, clip_.y0, clip_.y1);
  for (int y = rows.begin; y < rows.end; ++y) {
    const double py = y + 0.5 - a.y;
    // The row meets the strip |(x - a.x) uy - py ux| ≤ reach in an interval; outside it nothing is
    // covered.
    double lo = std::min(a.x, b.x) - reach, hi = std::max(a.x, b.x) + reach;
    if (std::abs(uy) > 1e-6) {
      const double middle = a.x + py * ux / uy, half = reach / std::abs(uy);
      lo = std::max(lo, middle - half);
      hi = std::min(hi, middle + half);
    }
    if (lo > hi) continue;
    const Range columns = PixelRange(lo - 0.5, hi + 0.5, clip_.x0, clip_.x1);
    for (int x = columns.begin; x < columns.end; ++x) {
      const double px = x + 0.5 - a.x;
      const double along = px * ux + py * uy;
      const double beyond = along < 0 ? along : std::max(0.0, along - length);
      const double across = px * uy - py * ux;
      const double squared = across * across + beyond * beyond;
      if (squared >= reach * reach) continue;
      const double cover = std::min(1.0, reach - std::sqrt(squared));
      const auto value = static_cast<uint8_t>(cover * 255 + 0.5);
      const size_t index =
          static_cast<size_t>(y) * static_cast<size_t>(width_) + static_cast<size_t>(x);
      if (value <= coverage_[index]) continue;
      if (coverage_[index] == 0) touched_.push_back(static_cast<uint32_t>(index));
      coverage_[index] = value;
    }
  }
}

void Canvas::BlendCovered(Color color, float alpha) {
  for (const uint32_t index : touched_) {
    Blend(pixels_[index], color, alpha * static_cast<float>(coverage_[index]) * (1.0f / 255.0f));
    coverage_[index] = 0;
  }
  touched_.clear();
}

void Canvas::StrokePolyline(std::span<const Point> points, double width, Color color,
                            double alpha) {
  if (!(width > 0)) return;
  const double radius = std::max(width, 1.0) / 2;
  for (size_t i = 0; i < points.size(); ++i) {
    if (!Finite(points[i])) continue;
    if (i + 1 < points.size() && Finite(points[i + 1])) {
      CoverSegment(points[i], points[i + 1], radius);
    } else if (i == 0 || !Finite(points[i - 1])) {
      CoverSegment(points[i], points[i], radius);
    }
  }
  BlendCovered(color, static_cast<float>(alpha * std::min(width, 1.0)));
}

void Canvas::DrawText(const Font& font, std::string_view utf8, double x, double y,
                      const TextStyle& style) {
  const float size = style.size;
  const double width = font.Width(utf8, size), cap = font.CapHeight(size);
  const double back = style.h == HAlign::kLeft ? 0 : style.h == HAlign::kCenter ? width / 2 : width;
  const double down = style.v == VAlign::kBaseline ? 0 : style.v == VAlign::kCenter ? cap / 2 : cap;
  // Along the reading direction the pen keeps its sub-pixel position, across it is rounded.
  const double along = style.vertical ? -(y + back) : x - back;
  const double across = std::round((style.vertical ? x : y) + down);
  const double whole = std::floor(along);
  const TextMask mask = font.Render(utf8, size, static_cast<float>(along - whole));
  const uint8_t* coverage = mask.coverage.data();
  for (int j = 0; j < mask.height; ++j) {
    for (int i = 0; i < mask.width; ++i, ++coverage) {
      if (*coverage == 0) continue;
      const int u = static_cast<int>(whole) + mask.left + i;
      const int v = static_cast<int>(across) + mask.top + j;
      const int px = style.vertical ? v : u, py = style.vertical ? -1 - u : v;
      if (px < clip_.x0 || px >= clip_.x1 || py < clip_.y0 || py >= clip_.y1) continue;
      Blend(At(px, py), style.color, static_cast<float>(*coverage) / 255.0f);
    }
  }
}

Image Canvas::ToImage() const {
  Image image(width_, height_);
  uint8_t* out = image.rgb.data();
  for (const Pixel& pixel : pixels_) {
    for (const float v : {pixel.r, pixel.g, pixel.b}) {
      *out++ = static_cast<uint8_t>(std::clamp(v, 0.0f, 1.0f) * 255.0f + 0.5f);
    }
  }
  return image;
}

}  // namespace examples::plot
