#include "examples/moons/data.h"

#include <cmath>
#include <cstddef>
#include <numbers>
#include <stdexcept>
#include <string>

namespace examples::moons {

MoonsData::MoonsData(int64_t n, double noise) : noise_(static_cast<float>(noise)) {
  if (n < 0 || !(noise >= 0) || !std::isfinite(noise)) {
    throw std::invalid_argument("MoonsData: n = " + std::to_string(n) + ", noise = " +
                                std::to_string(noise) + "; both must be at least 0 and finite");
  }
  const int64_t outer = n / 2, inner = n - outer;
  // A single point of a moon stands at its beginning, as in NumPy's linspace.
  const auto angle = [](int64_t k, int64_t count) {
    return count > 1 ? std::numbers::pi * static_cast<double>(k) / static_cast<double>(count - 1)
                     : 0.0;
  };
  clean_.reserve(2 * static_cast<size_t>(n));
  for (int64_t k = 0; k < outer; ++k) {
    clean_.push_back(static_cast<float>(std::cos(angle(k, outer))));
    clean_.push_back(static_cast<float>(std::sin(angle(k, outer))));
  }
  for (int64_t k = 0; k < inner; ++k) {
    clean_.push_back(static_cast<float>(1 - std::cos(angle(k, inner))));
    clean_.push_back(static_cast<float>(0.5 - std::sin(angle(k, inner))));
  }
  order_.resize(static_cast<size_t>(n));
}

void MoonsData::Draw(autograd::Generator& generator, float* points, bool shuffle) {
  const size_t n = order_.size();
  generator.Normal(points, static_cast<int64_t>(2 * n));
  if (!shuffle) {
    for (size_t k = 0; k < 2 * n; ++k) points[k] = clean_[k] + noise_ * points[k];
    return;
  }
  // The noise is independent of the place, so it is the clean points that change places.
  generator.Permutation(order_.data(), static_cast<int64_t>(n));
  for (size_t i = 0; i < n; ++i) {
    const float* clean = clean_.data() + 2 * static_cast<size_t>(order_[i]);
    points[2 * i] = clean[0] + noise_ * points[2 * i];
    points[2 * i + 1] = clean[1] + noise_ * points[2 * i + 1];
  }
}

}  // namespace examples::moons
