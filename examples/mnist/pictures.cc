#include "examples/mnist/pictures.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "examples/common/loss_curve.h"
#include "examples/plot/figure.h"

namespace examples::mnist {
namespace {

using autograd::Tensor;
using plot::Axes;
using plot::Figure;

constexpr int kSide = 28;
constexpr size_t kPixels = size_t{kSide} * kSide;
// Screen pixels for each of an image's, the gap between images, and room for title and labels.
constexpr int kZoom = 3, kGap = 4, kMargin = 90;
constexpr int kLargestSide = 16000;

// (x + 1) / 2; the drawing clips it.
std::vector<float> Levels(std::span<const float> pixels) {
  std::vector<float> levels(pixels.size());
  std::transform(pixels.begin(), pixels.end(), levels.begin(), [](float x) { return (x + 1) / 2; });
  return levels;
}

int SideOf(int images) { return std::min(images * (kSide * kZoom + kGap) + kMargin, kLargestSide); }

absl::Status DrawTiles(const std::vector<float>& levels, int rows, int columns,
                       const plot::TilesStyle& style, const std::string& title,
                       const std::string& path) {
  Figure figure(SideOf(columns), SideOf(rows));
  figure.At(0, 0).Tiles(levels, rows, columns, kSide, kSide, 1, style).Title(title);
  return figure.Write(path);
}

}  // namespace

std::string LabelName(int64_t label) { return label == 0 ? "null" : absl::StrCat(label - 1); }

absl::Status DrawGrid(const Tensor& images, const std::vector<int64_t>& labels,
                      const std::string& title, const std::string& path) {
  plot::TilesStyle style = {.gap = kGap};
  for (const int64_t label : labels) style.column_labels.push_back(LabelName(label));
  const int columns = static_cast<int>(labels.size());
  return DrawTiles(Levels(images.span<float>()), static_cast<int>(images.size(0)) / columns,
                   columns, style, title, path);
}

absl::Status DrawFlow(const std::vector<Tensor>& states, const std::vector<double>& times,
                      const std::vector<int64_t>& labels, const std::string& title,
                      const std::string& path) {
  plot::TilesStyle style = {.gap = kGap};
  for (const double t : times) style.column_labels.push_back(absl::StrFormat("t = %.3g", t));
  std::vector<float> levels;
  for (size_t row = 0; row < labels.size(); ++row) {
    style.row_labels.push_back(LabelName(labels[row]));
    for (const Tensor& state : states) {
      const std::vector<float> image = Levels(state.span<float>().subspan(row * kPixels, kPixels));
      levels.insert(levels.end(), image.begin(), image.end());
    }
  }
  return DrawTiles(levels, static_cast<int>(labels.size()), static_cast<int>(states.size()), style,
                   title, path);
}

absl::Status DrawLoss(const std::vector<float>& losses, const std::vector<float>& test_losses,
                      int64_t iterations_per_epoch, bool averaged, const std::string& path) {
  // As in the line printed for each epoch; of a short run less, so that there is a curve.
  const size_t window = std::min<size_t>(100, losses.size() / 5);
  Figure figure(1000, 600);
  Axes& axes = figure.At(0, 0);
  AddLossCurve(axes, losses, window);
  std::vector<double> step, measured;
  for (size_t epoch = 0; epoch < test_losses.size(); ++epoch) {
    if (std::isnan(test_losses[epoch])) continue;
    step.push_back(static_cast<double>(epoch + 1) * static_cast<double>(iterations_per_epoch));
    measured.push_back(static_cast<double>(test_losses[epoch]));
  }
  if (!step.empty()) {
    const char* label = averaged ? "test images (averaged weights)" : "test images";
    axes.Scatter(step, measured, {.radius = 4, .label = label});
  }
  axes.Title("MNIST: conditional flow matching loss");
  return figure.Write(path);
}

}  // namespace examples::mnist
