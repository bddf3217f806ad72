// What the moons program learns from: two moons, or the user's own points.
//
// Example:
//   autograd::Generator generator(0);
//   const examples::moons::DrawData draw = examples::moons::MoonsSource(.05);
//   autograd::Tensor points = draw(256, generator);  // [256, 2]
#ifndef EXAMPLES_MOONS_DATA_SOURCE_H_
#define EXAMPLES_MOONS_DATA_SOURCE_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "autograd/random/philox.h"
#include "autograd/tensor.h"

namespace examples::moons {

// Draws n points of the data, f32 [n, 2].
using DrawData = std::function<autograd::Tensor(int64_t n, autograd::Generator& generator)>;

// The two moons of data.h with this noise.
DrawData MoonsSource(double noise);

// Random points of a .npy file, float32 or float64 [n, 2]: different ones as long as no more are
// asked for than there are. InvalidArgument naming the path for another shape or dtype, no points,
// or values that are not finite.
absl::StatusOr<DrawData> FileSource(const std::string& path);

}  // namespace examples::moons

#endif  // EXAMPLES_MOONS_DATA_SOURCE_H_
