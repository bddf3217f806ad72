// Exact linear assignment: which x_1 belongs to which x_0 so that the total cost is smallest.
//
// Minibatch optimal transport couples equally many source and target points; its optimal plan is a
// permutation, found here exactly, in O(n³) at worst and usually far less (1,000 points in the
// plane: some ten milliseconds on one core).
//
// Example:
//   const std::vector<double> cost = {4, 1, 3,   // row 0
//                                     2, 0, 5,   // row 1
//                                     3, 2, 2};  // row 2
//   for (const int64_t column : flowmatch::SolveAssignment(cost, 3)) std::cout << column << " ";
//   // 1 0 2
#ifndef FLOWMATCH_COUPLING_ASSIGNMENT_H_
#define FLOWMATCH_COUPLING_ASSIGNMENT_H_

#include <cstdint>
#include <span>
#include <vector>

namespace flowmatch {

// The permutation p that minimises Σ_i cost[i, p(i)], as p(0) … p(n−1). cost is [n, n], row-major;
// any finite values, negative ones, ties and duplicates included. Among equally good permutations
// the choice is arbitrary but always the same. Optimal up to rounding errors (some 1e-16 of the
// largest cost for each row), hence exactly optimal for integers up to 10⁹, say.
// Throws std::invalid_argument if n is negative or beyond 2³¹ − 1, cost has not n² elements, or one
// is NaN or infinite.
//
// Shortest augmenting paths from all unassigned rows at once, after a short auction: R. Jonker and
// A. Volgenant, "A shortest augmenting path algorithm for dense and sparse linear assignment
// problems", Computing 38 (1987).
std::vector<int64_t> SolveAssignment(std::span<const double> cost, int64_t n);

}  // namespace flowmatch

#endif  // FLOWMATCH_COUPLING_ASSIGNMENT_H_
