#include "examples/common/loss_curve.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "absl/strings/str_cat.h"

namespace examples {

MeanCurve MeanOfLosses(std::span<const float> losses, size_t window) {
  MeanCurve curve;
  // Each window anew: a loss that is not finite shall not spoil all that follow.
  for (size_t end = window; end <= losses.size(); ++end) {
    const std::span<const float> near = losses.subspan(end - window, window);
    curve.iterations.push_back(static_cast<double>(end) - static_cast<double>(window - 1) / 2);
    curve.losses.push_back(std::accumulate(near.begin(), near.end(), 0.0) /
                           static_cast<double>(window));
  }
  return curve;
}

void AddLossCurve(plot::Axes& axes, std::span<const float> losses, size_t window,
                  std::optional<double> also) {
  if (losses.empty()) return;
  window = std::clamp<size_t>(window, 1, losses.size());
  std::vector<double> step, raw;
  for (size_t i = 0; i < losses.size(); ++i) {
    step.push_back(static_cast<double>(i + 1));
    raw.push_back(static_cast<double>(losses[i]));
  }
  // Thousands of points overlap and grow dark; a few hundred would hardly be seen.
  constexpr size_t kMany = 3000;
  const double alpha = raw.size() < kMany ? .7 : .25;
  axes.Line(step, raw, {.width = .6, .alpha = alpha, .label = "each batch"});
  if (window > 1) {
    const MeanCurve mean = MeanOfLosses(losses, window);
    axes.Line(mean.iterations, mean.losses,
              {.width = 2.2, .label = absl::StrCat("mean of ", window)});
  }
  std::vector<double> sorted = raw;
  std::sort(sorted.begin(), sorted.end());
  double low = sorted[sorted.size() / 500], high = sorted[sorted.size() - 1 - sorted.size() / 100];
  low = std::min(low, also.value_or(low));
  high = std::max(high, also.value_or(high));
  const double margin = .1 * (high - low) + 1e-6;
  axes.YLimits(low - margin, high + margin);
  axes.XLabel("iteration").YLabel("loss");
}

}  // namespace examples
