// Times for a solver to step through: where to spend a given number of steps.
//
// A grid of N steps has N + 1 times, strictly increasing, the last of them 1 (or range.last). Give
// it to SolveOde as OdeOptions::grid; reversed, it integrates from data to noise.
//
// Example:
//   auto v = [](const Tensor& x, const Tensor& t) { return x * -1.0; };
//   std::vector<double> grid = ShiftedTimeGrid(50, 3);
//   OdeSolution solution = SolveOde(v, Ones({4, 2}), {grid.front(), grid.back()},
//                                   {.method = OdeMethod::kEuler, .grid = grid});
//   std::cout << UniformTimeGrid(4)[1] << "\n";  // .25
#ifndef FLOWMATCH_TIME_TIME_GRID_H_
#define FLOWMATCH_TIME_TIME_GRID_H_

#include <vector>

#include "flowmatch/path/scheduler.h"

namespace flowmatch {

// first + (last - first) i / steps: the equal steps that SolveOde takes by itself, to the bit.
// Throws std::invalid_argument unless steps >= 1 and first < last, both finite.
std::vector<double> UniformTimeGrid(int steps, const TimeRange& range = {0, 1});

// The uniform grid on [0, 1] after ShiftTime (time_shift.h), once: with shift > 1, more steps near
// the noise (Esser et al. 2403.03206, section 5.3.2). Give times that were not shifted yet, so no
// second shift. Throws std::invalid_argument unless steps >= 1 and shift > 0 is finite, and for a
// shift so extreme that times coincide.
std::vector<double> ShiftedTimeGrid(int steps, double shift);

struct EdmGridOptions {
  double sigma_max = 80;
  double sigma_min = .002;
  double rho = 7;
};

// Karras et al. 2206.00364, equation 5: sigma_i = (sigma_max^(1/rho) + i / (N - 1)
// (sigma_min^(1/rho) - sigma_max^(1/rho)))^rho for i = 0 ... N - 1, at times 1 / (1 + sigma_i), and
// then 1. One step goes from sigma_max. The grid starts at 1 / (1 + sigma_max), by default 1/81,
// not at 0: the state there is still noise but for one part in 81, and N(0, 1) commonly stands for
// it. Throws std::invalid_argument unless steps >= 1, 0 < sigma_min < sigma_max and rho > 0, all
// finite, and where times coincide.
std::vector<double> EdmTimeGrid(int steps, const EdmGridOptions& options = {});

}  // namespace flowmatch

#endif  // FLOWMATCH_TIME_TIME_GRID_H_
