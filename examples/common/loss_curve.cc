#include "examples/common/loss_curve.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"

namespace examples {

void AddLossCurve(plot::Axes& axes, std::span<const float> losses, size_t window) {
  if (losses.empty()) return;
  window = std::clamp<size_t>(window, 1, losses.size());
  std::vector<double> step, raw, smooth_step, smooth;
  double sum = 0;
  for (size_t i = 0; i < losses.size(); ++i) {
    step.push_back(static_cast<double>(i + 1));
    raw.push_back(static_cast<double>(losses[i]));
    sum += raw[i];
    if (i >= window) sum -= raw[i - window];
    if (i + 1 < window) continue;
    smooth_step.push_back(step[i] - static_cast<double>(window - 1) / 2);
    smooth.push_back(sum / static_cast<double>(window));
  }
  // Thousands of points overlap and grow dark; a few hundred would hardly be seen.
  constexpr size_t kMany = 3000;
  const double alpha = raw.size() < kMany ? .7 : .25;
  axes.Line(step, raw, {.width = .6, .alpha = alpha, .label = "each batch"});
  axes.Line(smooth_step, smooth, {.width = 2.2, .label = absl::StrCat("mean of ", window)});
  std::vector<double> sorted = raw;
  std::sort(sorted.begin(), sorted.end());
  const double low = sorted[sorted.size() / 500],
               high = sorted[sorted.size() - 1 - sorted.size() / 100];
  const double margin = .1 * (high - low) + 1e-6;
  axes.YLimits(low - margin, high + margin);
  axes.XLabel("iteration").YLabel("loss");
}

}  // namespace examples
