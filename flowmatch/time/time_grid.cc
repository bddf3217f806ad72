#include "flowmatch/time/time_grid.h"

#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <string>

#include "absl/strings/str_cat.h"
#include "flowmatch/time/time_shift.h"

namespace flowmatch {
namespace {

void CheckSteps(const char* name, int steps) {
  if (steps >= 1) return;
  throw std::invalid_argument(absl::StrCat(name, ": ", steps, " steps, expected 1 or more"));
}

void CheckIncreasing(const char* name, const std::vector<double>& grid) {
  for (size_t i = 0; i + 1 < grid.size(); ++i) {
    if (grid[i] < grid[i + 1]) continue;
    throw std::invalid_argument(absl::StrCat(name, ": the times ", i, " and ", i + 1,
                                             " coincide at ", grid[i],
                                             "; take fewer steps or milder parameters"));
  }
}

}  // namespace

std::vector<double> UniformTimeGrid(int steps, const TimeRange& range) {
  CheckSteps("UniformTimeGrid", steps);
  const double length = range.last - range.first;
  if (!(length > 0 && std::isfinite(length))) {
    throw std::invalid_argument(absl::StrCat("UniformTimeGrid: range from ", range.first, " to ",
                                             range.last, ", expected first < last"));
  }
  std::vector<double> grid;
  for (int i = 0; i < steps; ++i) grid.push_back(range.first + length * i / steps);
  grid.push_back(range.last);
  CheckIncreasing("UniformTimeGrid", grid);
  return grid;
}

std::vector<double> ShiftedTimeGrid(int steps, double shift) {
  CheckSteps("ShiftedTimeGrid", steps);
  if (!(shift > 0 && std::isfinite(shift))) {
    throw std::invalid_argument(
        absl::StrCat("ShiftedTimeGrid: shift is ", shift, ", expected a finite number above 0"));
  }
  std::vector<double> grid = UniformTimeGrid(steps);
  for (double& time : grid) time = ShiftTime(time, shift);
  CheckIncreasing("ShiftedTimeGrid", grid);
  return grid;
}

std::vector<double> EdmTimeGrid(int steps, const EdmGridOptions& options) {
  CheckSteps("EdmTimeGrid", steps);
  const auto [largest, smallest, rho] = options;
  if (!(0 < smallest && smallest < largest && rho > 0 && std::isfinite(largest) &&
        std::isfinite(rho))) {
    throw std::invalid_argument(absl::StrCat("EdmTimeGrid: sigma_max is ", largest, ", sigma_min ",
                                             smallest, " and rho ", rho,
                                             ", expected 0 < sigma_min < sigma_max and rho > 0"));
  }
  const double from = std::pow(largest, 1 / rho), to = std::pow(smallest, 1 / rho);
  std::vector<double> grid = {1 / (1 + largest)};
  for (int i = 1; i < steps; ++i) {
    // The end itself, so that rounding of the powers does not show.
    const double sigma =
        i == steps - 1 ? smallest : std::pow(from + (to - from) * i / (steps - 1), rho);
    grid.push_back(1 / (1 + sigma));
  }
  grid.push_back(1);
  CheckIncreasing("EdmTimeGrid", grid);
  return grid;
}

}  // namespace flowmatch
