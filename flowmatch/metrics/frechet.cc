#include "flowmatch/metrics/frechet.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <stdexcept>
#include <string>

namespace flowmatch {
namespace {

// Square, row-major.
using Matrix = std::vector<double>;

struct Moments {
  std::vector<double> mean;
  Matrix covariance;
};

Moments MomentsOf(std::span<const float> points, size_t dim) {
  const size_t n = points.size() / dim;
  Moments moments{std::vector<double>(dim), Matrix(dim * dim)};
  for (size_t k = 0; k < points.size(); ++k) {
    moments.mean[k % dim] += static_cast<double>(points[k]);
  }
  for (double& mean : moments.mean) mean /= static_cast<double>(n);
  std::vector<double> centred(dim);
  for (size_t i = 0; i < n; ++i) {
    for (size_t k = 0; k < dim; ++k) {
      centred[k] = static_cast<double>(points[i * dim + k]) - moments.mean[k];
    }
    for (size_t row = 0; row < dim; ++row) {
      for (size_t column = row; column < dim; ++column) {
        moments.covariance[row * dim + column] += centred[row] * centred[column];
      }
    }
  }
  for (size_t row = 0; row < dim; ++row) {
    for (size_t column = row; column < dim; ++column) {
      double& value = moments.covariance[row * dim + column];
      value /= static_cast<double>(n - 1);
      moments.covariance[column * dim + row] = value;
    }
  }
  return moments;
}

Matrix Product(const Matrix& a, const Matrix& b, size_t n) {
  Matrix product(n * n);
  for (size_t i = 0; i < n; ++i) {
    for (size_t k = 0; k < n; ++k) {
      const double factor = a[i * n + k];
      for (size_t j = 0; j < n; ++j) product[i * n + j] += factor * b[k * n + j];
    }
  }
  return product;
}

// The root of a positive semidefinite matrix: V^T diag(sqrt(values)) V. Rounding may leave an
// eigenvalue of 0 slightly below it.
Matrix SquareRoot(const Matrix& matrix, size_t n) {
  const SymmetricEigen eigen = DecomposeSymmetric(matrix, static_cast<int64_t>(n));
  Matrix scaled(n * n), transposed(n * n);
  for (size_t i = 0; i < n; ++i) {
    const double root = std::sqrt(std::max(0.0, eigen.values[i]));
    for (size_t j = 0; j < n; ++j) {
      scaled[i * n + j] = root * eigen.vectors[i * n + j];
      transposed[j * n + i] = eigen.vectors[i * n + j];
    }
  }
  return Product(transposed, scaled, n);
}

double Trace(const Matrix& matrix, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; ++i) sum += matrix[i * n + i];
  return sum;
}

void CheckPoints(std::span<const float> points, int64_t dim) {
  if (dim < 1 || points.size() % static_cast<size_t>(dim) != 0 ||
      points.size() / static_cast<size_t>(dim) < 2) {
    throw std::invalid_argument("FrechetDistance: " + std::to_string(points.size()) +
                                " values for points of dimension " + std::to_string(dim) +
                                ", wants two points or more");
  }
  for (size_t k = 0; k < points.size(); ++k) {
    if (std::isfinite(points[k])) continue;
    const size_t d = static_cast<size_t>(dim);
    throw std::invalid_argument("FrechetDistance: coordinate " + std::to_string(k % d) +
                                " of point " + std::to_string(k / d) + " is " +
                                std::to_string(points[k]));
  }
}

// (x, y) becomes (c x - s y, s x + c y).
void Rotate(double& x, double& y, double c, double s) {
  const double before = x;
  x = c * before - s * y;
  y = s * before + c * y;
}

// Turns rows and columns p and q of a symmetric matrix so that element (p, q) becomes 0, and the
// rows of `vectors` with them. The smaller of the two possible angles, which makes the sweeps
// converge.
void Annihilate(Matrix& a, Matrix& vectors, size_t n, size_t p, size_t q) {
  const double ratio = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
  const double tangent = std::copysign(1.0, ratio) / (std::abs(ratio) + std::hypot(1.0, ratio));
  const double c = 1 / std::hypot(1.0, tangent), s = c * tangent;
  for (size_t k = 0; k < n; ++k) Rotate(a[k * n + p], a[k * n + q], c, s);
  for (size_t k = 0; k < n; ++k) Rotate(a[p * n + k], a[q * n + k], c, s);
  for (size_t k = 0; k < n; ++k) Rotate(vectors[p * n + k], vectors[q * n + k], c, s);
  a[p * n + q] = a[q * n + p] = 0;
}

// Rotates until what is beside the diagonal no longer counts.
void Diagonalise(Matrix& a, Matrix& vectors, size_t n) {
  double scale = 0;
  for (const double value : a) scale = std::max(scale, std::abs(value));
  const double negligible = scale * 1e-17;
  // Convergence is quadratic: ten sweeps do for a thousand rows.
  constexpr int kSweeps = 60;
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    bool rotated = false;
    for (size_t p = 0; p < n; ++p) {
      for (size_t q = p + 1; q < n; ++q) {
        if (std::abs(a[p * n + q]) <= negligible) continue;
        Annihilate(a, vectors, n, p, q);
        rotated = true;
      }
    }
    if (!rotated) return;
  }
}

}  // namespace

