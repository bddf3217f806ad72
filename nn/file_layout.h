// FileLayout: how a parameter's elements are ordered in files, where that differs from memory.
//
// Images are NHWC here, so convolutions keep the channels of their weights last; PyTorch, whose
// names and layouts files carry, keeps them before the window. A layer states the order in files
// when it registers the parameter (nn/module.h), and nn/weights.h converts on the way.
//
// Example:
//   const FileLayout layout = FileLayout::kConvWeight;
//   Tensor weight = Ones({32, 3, 3, 9});  // [out, kh, kw, in]
//   Tensor in_file = layout.ToFile(weight);
//   std::cout << in_file.shape().ToString() << "\n";                   // [32, 9, 3, 3]
//   std::cout << layout.FromFile(in_file).shape().ToString() << "\n";  // [32, 3, 3, 9]
#ifndef NN_FILE_LAYOUT_H_
#define NN_FILE_LAYOUT_H_

#include <cstdint>

#include "autograd/shape.h"
#include "autograd/tensor.h"

namespace nn {

class FileLayout {
 public:
  enum Kind {
    kAsIs,
    // The weight of a convolution, [out, kh, kw, in / groups] <-> [out, in / groups, kh, kw], or of
    // a transposed one, [in, kh, kw, out / groups] <-> [in, out / groups, kh, kw].
    kConvWeight,
    // See FlattenedImage.
    kFlattenedImage,
  };

  // Implicit, so that FileLayout::kConvWeight is one. kFlattenedImage needs the image's size:
  // std::invalid_argument.
  FileLayout(Kind kind = kAsIs);  // NOLINT(google-explicit-constructor)
  // The weight of a Linear whose input is a flattened image: [out, h w c] <-> [out, c h w]. Throws
  // std::invalid_argument unless all sizes are positive.
  static FileLayout FlattenedImage(int64_t height, int64_t width, int64_t channels);

  Kind kind() const { return kind_; }
  // True if a tensor of this shape, in memory, can have the layout.
  bool Fits(const autograd::Shape& shape) const;

  // The elements in the other order. kAsIs returns the tensor itself; others copy. Of any dtype;
  // throw std::invalid_argument for a shape that cannot have the layout.
  autograd::Tensor ToFile(const autograd::Tensor& in_memory) const;
  autograd::Tensor FromFile(const autograd::Tensor& in_file) const;

 private:
  FileLayout(Kind kind, int64_t height, int64_t width, int64_t channels)
      : kind_(kind), height_(height), width_(width), channels_(channels) {}
  void CheckFits(const char* function, const autograd::Tensor& tensor) const;

  Kind kind_;
  int64_t height_ = 0, width_ = 0, channels_ = 0;  // of kFlattenedImage
};

}  // namespace nn

#endif  // NN_FILE_LAYOUT_H_
