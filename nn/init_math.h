// The arithmetic behind the random starting values of init.h, in f64.
#ifndef NN_INIT_MATH_H_
#define NN_INIT_MATH_H_

#include <cstdint>
#include <vector>

namespace nn::internal {

// Makes `count` vectors of `length` numbers, one after the other, orthonormal: each minus its
// projections on those before it, normalised (Gram-Schmidt). Of independent normal numbers this
// makes every orthonormal set equally likely (Mezzadri, math-ph/0609050). count <= length.
void Orthonormalize(std::vector<double>& vectors, int64_t count, int64_t length);

// The x with P(z < x) = p for z ~ N(0, 1) and 1e-300 <= p <= 1/2, to some 1e-14 relative.
double NormalQuantile(double p);

// A normal distribution of which only [low, high] is left.
class TruncatedNormalDistribution {
 public:
  // Throws std::invalid_argument, for TruncatedNormal, unless low < high, deviation > 0 and the
  // interval has a probability above 1e-280.
  TruncatedNormalDistribution(double mean, double deviation, double low, double high);

  // Replaces each u in [0, 1) by the x in [low, high] with P(X < x) = u.
  void Invert(std::vector<double>& uniform) const;

 private:
  double InvertOne(double u) const;

  double mean_, deviation_, low_, high_;
  // The probabilities of what is left, of what lies below and of what lies above.
  double inside_, below_, above_;
};

}  // namespace nn::internal

#endif  // NN_INIT_MATH_H_