SymmetricEigen DecomposeSymmetric(std::span<const double> matrix, int64_t n) {
  const size_t size = static_cast<size_t>(std::max<int64_t>(n, 0));
  if (n < 1 || matrix.size() / size != size || matrix.size() % size != 0) {
    throw std::invalid_argument("DecomposeSymmetric: " + std::to_string(matrix.size()) +
                                " values for n = " + std::to_string(n));
  }
  Matrix a(size * size), vectors(size * size);
  for (size_t row = 0; row < size; ++row) {
    vectors[row * size + row] = 1;
    for (size_t column = row; column < size; ++column) {
      const double value = matrix[row * size + column];
      if (!std::isfinite(value)) {
        throw std::invalid_argument("DecomposeSymmetric: element " + std::to_string(row) + ", " +
                                    std::to_string(column) + " is " + std::to_string(value));
      }
      a[row * size + column] = a[column * size + row] = value;
    }
  }
  Diagonalise(a, vectors, size);

  std::vector<size_t> order(size);
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t i, size_t j) { return a[i * size + i] < a[j * size + j]; });
  SymmetricEigen result{std::vector<double>(size), Matrix(size * size)};
  for (size_t i = 0; i < size; ++i) {
    result.values[i] = a[order[i] * size + order[i]];
    std::copy_n(vectors.begin() + static_cast<int64_t>(order[i] * size), size,
                result.vectors.begin() + static_cast<int64_t>(i * size));
  }
  return result;
}

double FrechetDistance(std::span<const float> a, std::span<const float> b, int64_t dim) {
  CheckPoints(a, dim);
  CheckPoints(b, dim);
  const size_t n = static_cast<size_t>(dim);
  const Moments first = MomentsOf(a, n), second = MomentsOf(b, n);
  double distance = Trace(first.covariance, n) + Trace(second.covariance, n);
  for (size_t k = 0; k < n; ++k) {
    distance += (first.mean[k] - second.mean[k]) * (first.mean[k] - second.mean[k]);
  }
  // S^1/2 T S^1/2 is symmetric, unlike S T, which has the same eigenvalues.
  const Matrix root = SquareRoot(first.covariance, n);
  const Matrix middle = Product(Product(root, second.covariance, n), root, n);
  for (const double value : DecomposeSymmetric(middle, dim).values) {
    distance -= 2 * std::sqrt(std::max(0.0, value));
  }
  return std::max(0.0, distance);
}

}  // namespace flowmatch
