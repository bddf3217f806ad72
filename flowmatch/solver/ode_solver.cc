#include "flowmatch/solver/ode_solver.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "autograd/errors.h"
#include "flowmatch/solver/state_math.h"
#include "flowmatch/solver/tableau.h"

namespace flowmatch {
namespace {

using autograd::DType;
using internal::Combine;
using internal::ScaledNorm;
using internal::State;

constexpr int kDefaultSteps = 100;

// The number of steps that are settled before the first; 0 for step size control.
int FixedSteps(const OdeOptions& options) {
  if (!options.grid.empty()) return static_cast<int>(options.grid.size()) - 1;
  if (options.steps > 0) return options.steps;
  return options.method == OdeMethod::kDopri5 ? 0 : kDefaultSteps;
}

void CheckTimes(const char* what, const std::vector<double>& times) {
  bool monotone = times.size() >= 2;
  for (size_t i = 0; i + 1 < times.size(); ++i) {
    const bool ascending = times.back() > times.front();
    monotone = monotone && std::isfinite(times[i]) && std::isfinite(times[i + 1]) &&
               (ascending ? times[i] < times[i + 1] : times[i] > times[i + 1]);
  }
  if (monotone) return;
  std::string list;
  for (const double time : times) absl::StrAppend(&list, list.empty() ? "" : ", ", time);
  throw std::invalid_argument(
      absl::StrCat("SolveOde: ", what, " [", list,
                   "], expected two or more, strictly increasing or decreasing"));
}

void CheckGrid(const std::vector<double>& times, const OdeOptions& options) {
  const std::vector<double>& grid = options.grid;
  CheckTimes("the grid is", grid);
  if (grid.front() != times.front() || grid.back() != times.back()) {
    throw std::invalid_argument(absl::StrCat("SolveOde: the grid goes from ", grid.front(), " to ",
                                             grid.back(), " and the times from ", times.front(),
                                             " to ", times.back(), ", expected the same ends"));
  }
  if (options.steps != 0) {
    throw std::invalid_argument(absl::StrCat("SolveOde: ", options.steps, " steps and a grid of ",
                                             grid.size() - 1, ", expected one of the two"));
  }
}

void CheckArguments(const State& state, const std::vector<double>& times,
                    const OdeOptions& options) {
  if (state.empty()) throw std::invalid_argument("SolveOde: no state to integrate");
  for (const Tensor& x : state) {
    const bool floating = x.defined() && (x.dtype() == DType::kF32 || x.dtype() == DType::kF64);
    if (!floating || x.rank() < 1) {
      throw std::invalid_argument(absl::StrCat("SolveOde: the state is ", Describe(x),
                                               ", expected f32 or f64 of shape [B, ...]"));
    }
    if (x.size(0) != state[0].size(0) || x.dtype() != state[0].dtype()) {
      throw std::invalid_argument(absl::StrCat("SolveOde: the state has ", Describe(state[0]),
                                               " and ", Describe(x),
                                               ", expected the same B and dtype"));
    }
  }
  CheckTimes("times are", times);
  if (!options.grid.empty()) CheckGrid(times, options);
  if (options.steps < 0) {
    throw std::invalid_argument(
        absl::StrCat("SolveOde: ", options.steps, " steps of ", OdeMethodName(options.method)));
  }
  const bool adaptive = FixedSteps(options) == 0;
  if (adaptive && options.max_steps < 1) {
    throw std::invalid_argument(
        absl::StrCat("SolveOde: max_steps is ", options.max_steps, ", expected 1 or more"));
  }
  if (adaptive && !(options.rtol >= 0 && options.atol >= 0 && options.rtol + options.atol > 0)) {
    throw std::invalid_argument(absl::StrCat("SolveOde: rtol is ", options.rtol, " and atol ",
                                             options.atol, ", expected 0 or more, not both 0"));
  }
}

// A step from t to t_next: states at both ends and the stages.
struct Step {
  double t, t_next;
  State before, after;
  std::vector<State> ks;
};

class Integrator {
 public:
  Integrator(const StateField& field, const std::vector<double>& times, const OdeOptions& options)
      : field_(field),
        times_(times),
        options_(options),
        tableau_(TableauOf(options.method)),
        fixed_steps_(FixedSteps(options)) {}

