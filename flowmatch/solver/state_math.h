// Arithmetic of Runge-Kutta methods on states of several tensors.
#ifndef FLOWMATCH_SOLVER_STATE_MATH_H_
#define FLOWMATCH_SOLVER_STATE_MATH_H_

#include <vector>

#include "autograd/tensor.h"

namespace flowmatch::internal {

// Tensors [B, ...] that evolve together.
using State = std::vector<autograd::Tensor>;

// state + sum_i (h weights[i]) ks[i], recorded if recording is on; the same bytes either way.
State Combine(const State& state, double h, const std::vector<double>& weights,
              const std::vector<State>& ks);

// Root mean square over all elements of sum_i weights[i] ks[i] / (atol + rtol max(|a|, |b|)),
// computed in double. An element whose sum is 0 counts as 0 whatever the tolerance there.
double ScaledNorm(const std::vector<double>& weights, const std::vector<State>& ks, const State& a,
                  const State& b, double rtol, double atol);

}  // namespace flowmatch::internal

#endif  // FLOWMATCH_SOLVER_STATE_MATH_H_
