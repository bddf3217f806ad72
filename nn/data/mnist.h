// MNIST and data sets in its format (Fashion-MNIST, KMNIST): small grey images in ten classes.
//
// A folder holds four IDX files, plain or packed: train-images-idx3-ubyte[.gz],
// train-labels-idx1-ubyte[.gz], t10k-images-idx3-ubyte[.gz] and t10k-labels-idx1-ubyte[.gz].
//
// Example (not run):
//   absl::StatusOr<Mnist> mnist = LoadMnist("/usr/share/datasets/fashion-mnist");
//   if (!mnist.ok()) return void(std::cerr << mnist.status() << "\n");
//   const ImageDataset dataset(mnist->train);
//   std::vector<Tensor> batch = dataset.Fetch(std::vector<int64_t>{0, 1, 2});
//   std::cout << batch[0].shape().ToString() << batch[1] << "\n";  // [3, 28, 28, 1], [9, 0, 0]
#ifndef NN_DATA_MNIST_H_
#define NN_DATA_MNIST_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "autograd/tensor.h"
#include "nn/data/dataset.h"

namespace nn {

inline constexpr int kMnistClasses = 10;

struct LabelledImages {
  autograd::Tensor images;  // u8 [n, height, width], 0 is black
  autograd::Tensor labels;  // i64 [n], 0 ... 9
};

struct Mnist {
  LabelledImages train, test;
};

// Reads the four files. Of a file that is there plain and packed the plain one is taken. Errors
// name the path: NotFound for a missing file, and what ReadIdx says of a malformed one;
// InvalidArgument if a set is empty, has another number of images than of labels or a label beyond
// 9, or if training and test images differ in size.
absl::StatusOr<Mnist> LoadMnist(const std::string& folder);
// One pair of files: "train" or "t10k".
absl::StatusOr<LabelledImages> LoadLabelledImages(const std::string& folder,
                                                  const std::string& prefix);

// Pixels as networks take them: u8 [n, height, width] becomes f32 [n, height, width, 1] with
// x / 127.5 - 1, from -1 (black) to 1, rounded once. On the calling thread. Throws
// std::invalid_argument for another dtype or number of axes, or a tensor that is not contiguous.
autograd::Tensor ImagesToFloat(const autograd::Tensor& images);

// Batches of images f32 [b, height, width, 1] in [-1, 1] and of labels i64 [b]. The images stay
// bytes in memory until they are asked for.
class ImageDataset final : public Dataset {
 public:
  // Throws std::invalid_argument unless images and labels are as in LabelledImages.
  explicit ImageDataset(LabelledImages data);

  int64_t size() const override { return data_.labels.size(0); }
  std::vector<autograd::Tensor> Fetch(std::span<const int64_t> indices) const override;

 private:
  LabelledImages data_;
};

}  // namespace nn

#endif  // NN_DATA_MNIST_H_
