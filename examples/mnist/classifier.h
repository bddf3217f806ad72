// A classifier of digits, the judge of generated ones: a small convolutional network, trained once
// and kept in a file.
//
// Example:
//   autograd::Generator generator(0);
//   const examples::mnist::Classifier classifier(generator);
//   const autograd::Tensor images = autograd::Zeros({2, 28, 28, 1});
//   std::cout << classifier.Features(images).shape().ToString() << "\n";  // [2, 128]
#ifndef EXAMPLES_MNIST_CLASSIFIER_H_
#define EXAMPLES_MNIST_CLASSIFIER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "autograd/ops/creation.h"
#include "autograd/random/philox.h"
#include "autograd/tensor.h"
#include "nn/conv2d.h"
#include "nn/data/mnist.h"
#include "nn/dropout.h"
#include "nn/linear.h"
#include "nn/module.h"
#include "nn/norm.h"

namespace examples::mnist {

class Classifier final : public nn::Module {
 public:
  static constexpr int64_t kFeatures = 128;

  explicit Classifier(autograd::Generator& generator);

  // Images f32 [B, 28, 28, 1] in [-1, 1] to features [B, kFeatures], the last layer's input.
  autograd::Tensor Features(const autograd::Tensor& images) const;
  // Features to scores of the digits, [B, 10]. Draws random numbers in training.
  autograd::Tensor Scores(const autograd::Tensor& features) const;

 private:
  nn::Conv2d conv1_, conv2_, conv3_;
  nn::GroupNorm norm1_, norm2_, norm3_;
  nn::Linear hidden_;
  autograd::Generator dropped_;  // which features dropout takes
  nn::Dropout dropout_;
  nn::Linear last_;
};

// What the classifier makes of a set of images.
struct Judgement {
  std::vector<float> features;   // [n, kFeatures]
  std::vector<int64_t> classes;  // [n], the digit with the highest score
};

// images [n, 28, 28, 1]; values outside [-1, 1] are clipped, as they are in pictures.
Judgement Judge(const Classifier& classifier, const autograd::Tensor& images);

// Share of the images judged as their digit.
double Accuracy(const std::vector<int64_t>& classes, const std::vector<int64_t>& digits);

struct TrainedClassifier {
  std::unique_ptr<Classifier> classifier;
  double accuracy = 0;  // on the test images
  bool is_new = false;  // of no file
};

// The classifier in the file `path` if it was trained on these images; else the one in the file
// `published` if that was; else a new one, which takes a few minutes. Either file may be missing.
// An error, naming the file, if one is something else.
absl::StatusOr<TrainedClassifier> ClassifierFor(const nn::Mnist& data, const std::string& path,
                                                const std::string& published);

// Writes a classifier for ClassifierFor to find.
absl::Status SaveClassifier(const Classifier& classifier, const nn::Mnist& data,
                            const std::string& path);

}  // namespace examples::mnist

#endif  // EXAMPLES_MNIST_CLASSIFIER_H_
