// The loss on the test images, to compare models and epochs by: noise and times are always the
// same.
#ifndef EXAMPLES_MNIST_TEST_LOSS_H_
#define EXAMPLES_MNIST_TEST_LOSS_H_

#include <functional>
#include <optional>

#include "examples/mnist/model.h"
#include "nn/data/mnist.h"

namespace examples::mnist {

// Mean of the conditional flow matching loss over all images with their labels, each with a noise
// and a time that depend on its number alone. Nothing if `stop` became true meanwhile.
std::optional<double> TestLoss(const flowmatch::ClassConditionedUNet& model,
                               const nn::LabelledImages& images, const std::function<bool()>& stop);

}  // namespace examples::mnist

#endif  // EXAMPLES_MNIST_TEST_LOSS_H_
