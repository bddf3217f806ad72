// The pictures of the MNIST program. Images are f32 [n, 28, 28, 1] on the model's scale, -1 black
// and 1 white; beyond it they are clipped.
//
// Example:
//   const autograd::Tensor images = autograd::Zeros({2 * 11, 28, 28, 1});
//   const std::vector<int64_t> labels = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
//   const absl::Status status = examples::mnist::DrawGrid(images, labels, "Digits", "grid.png");
#ifndef EXAMPLES_MNIST_PICTURES_H_
#define EXAMPLES_MNIST_PICTURES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "autograd/ops/creation.h"
#include "autograd/tensor.h"

namespace examples::mnist {

// "null" for the model's label 0, the digit for others.
std::string LabelName(int64_t label);

// A column for each of the model's labels; images is [rows x labels.size(), 28, 28, 1], row by row.
absl::Status DrawGrid(const autograd::Tensor& images, const std::vector<int64_t>& labels,
                      const std::string& title, const std::string& path);

// A row for each label and a column for each time, from noise to digit; states[i] is
// [labels.size(), 28, 28, 1], at times[i].
absl::Status DrawFlow(const std::vector<autograd::Tensor>& states, const std::vector<double>& times,
                      const std::vector<int64_t>& labels, const std::string& title,
                      const std::string& path);

// The loss of each iteration, smoothed, and the loss on the test images after each epoch where it
// was measured (NaN elsewhere), of the averaged weights or else of the last ones.
absl::Status DrawLoss(const std::vector<float>& losses, const std::vector<float>& test_losses,
                      int64_t iterations_per_epoch, bool averaged, const std::string& path);

}  // namespace examples::mnist

#endif  // EXAMPLES_MNIST_PICTURES_H_
