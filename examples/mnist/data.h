// The images of the MNIST program: handwritten digits, or another set in their format.
//
// Example:
//   const auto digits = examples::mnist::LoadImages("examples/data/mnist");
//   if (!digits.ok()) std::cout << digits.status().message() << "\n";
#ifndef EXAMPLES_MNIST_DATA_H_
#define EXAMPLES_MNIST_DATA_H_

#include <string>

#include "absl/status/statusor.h"
#include "nn/data/mnist.h"

namespace examples::mnist {

// The four files of a folder (nn/data/mnist.h). InvalidArgument naming the folder also if the
// images are not 28 pixels wide and high.
absl::StatusOr<nn::Mnist> LoadImages(const std::string& folder);

// The number of images and a checksum of them and of their labels: two sets with the same are the
// same.
std::string Fingerprint(const nn::LabelledImages& data);

}  // namespace examples::mnist

#endif  // EXAMPLES_MNIST_DATA_H_
