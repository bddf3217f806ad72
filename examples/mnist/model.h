// The UNet of the MNIST program, and what a file says about it.
//
// Example:
//   autograd::Generator generator(0);
//   const auto model = examples::mnist::MakeModel({.channels = {32, 64, 64}}, generator);
//   std::cout << model->ParameterCount() << "\n";  // 1709401
#ifndef EXAMPLES_MNIST_MODEL_H_
#define EXAMPLES_MNIST_MODEL_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "autograd/random/philox.h"
#include "flowmatch/models/class_conditioned_unet.h"

namespace examples::mnist {

inline constexpr int64_t kImageSize = 28;
inline constexpr int64_t kDigits = 10;
// The model's label of a digit is the digit + 1.
inline constexpr int64_t kNullLabel = 0;

// What decides the shapes of the model's parameters.
struct Architecture {
  std::vector<int64_t> channels;  // at each resolution; the specification's are 32, 64, 64
  bool operator==(const Architecture&) const = default;
};

// InvalidArgument unless there are one to three numbers of channels, multiples of 8 up to 1024.
absl::Status CheckArchitecture(const Architecture& architecture);

// A new model. Throws std::invalid_argument for an architecture that CheckArchitecture refuses.
std::unique_ptr<flowmatch::ClassConditionedUNet> MakeModel(const Architecture& architecture,
                                                           autograd::Generator& generator);

// The architecture as metadata of a file, and back: InvalidArgument if it is not there or wrong.
std::map<std::string, std::string> ArchitectureMetadata(const Architecture& architecture);
absl::StatusOr<Architecture> ArchitectureFrom(const std::map<std::string, std::string>& metadata);

}  // namespace examples::mnist

#endif  // EXAMPLES_MNIST_MODEL_H_
