// Every ODE method with its order.
#ifndef TESTS_FLOWMATCH_SOLVER_METHODS_H_
#define TESTS_FLOWMATCH_SOLVER_METHODS_H_

#include "flowmatch/solver/ode_solver.h"

namespace flowmatch {

struct MethodOrder {
  OdeMethod method;
  int order;
  int evaluations;  // new ones in each step
};
inline constexpr MethodOrder kAllMethods[] = {
    {OdeMethod::kEuler, 1, 1}, {OdeMethod::kMidpoint, 2, 2}, {OdeMethod::kHeun2, 2, 2},
    {OdeMethod::kHeun3, 3, 3}, {OdeMethod::kRk4, 4, 4},      {OdeMethod::kRk438, 4, 4},
    {OdeMethod::kDopri5, 5, 6}};

}  // namespace flowmatch

#endif  // TESTS_FLOWMATCH_SOLVER_METHODS_H_