  OdeStateSolution Run(const State& initial) {
    solution_.states.push_back(initial);
    next_time_ = 1;
    fixed_steps_ == 0 ? RunAdaptive(initial) : RunFixed(initial);
    return std::move(solution_);
  }

 private:
  double start() const { return times_.front(); }
  double end() const { return times_.back(); }
  double direction() const { return end() > start() ? 1 : -1; }
  bool has_last_stage() const { return options_.method == OdeMethod::kDopri5; }

  State Evaluate(const State& state, double t) {
    ++solution_.evaluations;
    const Tensor time = autograd::Full({state[0].size(0)}, t, state[0].dtype());
    State k = field_(state, time);
    for (size_t j = 0; j < state.size(); ++j) {
      if (k.size() != state.size() || !k[j].defined() || k[j].shape() != state[j].shape() ||
          k[j].dtype() != state[j].dtype()) {
        throw std::invalid_argument(absl::StrCat("SolveOde: the velocity of a state ",
                                                 Describe(state[j]), " is ",
                                                 k.size() > j ? Describe(k[j]) : "missing"));
      }
    }
    return k;
  }

  // One step; k1 is the velocity at its beginning.
  Step Advance(const State& state, double t, double t_next, State k1) {
    Step step{t, t_next, state, {}, {std::move(k1)}};
    const double h = t_next - t;
    for (size_t i = 1; i < tableau_.c.size(); ++i) {
      State inner = Combine(state, h, tableau_.a[i], step.ks);
      // The end itself, so that rounding never carries a time past it.
      const double time = tableau_.c[i] == 1 ? t_next : t + tableau_.c[i] * h;
      // The last stage of dopri5 is the velocity at the end of the step.
      if (has_last_stage() && i + 1 == tableau_.c.size()) step.after = inner;
      step.ks.push_back(Evaluate(inner, time));
    }
    if (!has_last_stage()) step.after = Combine(state, h, tableau_.b, step.ks);
    return step;
  }

  // Stores the states at the requested times inside a step. `k_end` gives the velocity at its end.
  template <class Velocity>
  void Emit(const Step& step, Velocity k_end) {
    while (next_time_ < times_.size() && direction() * (times_[next_time_] - step.t_next) <= 0) {
      const double time = times_[next_time_++];
      if (time == step.t_next) {
        solution_.states.push_back(step.after);
        continue;
      }
      const double h = step.t_next - step.t, theta = (time - step.t) / h;
      if (has_last_stage()) {
        solution_.states.push_back(Combine(step.before, h, Dopri5DenseWeights(theta), step.ks));
      } else {
        solution_.states.push_back(Hermite(step, theta, k_end()));
      }
    }
  }

  // The cubic through both ends of a step with their velocities.
  static State Hermite(const Step& step, double theta, const State& k_end) {
    const double h = step.t_next - step.t, rest = 1 - theta;
    const double to_end = theta * theta * (3 - 2 * theta);
    State result;
    for (size_t j = 0; j < step.before.size(); ++j) {
      result.push_back(step.before[j] + (step.after[j] - step.before[j]) * to_end +
                       step.ks[0][j] * (h * theta * rest * rest) -
                       k_end[j] * (h * theta * theta * rest));
    }
    return result;
  }

  // Where fixed step i ends.
  double FixedTime(int i) const {
    if (!options_.grid.empty()) return options_.grid[static_cast<size_t>(i)];
    return i == fixed_steps_ ? end() : start() + (end() - start()) * i / fixed_steps_;
  }

  void RunFixed(State state) {
    State k1 = Evaluate(state, start());
    for (int i = 1; i <= fixed_steps_; ++i) {
      const Step step = Advance(state, FixedTime(i - 1), FixedTime(i), std::move(k1));
      ++solution_.accepted;
      k1 = has_last_stage() ? step.ks.back() : State();
      Emit(step, [&] {
        if (k1.empty()) k1 = Evaluate(step.after, step.t_next);
        return k1;
      });
      state = step.after;
      if (k1.empty() && i < fixed_steps_) k1 = Evaluate(state, FixedTime(i));
    }
  }

