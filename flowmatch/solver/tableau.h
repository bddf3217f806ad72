// Butcher tableaux of the explicit Runge-Kutta methods.
#ifndef FLOWMATCH_SOLVER_TABLEAU_H_
#define FLOWMATCH_SOLVER_TABLEAU_H_

#include <vector>

#include "flowmatch/solver/ode_solver.h"

namespace flowmatch {

// k_i = v(x + h sum_j a[i][j] k_j, t + c[i] h); x + h sum_i b[i] k_i is the state after a step of
// size h.
struct Tableau {
  std::vector<double> c;
  std::vector<std::vector<double>> a;
  std::vector<double> b;
  // b minus the weights of the embedded method of lower order, for the error estimate; empty
  // without one.
  std::vector<double> error;
};

const Tableau& TableauOf(OdeMethod method);

// Weights of the seven stages of kDopri5 in its dense output at the fraction theta of a step, which
// is of fourth order (Hairer, Norsett, Wanner I, equation II.6.10 and Shampine's choice in their
// code DOPRI5).
std::vector<double> Dopri5DenseWeights(double theta);

}  // namespace flowmatch

#endif  // FLOWMATCH_SOLVER_TABLEAU_H_
