// A picture of one or more panels: the plots of the example programs.
//
// Example:
//   std::vector<double> steps, loss;
//   for (int i = 0; i < 100; ++i) {
//     steps.push_back(i);
//     loss.push_back(0.9 + 1.0 / (1.0 + i));
//   }
//   examples::plot::Figure figure(800, 500);
//   examples::plot::Axes& axes = figure.At(0, 0);
//   axes.Line(steps, loss, {.label = "loss"}).HLine(0.9, {.dashed = true, .label = "floor"});
//   axes.Title("Training").XLabel("iteration").YLabel("loss");
//   const absl::Status status = figure.Write("loss.png");
//   if (!status.ok()) std::cerr << status.ToString() << "\n";
#ifndef EXAMPLES_PLOT_FIGURE_H_
#define EXAMPLES_PLOT_FIGURE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "examples/plot/axes.h"
#include "examples/plot/image.h"

namespace examples::plot {

struct FigureOptions {
  int rows = 1, columns = 1;  // of panels, equally large
  double scale = 1;  // of text, lines, markers and margins: 2 with twice the size gives the same
                     // picture, finer
  // The picture's height becomes less than asked for where panels with an equal aspect would leave
  // space above and below themselves.
  bool fit_height = false;
};

class Figure {
 public:
  // Size in pixels. Throws std::invalid_argument for sizes outside 1 … 16384, no panels, or a scale
  // ≤ 0.
  Figure(int width, int height, const FigureOptions& options = {});
  ~Figure();
  Figure(const Figure&) = delete;
  Figure& operator=(const Figure&) = delete;

  // The panel at (row, column), counted from the upper left. Throws std::invalid_argument outside
  // the grid.
  Axes& At(int row, int column);

  // A heading above all panels.
  Figure& Title(std::string text);

  // Draws. The only error is a missing font.
  absl::StatusOr<Image> Render() const;

  // Draws and writes a PNG file; see WritePng() for errors.
  absl::Status Write(const std::string& path) const;

 private:
  int width_, height_;
  FigureOptions options_;
  std::string title_;
  std::vector<std::unique_ptr<Axes>> panels_;
};

}  // namespace examples::plot

#endif  // EXAMPLES_PLOT_FIGURE_H_
