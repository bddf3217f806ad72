// Augmentation: images changed at random in ways that leave what they show the same. Nothing here
// happens unless a program asks for it; digits, for one, do not survive being mirrored.
//
// Images are [batch, height, width, channels] of any dtype. Each image of a batch gets numbers of
// its own from the generator. The results are new tensors without a graph, made on the calling
// thread, which is DataLoader's in the background when this runs as its transform. All throw
// std::invalid_argument, naming the function, unless images have four axes.
//
// Example:
//   #include "nn/data/data_loader.h"
//   auto dataset = std::make_shared<TensorDataset>(std::vector{Zeros({10, 28, 28, 1})});
//   DataLoaderOptions options = {.batch_size = 5};
//   options.transform = [](std::vector<Tensor>& batch, Generator& generator) {
//     batch[0] = RandomShift(batch[0], 2, generator, -1);
//   };
//   DataLoader loader(dataset, options);
//   std::cout << loader.Next()[0].shape().ToString() << "\n";  // [5, 28, 28, 1]
#ifndef NN_DATA_AUGMENT_H_
#define NN_DATA_AUGMENT_H_

#include <cstdint>

#include "autograd/random/philox.h"
#include "autograd/tensor.h"

namespace nn {

// Mirrors each image left to right with this probability. Throws std::invalid_argument unless 0 <=
// probability <= 1.
autograd::Tensor RandomHorizontalFlip(const autograd::Tensor& images,
                                      autograd::Generator& generator, double probability = 0.5);

struct RandomCropOptions {
  // Of the result; 0 for the size of the images.
  int64_t height = 0;
  int64_t width = 0;
  // The images get a margin of so many pixels on every side first,
  int64_t padding = 0;
  // of this value: -1 is black for images in [-1, 1].
  double fill = 0;
};

// A part of each padded image [batch, H, W, channels], at a place where it fits, every one equally
// likely: [batch, height, width, channels]. Throws std::invalid_argument for negative sizes or
// padding, a part larger than the padded image, or a fill that the dtype cannot hold.
autograd::Tensor RandomCrop(const autograd::Tensor& images, autograd::Generator& generator,
                            const RandomCropOptions& options);

// Moves each image by up to `most` pixels up or down and left or right, every number of pixels
// equally likely; what moves in is `fill`.
autograd::Tensor RandomShift(const autograd::Tensor& images, int64_t most,
                             autograd::Generator& generator, double fill = 0);

}  // namespace nn

#endif  // NN_DATA_AUGMENT_H_
