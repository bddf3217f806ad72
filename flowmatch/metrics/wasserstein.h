// The 2-Wasserstein distance between two sets of points: how far generated samples are from data.
//
// Example:
//   const std::vector<float> a = {0, 0, 1, 0}, b = {1, 3, 0, 3};  // two points in the plane each
//   std::cout << flowmatch::Wasserstein2(a, b, 2, 2) << "\n";      // 3
#ifndef FLOWMATCH_METRICS_WASSERSTEIN_H_
#define FLOWMATCH_METRICS_WASSERSTEIN_H_

#include <cstdint>
#include <span>

namespace flowmatch {

// W2 = min over permutations p of √(mean_i ‖a_i − b_p(i)‖²), exactly, by assignment (computed in
// double). a and b are [n, dim], row-major, n and dim at least 1. Throws std::invalid_argument for
// other sizes and for values that are not finite. Takes O(n²) memory: 8 MB for 1,000 points.
double Wasserstein2(std::span<const float> a, std::span<const float> b, int64_t n, int64_t dim);

}  // namespace flowmatch

#endif  // FLOWMATCH_METRICS_WASSERSTEIN_H_
