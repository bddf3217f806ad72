#include "examples/moons/pictures.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "autograd/grad_mode.h"
#include "autograd/ops/creation.h"
#include "examples/common/loss_curve.h"
#include "examples/moons/evaluate.h"
#include "examples/moons/train.h"
#include "examples/plot/color.h"
#include "examples/plot/figure.h"

namespace examples::moons {
namespace {

using plot::Axes;
using plot::Figure;
using plot::Series;

// Irreducible loss of the two moons with noise .05 (Monte Carlo, standard error .0045).
constexpr double kLossFloor = .941;
constexpr double kFloorNoise = .05;

Series Column(const Tensor& points, size_t column) {
  return Series::Column(points.span<float>(), 2, column);
}

struct Box {
  double x0 = INFINITY, x1 = -INFINITY, y0 = INFINITY, y1 = -INFINITY;
};

void Include(Box& box, const Tensor& points) {
  const std::span<const float> values = points.span<float>();
  for (size_t i = 0; i + 1 < values.size(); i += 2) {
    const double x = static_cast<double>(values[i]), y = static_cast<double>(values[i + 1]);
    if (!std::isfinite(x) || !std::isfinite(y)) continue;
    box.x0 = std::min(box.x0, x);
    box.x1 = std::max(box.x1, x);
    box.y0 = std::min(box.y0, y);
    box.y1 = std::max(box.y1, y);
  }
}

// The box with a margin on each side, as a share of its size.
Box Padded(const Box& box, double share) {
  // Points on a line, or a single one, get some room too.
  constexpr double kLeast = .05;
  const double x = std::max((box.x1 - box.x0) * share, kLeast);
  const double y = std::max((box.y1 - box.y0) * share, kLeast);
  return {box.x0 - x, box.x1 + x, box.y0 - y, box.y1 + y};
}

void SetLimits(Axes& axes, const Box& box) {
  axes.XLimits(box.x0, box.x1).YLimits(box.y0, box.y1).EqualAspect();
}

// Points of a regular grid, [rows * columns, 2], row by row from the lower left; at the cells'
// centres.
Tensor GridPoints(const Box& box, int columns, int rows) {
  std::vector<float> points;
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) {
      points.push_back(static_cast<float>(box.x0 + (box.x1 - box.x0) * (column + .5) / columns));
      points.push_back(static_cast<float>(box.y0 + (box.y1 - box.y0) * (row + .5) / rows));
    }
  }
  return Tensor::FromVector(points, {static_cast<int64_t>(rows) * columns, 2});
}

}  // namespace

absl::Status DrawLoss(const Options& options, const std::vector<float>& losses,
                      const std::string& path) {
  Figure figure(1000, 600);
  Axes& axes = figure.At(0, 0);
  const bool known =
      options.data.empty() && options.path == "cond_ot" && options.noise == kFloorNoise;
  AddLossCurve(axes, losses, losses.size() / 50, known ? std::optional(kLossFloor) : std::nullopt);
  if (known) {
    axes.HLine(kLossFloor, {.dashed = true, .label = "irreducible loss .941"});
  }
  axes.Title("Two moons: conditional flow matching loss");
  return figure.Write(path);
}

absl::Status DrawSamples(const Tensor& data, const Tensor& generated, const std::string& path) {
  Box box;
  Include(box, data);
  Include(box, generated);
  box = Padded(box, .05);
  Figure figure(1200, 620, {.columns = 2, .fit_height = true});
  const char* titles[] = {"data", "generated"};
  const Tensor* points[] = {&data, &generated};
  for (int i = 0; i < 2; ++i) {
    Axes& axes = figure.At(0, i);
    axes.Scatter(Column(*points[i], 0), Column(*points[i], 1), {.radius = 2, .alpha = .6});
    axes.Title(absl::StrCat(titles[i], " (", points[i]->size(0), " points)"));
    axes.XLabel("x").YLabel("y");
    SetLimits(axes, box);
  }
  return figure.Write(path);
}

