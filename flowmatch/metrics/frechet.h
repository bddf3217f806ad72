// The Fréchet distance between two sets of points, each taken for a sample of a normal
// distribution: how far generated images are from data in the features of a classifier.
//
// With means m, n and covariances S, T of the two sets, it is the squared 2-Wasserstein distance of
// the two normal distributions (Dowson and Landau, "The Fréchet distance between multivariate
// normal distributions", 1982; of Inception's features, Heusel et al. 1706.08500):
//   |m - n|^2 + tr(S) + tr(T) - 2 tr((S^1/2 T S^1/2)^1/2)
//
// It is not 0 for two samples of the same distribution, and falls as samples grow: compare it with
// what as many points of the data give.
//
// Example:
//   const std::vector<float> a = {0, 0, 1, 0, 0, 1, 1, 1};  // four points in the plane
//   std::vector<float> b = a;
//   for (size_t i = 0; i < b.size(); i += 2) b[i] += 3;
//   std::cout << flowmatch::FrechetDistance(a, b, 2) << "\n";  // 9
#ifndef FLOWMATCH_METRICS_FRECHET_H_
#define FLOWMATCH_METRICS_FRECHET_H_

#include <cstdint>
#include <span>
#include <vector>

namespace flowmatch {

// a is [n, dim] and b [m, dim], row-major, n and m at least 2. Covariances are unbiased (divided by
// n - 1); computed in double. Never negative. Throws std::invalid_argument for other sizes and for
// values that are not finite.
double FrechetDistance(std::span<const float> a, std::span<const float> b, int64_t dim);

// Eigenvalues and eigenvectors of a symmetric matrix.
struct SymmetricEigen {
  std::vector<double> values;   // [n], ascending
  std::vector<double> vectors;  // [n, n], row i the unit eigenvector of values[i]
};

// matrix is [n, n], row-major; only its upper triangle is read. Cyclic Jacobi rotations (Golub and
// Van Loan, Matrix Computations, section 8.5), to a relative accuracy of about 1e-15 of the largest
// eigenvalue; O(n^3), 0.1 s for n = 128. Throws std::invalid_argument for another size and for
// values that are not finite.
SymmetricEigen DecomposeSymmetric(std::span<const double> matrix, int64_t n);

}  // namespace flowmatch

#endif  // FLOWMATCH_METRICS_FRECHET_H_