  // Hairer, Norsett, Wanner I, section II.4, "starting step size".
  double FirstStep(const State& state, const State& k1) {
    const double length = std::abs(end() - start());
    const auto norm = [&](const std::vector<double>& weights, const std::vector<State>& ks) {
      return ScaledNorm(weights, ks, state, state, options_.rtol, options_.atol);
    };
    const double d0 = norm({1}, {state}), d1 = norm({1}, {k1});
    double h0 = d0 < 1e-5 || d1 < 1e-5 ? 1e-6 : .01 * d0 / d1;
    // A velocity that is infinite or NaN leaves no scale; the first step is then rejected.
    h0 = std::min(std::isfinite(h0) && h0 > 0 ? h0 : 1e-6, length);
    const State moved = Combine(state, direction() * h0, {1}, {k1});
    const State k2 = Evaluate(moved, TimeAfter(start(), h0));
    const double d2 = norm({-1, 1}, {k1, k2}) / h0;
    const double largest = std::max(d1, d2);
    const double h1 =
        largest <= 1e-15 ? std::max(1e-6, 1e-3 * h0) : std::pow(.01 / largest, 1. / 5);
    const double h = std::min({100 * h0, h1, length});
    return std::isfinite(h) && h > 0 ? h : h0;
  }

  // t moved by h > 0 towards the end, and never past it.
  double TimeAfter(double t, double h) const {
    // A last sliver would cost a step of its own.
    return h >= std::abs(end() - t) * (1 - 1e-12) ? end() : t + direction() * h;
  }

  void CheckStep(double t, double h, double error) const {
    const double smallest = 16 * std::numeric_limits<double>::epsilon() *
                            std::max(std::abs(t), std::abs(end() - start()));
    if (h < smallest) {
      throw autograd::NumericalError(absl::StrCat(
          "SolveOde: step size underflow at t = ", t, ": step ", h, ", scaled error ", error,
          "; raise rtol or atol, use f64, or check the velocity field for singularities"));
    }
    if (solution_.accepted + solution_.rejected >= options_.max_steps) {
      throw autograd::NumericalError(
          absl::StrCat("SolveOde: ", options_.max_steps, " steps taken at t = ", t, ", step ", h,
                       ", scaled error ", error, "; raise rtol, atol or max_steps"));
    }
  }

  void RunAdaptive(State state) {
    State k1 = Evaluate(state, start());
    double t = start(), h = FirstStep(state, k1), error = 0;
    bool rejected = false;
    while (t != end()) {
      CheckStep(t, h, error);
      const double t_next = TimeAfter(t, h);
      Step step = Advance(state, t, t_next, k1);
      const double taken = std::abs(t_next - t);
      error = taken * ScaledNorm(tableau_.error, step.ks, step.before, step.after, options_.rtol,
                                 options_.atol);
      const double factor =
          std::isfinite(error) ? std::clamp(.9 * std::pow(error, -1. / 5), .2, 10.) : .2;
      if (error <= 1) {
        ++solution_.accepted;
        Emit(step, [&] { return step.ks.back(); });
        h = taken * (rejected ? std::min(factor, 1.) : factor);
        t = t_next;
        state = std::move(step.after);
        k1 = std::move(step.ks.back());
        rejected = false;
      } else {
        ++solution_.rejected;
        h = taken * std::min(factor, 1.);
        rejected = true;
      }
    }
  }

  const StateField& field_;
  const std::vector<double>& times_;
  const OdeOptions& options_;
  const Tableau& tableau_;
  int fixed_steps_;  // 0: step size control
  OdeStateSolution solution_;
  size_t next_time_ = 1;
};

}  // namespace

OdeStateSolution SolveOdeState(const StateField& field, const std::vector<Tensor>& state,
                               const std::vector<double>& times, const OdeOptions& options) {
  CheckArguments(state, times, options);
  return Integrator(field, times, options).Run(state);
}

OdeSolution SolveOde(const VelocityField& v, const Tensor& x, const std::vector<double>& times,
                     const OdeOptions& options) {
  const StateField field = [&](const State& state, const Tensor& t) {
    return State{v(state[0], t)};
  };
  OdeStateSolution found = SolveOdeState(field, {x}, times, options);
  OdeSolution solution{
      found.states.back()[0], {}, found.evaluations, found.accepted, found.rejected};
  for (const State& state : found.states) solution.states.push_back(state[0]);
  return solution;
}

}  // namespace flowmatch
