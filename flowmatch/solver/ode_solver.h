// Solvers of dx/dt = v(x, t): from noise at t = 0 to data at t = 1, or back.
//
// Fixed-step methods take `steps` equal steps, or those of a grid of times
// (flowmatch/time/time_grid.h makes some); dopri5 chooses its own to keep the error below a
// tolerance. All work in either direction of time, never call v outside the interval asked for, and
// return states at any times in between. If recording is on, the result can be differentiated
// through the steps (with respect to x and to v's parameters); sample under NoGrad to keep no
// graph.
//
// Example:
//   auto decay = [](const Tensor& x, const Tensor& t) { return x * -1.0; };
//   Tensor x = Ones({3, 2}, DType::kF64);
//   OdeSolution solution = SolveOde(decay, x, {0, .5, 1}, {.method = OdeMethod::kDopri5});
//   std::cout << solution.states[1] << solution.x << "\n";  // exp(-.5) and exp(-1)
//   std::cout << solution.evaluations << " evaluations\n";
//   // Three steps that grow shorter towards the end.
//   SolveOde(decay, x, {0, 1}, {.method = OdeMethod::kHeun2, .grid = {0, .5, .8, 1}});
#ifndef FLOWMATCH_SOLVER_ODE_SOLVER_H_
#define FLOWMATCH_SOLVER_ODE_SOLVER_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/creation.h"
#include "autograd/tensor.h"

namespace flowmatch {

using autograd::Tensor;

// v(x, t): x [B, ...], t [B] of x's dtype with the time of each sample; the result has x's shape.
using VelocityField = std::function<Tensor(const Tensor& x, const Tensor& t)>;

// kRk4 is the classical method, kRk438 the 3/8 rule, kHeun2 the explicit trapezoid rule, kHeun3
// Heun's third-order method (Hairer, Norsett, Wanner: Solving Ordinary Differential Equations I,
// section II.1). kDopri5 is the adaptive pair of Dormand and Prince (same book, table II.5.2).
enum class OdeMethod { kEuler, kMidpoint, kHeun2, kHeun3, kRk4, kRk438, kDopri5 };

// "euler", "midpoint", "heun2", "heun3", "rk4", "rk4_38", "dopri5".
const char* OdeMethodName(OdeMethod method);
// InvalidArgumentError listing the names for an unknown one.
absl::StatusOr<OdeMethod> OdeMethodByName(absl::string_view name);

struct OdeOptions {
  OdeMethod method = OdeMethod::kMidpoint;
  // Number of equal steps between the first and the last time. 0: step size control for kDopri5,
  // 100 steps otherwise. kDopri5 with more takes that many equal steps of its fifth-order formula.
  int steps = 0;
  // The times of the steps, first and last included, where they are not equal: strictly monotone
  // from the first to the last of the times asked for. They are taken as they are, and never
  // sorted. `steps` must be 0 then. kDopri5 takes these steps too, by its fifth-order formula.
  std::vector<double> grid = {};
  // Error control of kDopri5: a step is accepted if the root mean square over all elements of
  // error / (atol + rtol max(|x before|, |x after|)) is at most 1. In f32, tolerances below 1e-6
  // are out of reach.
  double rtol = 1e-3;
  double atol = 1e-6;
  // Of kDopri5, accepted and rejected; reaching it throws NumericalError.
  int64_t max_steps = 100000;
};

struct OdeSolution {
  // At the last time.
  Tensor x;
  // At every time asked for, the first included.
  std::vector<Tensor> states;
  // Calls of v, and steps of kDopri5 that were accepted and rejected (for other methods: steps, 0).
  int64_t evaluations = 0;
  int64_t accepted = 0;
  int64_t rejected = 0;
};

// Integrates from times.front(), where the state is x (f32 or f64, [B, ...]), to times.back().
// Times between are interpolated (cubic Hermite for fixed steps, fourth-order dense output for
// dopri5) and do not change the steps. Throws std::invalid_argument unless there are two or more
// times, all finite and strictly increasing or strictly decreasing, options are in range, and a
// grid goes from the first to the last of the times; NumericalError if the step size underflows
// (naming t, the step and the error) or max_steps is reached.
OdeSolution SolveOde(const VelocityField& v, const Tensor& x, const std::vector<double>& times,
                     const OdeOptions& options = {});

// The same for several tensors that evolve together, [B, ...] each.
using StateField =
    std::function<std::vector<Tensor>(const std::vector<Tensor>& state, const Tensor& t)>;
struct OdeStateSolution {
  std::vector<std::vector<Tensor>> states;
  int64_t evaluations = 0;
  int64_t accepted = 0;
  int64_t rejected = 0;
};
OdeStateSolution SolveOdeState(const StateField& field, const std::vector<Tensor>& state,
                               const std::vector<double>& times, const OdeOptions& options = {});

}  // namespace flowmatch

#endif  // FLOWMATCH_SOLVER_ODE_SOLVER_H_