absl::Status DrawTrajectories(const std::vector<Tensor>& states, const std::string& path) {
  Figure figure(900, 800, {.fit_height = true});
  Axes& axes = figure.At(0, 0);
  const size_t count = static_cast<size_t>(states[0].size(0));
  Box box;
  for (const Tensor& state : states) Include(box, state);
  std::vector<float> x(states.size()), y(states.size());
  for (size_t i = 0; i < count; ++i) {
    for (size_t k = 0; k < states.size(); ++k) {
      x[k] = states[k].span<float>()[2 * i];
      y[k] = states[k].span<float>()[2 * i + 1];
    }
    plot::LineStyle style = {.color = plot::Hex(0x8a8a8a), .width = .7, .alpha = .35};
    if (i == 0) style.label = "path";
    axes.Line(x, y, style);
  }
  axes.Scatter(Column(states.front(), 0), Column(states.front(), 1),
               {.radius = 2, .alpha = .8, .label = "noise, t = 0"});
  axes.Scatter(Column(states.back(), 0), Column(states.back(), 1),
               {.radius = 2.4, .alpha = .9, .label = "samples, t = 1"});
  axes.Title("From noise to data").XLabel("x").YLabel("y");
  SetLimits(axes, Padded(box, .03));
  return figure.Write(path);
}

absl::Status DrawDensity(const Options& options, const flowmatch::VelocityModel& model,
                         const Tensor& data, const std::string& path) {
  constexpr int kColumns = 160, kRows = 128;
  Box box;
  Include(box, data);
  box = Padded(box, .12);
  const flowmatch::OdeOptions ode = {.method = flowmatch::OdeMethod::kMidpoint, .steps = 100};
  const Tensor grid = LogLikelihood(model, GridPoints(box, kColumns, kRows), ode,
                                    options.scheduler->training_times());
  Figure figure(1000, 760, {.fit_height = true});
  Axes& axes = figure.At(0, 0);
  // Below e^-8 there is nothing to see, and the tails would take all the colours.
  const std::span<const float> values = grid.span<float>();
  const double top = static_cast<double>(*std::max_element(values.begin(), values.end()));
  axes.HeatMap(Series(values), kRows, kColumns, {box.x0, box.x1, box.y0, box.y1},
               {.map = plot::ColorMap::kMagma, .lo = -8., .hi = top, .color_bar_label = "ln p(x)"});
  axes.Title("Exact log-likelihood").XLabel("x").YLabel("y").EqualAspect().Grid(false);
  return figure.Write(path);
}

absl::Status DrawFlow(const Options& options, const flowmatch::VelocityModel& model,
                      const std::vector<Tensor>& states, const std::string& path) {
  constexpr int kPanels = 5, kArrows = 18;
  const autograd::NoGrad guard;
  const flowmatch::TimeRange range = options.scheduler->training_times();
  Box box;
  for (const Tensor& state : states) Include(box, state);
  box = Padded(box, .02);
  const Tensor grid = GridPoints(box, kArrows, kArrows);
  Figure figure(2000, 470, {.columns = kPanels, .fit_height = true});
  for (int i = 0; i < kPanels; ++i) {
    const size_t index = static_cast<size_t>(i) * (states.size() - 1) / (kPanels - 1);
    const double t = range.first + (range.last - range.first) * i / (kPanels - 1);
    const Tensor velocity = FieldOf(model, options.dtype)(grid, autograd::Full({grid.size(0)}, t));
    Axes& axes = figure.At(0, i);
    axes.Scatter(Column(states[index], 0), Column(states[index], 1), {.radius = 1.6, .alpha = .5});
    axes.Quiver(Column(grid, 0), Column(grid, 1), Column(velocity, 0), Column(velocity, 1),
                {.width = 1.2, .alpha = .8});
    axes.Title(absl::StrFormat("t = %.2f", t)).XLabel("x");
    if (i == 0) axes.YLabel("y");
    SetLimits(axes, box);
  }
  return figure.Write(path);
}

}  // namespace examples::moons
