#include "examples/plot/figure.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "examples/plot/canvas.h"
#include "examples/plot/font.h"
#include "examples/plot/panel.h"

namespace examples::plot {
namespace {

constexpr double kBorder = 12, kGap = 22, kHeading = 19;

// Whole-pixel cells of equal size: `count` of them between `begin` and `end`, with `before` and
// `after` pixels of labels around each and `gap` between.
std::vector<std::pair<int, int>> Divide(double begin, double end, int count, double before,
                                        double after, double gap) {
  const double size = std::max(1.0, (end - begin - gap * (count - 1)) / count - before - after);
  std::vector<std::pair<int, int>> cells;
  for (int i = 0; i < count; ++i) {
    const int first = static_cast<int>(begin + i * (before + size + after + gap) + before);
    cells.emplace_back(first, first + std::max(1, static_cast<int>(size)));
  }
  return cells;
}

}  // namespace

Figure::Figure(int width, int height, const FigureOptions& options)
    : width_(width), height_(height), options_(options) {
  if (width < 1 || height < 1 || width > 16384 || height > 16384 || options.rows < 1 ||
      options.columns < 1 || !(options.scale > 0)) {
    throw std::invalid_argument(
        "Figure: " + std::to_string(width) + " × " + std::to_string(height) + " pixels, " +
        std::to_string(options.rows) + " × " + std::to_string(options.columns) + " panels, scale " +
        std::to_string(options.scale));
  }
  for (int i = 0; i < options.rows * options.columns; ++i)
    panels_.push_back(std::make_unique<Axes>());
}

Figure::~Figure() = default;

Axes& Figure::At(int row, int column) {
  if (row < 0 || column < 0 || row >= options_.rows || column >= options_.columns) {
    throw std::invalid_argument("Figure::At: panel (" + std::to_string(row) + ", " +
                                std::to_string(column) + ") of " + std::to_string(options_.rows) +
                                " × " + std::to_string(options_.columns));
  }
  return *panels_[static_cast<size_t>(row * options_.columns + column)];
}

Figure& Figure::Title(std::string text) {
  title_ = std::move(text);
  return *this;
}

absl::StatusOr<Image> Figure::Render() const {
  const auto font = Font::Default();
  if (!font.ok()) return font.status();
  const double scale = options_.scale, border = kBorder * scale, gap = kGap * scale;
  const TextStyle heading{
      .size = static_cast<float>(kHeading * scale), .h = HAlign::kCenter, .v = VAlign::kTop};
  const double top =
      title_.empty() ? border : border + (*font)->CapHeight(heading.size) + 16 * scale;
  std::vector<Panel> panels;
  for (const auto& axes : panels_) panels.emplace_back(*axes, **font, scale);
  // Ticks depend on the panels' size and the size on the room that tick labels need; the second
  // round settles it. All panels share the largest margins, so that their frames line up.
  Margins margins;
  int height = height_;
  std::vector<std::pair<int, int>> columns, rows;
  const auto divide = [&] {
    columns = Divide(border, width_ - border, options_.columns, margins.left, margins.right, gap);
    rows = Divide(top, height - border, options_.rows, margins.top, margins.bottom, gap);
  };
  divide();
  for (int round = 0; round < 2; ++round) {
    const int cell_width = columns[0].second - columns[0].first,
              cell_height = rows[0].second - rows[0].first;
    margins = Margins();
    for (const Panel& panel : panels) margins.Grow(panel.Measure(cell_width, cell_height));
    divide();
  }
  if (options_.fit_height) {
    const int width = columns[0].second - columns[0].first,
              cell_height = rows[0].second - rows[0].first;
    int used = 1;
    for (const Panel& panel : panels)
      used = std::max(used, panel.Fit({0, 0, width, cell_height}).height());
    height -= (cell_height - used) * options_.rows;
    divide();
  }
  Canvas canvas(width_, height, kWhite);
  canvas.DrawText(**font, title_, width_ / 2.0, border, heading);
  for (size_t i = 0; i < panels.size(); ++i) {
    const auto [x0, x1] = columns[i % columns.size()];
    const auto [y0, y1] = rows[i / columns.size()];
    panels[i].Draw(canvas, {x0, y0, x1, y1});
  }
  return canvas.ToImage();
}

absl::Status Figure::Write(const std::string& path) const {
  const absl::StatusOr<Image> image = Render();
  if (!image.ok()) return image.status();
  return WritePng(path, *image);
}

}  // namespace examples::plot
