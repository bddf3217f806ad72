// The two moons: half circles that hold each other, the data of the example program.
//
// Example:
//   autograd::Generator generator(42);
//   examples::moons::MoonsData moons(256, 0.05);
//   std::vector<float> points(2 * 256);  // [256, 2]
//   moons.Draw(generator, points.data());
//   std::cout << "(" << points[0] << ", " << points[1] << ")\n";
#ifndef EXAMPLES_MOONS_DATA_H_
#define EXAMPLES_MOONS_DATA_H_

#include <cstdint>
#include <vector>

#include "autograd/random/philox.h"

namespace examples::moons {

// Draws sets of n points as scikit-learn's make_moons does: with m = ⌊n/2⌋, angles a_k = πk/(m −
// 1), k = 0 … m − 1, of the outer moon at (cos a, sin a), the same with n − m angles of the inner
// one at (1 − cos a, ½ − sin a), all in random order, plus N(0, noise²) on each coordinate. The
// angles are fixed, so each set holds exactly half a moon's points each and is spread more evenly
// than independent draws.
//
// Sines and cosines are computed once, in the constructor: a draw of 256 points takes about two
// microseconds and is made for the training loop. Not for use by several threads at once.
class MoonsData {
 public:
  // Throws std::invalid_argument if n < 0, or noise is negative or not finite.
  MoonsData(int64_t n, double noise);

  int64_t size() const { return static_cast<int64_t>(clean_.size() / 2); }

  // Fills points[0 … 2n − 1], that is [n, 2], with the next set. Without the shuffle the outer moon
  // comes first; the distribution of the set as a whole is the same.
  void Draw(autograd::Generator& generator, float* points, bool shuffle = true);

 private:
  float noise_;
  std::vector<float> clean_;  // [n, 2], without noise
  std::vector<int64_t> order_;
};

}  // namespace examples::moons

#endif  // EXAMPLES_MOONS_DATA_H_
