// The parts of a panel around its data: grid, frame, ticks, names, colour bar, legend.
#include <array>
#include <cmath>
#include <limits>

#include "examples/plot/panel.h"

namespace examples::plot {
namespace {

constexpr Color kGridColor = Hex(0xe7e9ec);
constexpr Color kFrameColor = Hex(0x4a4f57);

// The whole-pixel line of the given thickness nearest to a coordinate.
double Snap(double v, double thickness) { return std::round(v - thickness / 2); }

void DrawRectOutline(Canvas& canvas, double x0, double y0, double x1, double y1, double thickness,
                     Color color) {
  canvas.FillRect(x0 - thickness, y0 - thickness, x1 + thickness, y0, color);
  canvas.FillRect(x0 - thickness, y1, x1 + thickness, y1 + thickness, color);
  canvas.FillRect(x0 - thickness, y0, x0, y1, color);
  canvas.FillRect(x1, y0, x1 + thickness, y1, color);
}

}  // namespace

void Panel::DrawGrid(const Stage& stage, const AxisTicks& ticks) const {
  const double line = std::max(1.0, Px(1));
  const PixelRect& box = stage.box;
  for (const double v : ticks.x.positions) {
    const double x = Snap(stage.x(v), line);
    stage.canvas.FillRect(x, box.y0, x + line, box.y1, kGridColor);
  }
  for (const double v : ticks.y.positions) {
    const double y = Snap(stage.y(v), line);
    stage.canvas.FillRect(box.x0, y, box.x1, y + line, kGridColor);
  }
}

void Panel::DrawFrame(const Stage& stage, const AxisTicks& ticks) const {
  const PixelRect& box = stage.box;
  DrawRectOutline(stage.canvas, box.x0, box.y0, box.x1, box.y1, std::max(1.0, Px(1)), kFrameColor);
  DrawXTicks(stage, ticks.x);
  DrawYTicks(stage, ticks.y);
}

void Panel::DrawXTicks(const Stage& stage, const Ticks& ticks) const {
  const double line = std::max(1.0, Px(1)), bottom = stage.box.y1;
  const TextStyle style{.size = TickSize(), .h = HAlign::kCenter, .v = VAlign::kTop};
  for (size_t i = 0; i < ticks.positions.size(); ++i) {
    const double at = stage.x(ticks.positions[i]), x = Snap(at, line);
    stage.canvas.FillRect(x, bottom, x + line, bottom + Px(kTick), kFrameColor);
    stage.canvas.DrawText(font_, ticks.labels[i], at, bottom + Px(kTick) + Px(kXPad), style);
  }
}

void Panel::DrawYTicks(const Stage& stage, const Ticks& ticks) const {
  const double line = std::max(1.0, Px(1)), left = stage.box.x0;
  const TextStyle style{.size = TickSize(), .h = HAlign::kRight, .v = VAlign::kCenter};
  for (const double v : ticks.minor) {
    const double y = Snap(stage.y(v), line);
    stage.canvas.FillRect(left - Px(kMinorTick), y, left, y + line, kFrameColor);
  }
  for (size_t i = 0; i < ticks.positions.size(); ++i) {
    const double at = stage.y(ticks.positions[i]), y = Snap(at, line);
    stage.canvas.FillRect(left - Px(kTick), y, left, y + line, kFrameColor);
    stage.canvas.DrawText(font_, ticks.labels[i], left - Px(4) - Px(4), at, style);
  }
}

void Panel::DrawNames(const Stage& stage, const AxisTicks& ticks) const {
  const PixelRect& box = stage.box;
  const double center_x = (box.x0 + box.x1) / 2.0, center_y = (box.y0 + box.y1) / 2.0;
  const double tick_cap = font_.CapHeight(TickSize());
  double below = box.y1, beside = box.x0, above = box.y0;
  if (!options_.hide_ticks) {
    below += Px(kTick) + Px(kXPad) + std::ceil(tick_cap);
    beside -= Px(kTick) + Px(kPad) + std::ceil(WidestLabel(ticks.y));
  }
  const TextStyle offset{.size = TickSize()};
  if (!ticks.x.offset.empty()) {
    TextStyle right = offset;
    right.h = HAlign::kRight;
    right.v = VAlign::kTop;
    stage.canvas.DrawText(font_, ticks.x.offset, box.x1, below + Px(kNamePad), right);
  }
  if (!ticks.y.offset.empty())
    stage.canvas.DrawText(font_, ticks.y.offset, box.x0, box.y0 - Px(kPad), offset);
  if (!ticks.y.offset.empty() || !ticks.bar.offset.empty()) above -= Px(kPad) + TickSize();
  if (!options_.x_label.empty()) {
    stage.canvas.DrawText(font_, options_.x_label, center_x, below + Px(kNamePad),
                          {.size = LabelSize(), .h = HAlign::kCenter, .v = VAlign::kTop});
  }
  if (!options_.y_label.empty()) {
    stage.canvas.DrawText(font_, options_.y_label, beside - Px(kNamePad), center_y,
                          {.size = LabelSize(), .h = HAlign::kCenter, .vertical = true});
  }
  if (!options_.title.empty()) {
    stage.canvas.DrawText(font_, options_.title, center_x, above - Px(kTitlePad),
                          {.size = TitleSize(), .h = HAlign::kCenter});
  }
}

void Panel::DrawColorBar(const Stage& stage, const Ticks& ticks) const {
  const PixelRect& box = stage.box;
  const double line = std::max(1.0, Px(1));
  const int x0 = box.x1 + static_cast<int>(Px(kBarGap)), x1 = x0 + static_cast<int>(Px(kBarWidth));
  for (int y = box.y0; y < box.y1; ++y) {
    const Color color = MapColor(bar_->map, (box.y1 - y - 0.5) / box.height());
    for (int x = x0; x < x1; ++x) stage.canvas.SetPixel(x, y, color);
  }
  DrawRectOutline(stage.canvas, x0, box.y0, x1, box.y1, line, kFrameColor);
  const AxisMap map(bar_->limits, box.y1, box.y0, false);
  for (size_t i = 0; i < ticks.positions.size(); ++i) {
    const double at = map(ticks.positions[i]), y = Snap(at, line);
    stage.canvas.FillRect(x1, y, x1 + Px(kTick), y + line, kFrameColor);
    stage.canvas.DrawText(font_, ticks.labels[i], x1 + Px(kTick) + Px(kPad), at,
                          {.size = TickSize(), .v = VAlign::kCenter});
  }
  if (!ticks.offset.empty()) {
    stage.canvas.DrawText(font_, ticks.offset, x0, box.y0 - Px(kPad), {.size = TickSize()});
  }
  if (!bar_->label.empty()) {
    const double x = x1 + Px(kTick) + Px(kPad) + WidestLabel(ticks) + Px(kNamePad) +
                     font_.CapHeight(LabelSize());
    stage.canvas.DrawText(font_, bar_->label, x, (box.y0 + box.y1) / 2.0,
                          {.size = LabelSize(), .h = HAlign::kCenter, .vertical = true});
  }
}

// The upper left corner of a legend of the given size, in the corner of the panel with the fewest
// data points.
Point Panel::PlaceLegend(const Stage& stage, double width, double height) const {
  const double inset = Px(9);
  const double left = stage.box.x0 + inset, right = stage.box.x1 - inset - width;
  const double top = stage.box.y0 + inset, bottom = stage.box.y1 - inset - height;
  // In the order of LegendPlace, which is also the order of preference among equals.
  const std::array<Point, 4> corners = {
      Point{right, top}, {left, top}, {left, bottom}, {right, bottom}};
  if (options_.legend != LegendPlace::kBest) {
    const int index =
        static_cast<int>(options_.legend) - static_cast<int>(LegendPlace::kUpperRight);
    return corners[static_cast<size_t>(index)];
  }
  std::vector<Point> points;
  for (const auto& artist : axes_.artists_) artist->AddPoints(stage, points);
  size_t fewest = std::numeric_limits<size_t>::max();
  Point best;
  for (const Point& c : corners) {
    size_t hidden = 0;
    for (const Point& p : points) {
      hidden += p.x >= c.x - inset && p.x <= c.x + width + inset && p.y >= c.y - inset &&
                p.y <= c.y + height + inset;
    }
    if (hidden >= fewest) continue;
    fewest = hidden;
    best = c;
  }
  return best;
}

void Panel::DrawLegend(const Stage& stage) const {
  if (options_.legend == LegendPlace::kNone) return;
  std::vector<const Artist*> entries;
  double widest = 0;
  for (const auto& artist : axes_.artists_) {
    if (artist->label.empty()) continue;
    entries.push_back(artist.get());
    widest = std::max(widest, static_cast<double>(font_.Width(artist->label, TickSize())));
  }
  if (entries.empty()) return;
  const double pad = Px(9), sample = Px(22), row = Px(20);
  const double width = std::ceil(pad + sample + Px(8) + widest + pad);
  const double height = row * static_cast<double>(entries.size()) + Px(8);
  const Point at = PlaceLegend(stage, width, height);
  const double x = std::round(at.x), y = std::round(at.y), line = std::max(1.0, Px(1));
  stage.canvas.FillRoundedRect(x - line, y - line, x + width + line, y + height + line, Px(5),
                               Hex(0xc9cdd3));
  stage.canvas.FillRoundedRect(x, y, x + width, y + height, Px(4), Hex(0xfdfdfd));
  for (size_t i = 0; i < entries.size(); ++i) {
    const double middle = y + Px(4) + row * (static_cast<double>(i) + 0.5);
    entries[i]->DrawSample(stage.canvas, scale_, {x + pad + sample / 2, middle}, sample);
    stage.canvas.DrawText(font_, entries[i]->label, x + pad + sample + Px(8), middle,
                          {.size = TickSize(), .v = VAlign::kCenter});
  }
}

}  // namespace examples::plot
