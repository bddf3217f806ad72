#include "examples/plot/panel.h"

#include <cmath>

namespace examples::plot {
namespace {

constexpr double kMargin = 0.04;  // of the data's range, on both sides

// `limits` with a margin on both sides, in log space on a logarithmic axis.
Limits WithMargin(Limits limits, bool log) {
  if (log) {
    const double factor = std::pow(limits.hi / limits.lo, kMargin);
    return {limits.lo / factor, limits.hi * factor};
  }
  const double margin = limits.hi * kMargin - limits.lo * kMargin;
  return {limits.lo - margin, limits.hi + margin};
}

Limits ChooseLimits(const std::optional<Limits>& wanted, const DataRange& range, bool margin,
                    bool log) {
  if (wanted) return Drawable(*wanted, log);
  if (!range.any) return Drawable({std::nan(""), std::nan("")}, log);
  const Limits limits = Drawable({range.lo, range.hi}, log);
  return margin ? Drawable(WithMargin(limits, log), log) : limits;
}

}  // namespace

Panel::Panel(const Axes& axes, const Font& font, double scale)
    : axes_(axes), options_(axes.options_), font_(font), scale_(scale) {
  DataRange x, y;
  bool margin = true;
  for (const auto& artist : axes.artists_) {
    artist->AddRange(options_.log_y, x, y);
    margin = margin && artist->WantsMargin();
    if (const auto bar = artist->Bar()) bar_ = bar;
  }
  x_limits_ = ChooseLimits(options_.x_limits, x, margin, false);
  y_limits_ = ChooseLimits(options_.y_limits, y, margin, options_.log_y);
}

double Panel::WidestLabel(const Ticks& ticks) const {
  double widest = 0;
  for (const std::string& label : ticks.labels) {
    widest = std::max(widest, static_cast<double>(font_.Width(label, TickSize())));
  }
  return widest;
}

// As many ticks as there is room for their labels side by side.
Ticks Panel::ChooseXTicks(double width) const {
  int target = std::clamp(static_cast<int>(width / (62 * scale_)), 1, 9);
  for (;; --target) {
    Ticks ticks = LinearTicks(x_limits_.lo, x_limits_.hi, target);
    const double room = width / std::max<double>(1, static_cast<double>(ticks.positions.size()));
    if (target == 1 || WidestLabel(ticks) + 14 * scale_ <= room) return ticks;
  }
}

Panel::AxisTicks Panel::ChooseTicks(double width, double height) const {
  AxisTicks ticks;
  const int vertical = std::clamp(static_cast<int>(height / (42 * scale_)), 1, 9);
  if (!options_.hide_ticks) {
    ticks.x = ChooseXTicks(width);
    ticks.y = options_.log_y ? LogTicks(y_limits_.lo, y_limits_.hi, vertical)
                             : LinearTicks(y_limits_.lo, y_limits_.hi, vertical);
  }
  if (bar_) ticks.bar = LinearTicks(bar_->limits.lo, bar_->limits.hi, vertical);
  return ticks;
}

double Panel::BarSpace(const Ticks& bar) const {
  if (!bar_) return 0;
  const double name = bar_->label.empty() ? 0 : Px(kNamePad) + LabelSize();
  return Px(kBarGap) + Px(kBarWidth) + Px(kTick) + Px(kPad) + WidestLabel(bar) + name;
}

Margins Panel::Measure(double width, double height) const {
  // With an equal aspect the frame is smaller than its cell, and so is the room for ticks.
  const PixelRect box = Fit({0, 0, static_cast<int>(width), static_cast<int>(height)});
  const AxisTicks ticks = ChooseTicks(box.width(), box.height());
  const double cap = font_.CapHeight(TickSize());
  Margins m;
  if (!options_.hide_ticks) {
    m.left = Px(kTick) + Px(kPad) + std::ceil(WidestLabel(ticks.y));
    m.bottom = Px(kTick) + Px(kXPad) + std::ceil(cap) + 2 * scale_;
    m.top = std::ceil(cap / 2);
    // Half of the last label may hang over the frame's right edge.
    if (!ticks.x.labels.empty()) {
      m.right = std::ceil(font_.Width(ticks.x.labels.back(), TickSize()) / 2);
    }
  }
  if (!options_.y_label.empty()) m.left += Px(kNamePad) + LabelSize();
  if (!options_.x_label.empty()) m.bottom += Px(kNamePad) + LabelSize();
  if (options_.x_label.empty() && !ticks.x.offset.empty()) m.bottom += Px(kPad) + TickSize();
  if (!ticks.y.offset.empty() || !ticks.bar.offset.empty()) m.top = Px(kPad) + TickSize();
  if (!options_.title.empty()) m.top += Px(kTitlePad) + font_.CapHeight(TitleSize()) + 3 * scale_;
  m.right = std::max(m.right, BarSpace(ticks.bar));
  return m;
}

PixelRect Panel::Fit(const PixelRect& cell) const {
  if (!options_.equal_aspect || options_.log_y) return cell;
  const double x_size = x_limits_.hi - x_limits_.lo, y_size = y_limits_.hi - y_limits_.lo;
  const double pixels = std::min(cell.width() / x_size, cell.height() / y_size);
  const int w = std::clamp(static_cast<int>(std::lround(x_size * pixels)), 1, cell.width());
  const int h = std::clamp(static_cast<int>(std::lround(y_size * pixels)), 1, cell.height());
  const int x0 = cell.x0 + (cell.width() - w) / 2, y0 = cell.y0 + (cell.height() - h) / 2;
  return {x0, y0, x0 + w, y0 + h};
}

void Panel::Draw(Canvas& canvas, const PixelRect& cell) const {
  const PixelRect box = Fit(cell);
  const Stage stage{canvas,
                    font_,
                    scale_,
                    box,
                    AxisMap(x_limits_, box.x0, box.x1, false),
                    AxisMap(y_limits_, box.y1, box.y0, options_.log_y)};
  const AxisTicks ticks = ChooseTicks(box.width(), box.height());
  canvas.SetClip(box);
  bool grid = options_.grid;
  for (const auto& artist : axes_.artists_) grid = grid && !artist->CoversPanel();
  if (grid) DrawGrid(stage, ticks);
  for (const auto& artist : axes_.artists_) artist->Draw(stage);
  canvas.ResetClip();
  if (!options_.hide_frame) DrawFrame(stage, ticks);
  DrawNames(stage, ticks);
  if (bar_) DrawColorBar(stage, ticks.bar);
  DrawLegend(stage);
}

}  // namespace examples::plot
