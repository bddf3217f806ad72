// Measures and draws one panel. Private to the plotting library.
#ifndef EXAMPLES_PLOT_PANEL_H_
#define EXAMPLES_PLOT_PANEL_H_

#include <optional>

#include "examples/plot/artist.h"
#include "examples/plot/axes.h"
#include "examples/plot/canvas.h"
#include "examples/plot/font.h"
#include "examples/plot/ticks.h"

namespace examples::plot {

// Lengths at scale 1, shared by measuring and drawing.
inline constexpr double kTick = 4, kMinorTick = 2.5;   // marks outside the frame
inline constexpr double kPad = 4, kXPad = 5;           // mark to tick label
inline constexpr double kNamePad = 8, kTitlePad = 9;   // tick labels to axis name, frame to title
inline constexpr double kBarGap = 11, kBarWidth = 15;  // the colour bar

// Space that labels need around the frame, in pixels.
struct Margins {
  double left = 0, right = 0, top = 0, bottom = 0;
  void Grow(const Margins& other) {
    left = std::max(left, other.left);
    right = std::max(right, other.right);
    top = std::max(top, other.top);
    bottom = std::max(bottom, other.bottom);
  }
};

class Panel {
 public:
  Panel(const Axes& axes, const Font& font, double scale);

  // What the labels need if the frame is `width` × `height` pixels.
  Margins Measure(double width, double height) const;

  // The frame's place in a cell: all of it, or with an equal aspect as much as fits, in the middle.
  PixelRect Fit(const PixelRect& cell) const;

  // Draws the panel with its frame at Fit(cell).
  void Draw(Canvas& canvas, const PixelRect& cell) const;

 private:
  struct AxisTicks {
    Ticks x, y, bar;
  };

  AxisTicks ChooseTicks(double width, double height) const;
  Ticks ChooseXTicks(double width) const;
  double WidestLabel(const Ticks& ticks) const;
  double BarSpace(const Ticks& bar) const;

  void DrawGrid(const Stage& stage, const AxisTicks& ticks) const;
  void DrawFrame(const Stage& stage, const AxisTicks& ticks) const;
  void DrawXTicks(const Stage& stage, const Ticks& ticks) const;
  void DrawYTicks(const Stage& stage, const Ticks& ticks) const;
  void DrawNames(const Stage& stage, const AxisTicks& ticks) const;
  void DrawColorBar(const Stage& stage, const Ticks& ticks) const;
  void DrawLegend(const Stage& stage) const;
  Point PlaceLegend(const Stage& stage, double width, double height) const;

  double Px(double length) const { return std::round(length * scale_); }
  float TickSize() const { return static_cast<float>(12.5 * scale_); }
  float LabelSize() const { return static_cast<float>(14 * scale_); }
  float TitleSize() const { return static_cast<float>(16 * scale_); }

  const Axes& axes_;
  const Axes::Options& options_;
  const Font& font_;
  double scale_;
  Limits x_limits_, y_limits_;
  std::optional<ColorBar> bar_;
};

}  // namespace examples::plot

#endif  // EXAMPLES_PLOT_PANEL_H_
