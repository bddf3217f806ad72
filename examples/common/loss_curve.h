// The losses of a training run as a curve: every single one, and their moving mean over it.
//
// Example:
//   std::vector<float> losses;
//   for (int i = 0; i < 500; ++i) losses.push_back(1.0f / static_cast<float>(1 + i));
//   examples::plot::Figure figure(1000, 600);
//   examples::AddLossCurve(figure.At(0, 0), losses, 10);
#ifndef EXAMPLES_COMMON_LOSS_CURVE_H_
#define EXAMPLES_COMMON_LOSS_CURVE_H_

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "examples/plot/axes.h"

namespace examples {

// Draws the losses of iterations 1, 2, ... and the mean of each `window` neighbouring ones (of all,
// if fewer; no mean of a single one), names the horizontal axis, and limits the vertical one to
// where most losses are, the first few being far above the rest, and to `also`. Nothing for no
// losses.
void AddLossCurve(plot::Axes& axes, std::span<const float> losses, size_t window,
                  std::optional<double> also = std::nullopt);

// The mean of each `window` neighbouring losses, at the middle of their iterations; 1 <= window <=
// losses.size().
struct MeanCurve {
  std::vector<double> iterations, losses;
};
MeanCurve MeanOfLosses(std::span<const float> losses, size_t window);

}  // namespace examples

#endif  // EXAMPLES_COMMON_LOSS_CURVE_H_
