#include "autograd/ops/pool.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>

#include "autograd/kernels/pixels.h"
#include "autograd/node.h"
#include "autograd/ops/copy_elements.h"
#include "autograd/ops/dispatch.h"
#include "autograd/ops/index.h"
#include "autograd/ops/pixel_map.h"
#include "autograd/parallel/parallel.h"
#include "autograd/trace/op_scope.h"

namespace autograd {
namespace {

using internal::AxisMap;
using internal::PixelMap;
using internal::SharedPixelMap;

// Elements read that are worth a thread.
constexpr int64_t kGrain = 32768;

struct AverageAdjoint;
struct Average {
  static constexpr char kName[] = "AvgPool2d";
  using Adjoint = AverageAdjoint;
};
struct AverageAdjoint {
  static constexpr char kName[] = "AvgPool2dAdjoint";
  using Adjoint = Average;
};

// The windows along one axis.
struct Windows {
  int64_t size;  // of the axis
  int64_t kernel, stride, padding;

  int64_t count() const { return (size - (kernel - 2 * padding)) / stride + 1; }
  // The part of window i inside the image.
  int64_t begin(int64_t i) const { return std::max<int64_t>(0, i * stride - padding); }
  int64_t end(int64_t i) const { return std::min(size, i * stride - padding + kernel); }
};

std::string ToString(const Pool2dOptions& options) {
  const auto pair = [](const std::array<int64_t, 2>& values) {
    return "[" + std::to_string(values[0]) + ", " + std::to_string(values[1]) + "]";
  };
  return "kernel " + pair(options.kernel) + ", stride " + pair(options.stride) + ", padding " +
         pair(options.padding);
}

struct ImageWindows {
  Windows rows, columns;
};

// Of an image of this size, which is that of x or of the adjoint's result.
ImageWindows WindowsOf(const char* operation, const Tensor& x, int64_t height, int64_t width,
                       const Pool2dOptions& options) {
  internal::CheckImage(operation, x);
  const int64_t sizes[] = {height, width};
  Windows axes[2];
  bool valid = true;
  for (size_t i = 0; i < 2; ++i) {
    const int64_t kernel = options.kernel[i], padding = options.padding[i];
    const int64_t stride = options.stride[i] == 0 ? kernel : options.stride[i];
    valid = valid && kernel >= 1 && stride >= 1 && padding >= 0 && padding <= kernel / 2 &&
            sizes[i] >= 1 && kernel - 2 * padding <= sizes[i];
    axes[i] = {sizes[i], kernel, stride, padding};
  }
  if (!valid) {
    throw std::invalid_argument(std::string(operation) + ": " + Describe(x) + " with images of " +
                                std::to_string(height) + " by " + std::to_string(width) +
                                " pixels cannot be pooled with " + ToString(options));
  }
  return {axes[0], axes[1]};
}

AxisMap AverageAxis(const Windows& windows) {
  AxisMap map;
  map.source_size = windows.size;
  for (int64_t i = 0; i < windows.count(); ++i) {
    for (int64_t at = windows.begin(i); at < windows.end(i); ++at) {
      map.terms.push_back({at, 1 / static_cast<double>(windows.kernel)});
    }
    map.EndEntry();
  }
  return map;
}

SharedPixelMap AverageMap(const ImageWindows& windows) {
  return std::make_shared<PixelMap>(
      PixelMap{AverageAxis(windows.rows), AverageAxis(windows.columns)});
}

// Images as [B, pixels, C].
Tensor AsPixels(const Tensor& x) {
  return Reshape(x, {x.size(0), x.size(1) * x.size(2), x.size(3)});
}

class MaxPool2dNode final : public NodeOf<MaxPool2dNode> {
 public:
  static constexpr char kName[] = "MaxPool2d";
  // `at` has, for each element of the result, the pixel it came from: [B, H' W', C].
  MaxPool2dNode(const Shape& shape, const Tensor& at) : shape_(shape), at_(this, at) {}

  void Vjp(VjpContext& ctx) override {
    const Tensor zeros = Zeros({shape_[0], shape_[1] * shape_[2], shape_[3]}, ctx.grad().dtype());
    ctx.SetGrad(0, Reshape(ScatterAdd(zeros, 1, at_.Get(), AsPixels(ctx.grad())), shape_));
  }
  bool Jvp(JvpContext& ctx) override {
    ctx.SetTangent(0, Reshape(Gather(AsPixels(ctx.tangent()), 1, at_.Get()), output_meta(0).shape));
    return true;
  }
  void FusedVjp(VjpContext& ctx) override {
    const Tensor g = Contiguous(ctx.grad()), at = at_.Get();
    const bool narrow = g.dtype() == DType::kBF16;
    // Windows may overlap, so bf16 is added up in f32.
    const Tensor dx = narrow ? Tensor::Empty(shape_, DType::kF32) : ctx.EmptyGrad(0);
    internal::Dispatch<internal::DTypes::kFloatingOrBf16>(g.dtype(), [&]<class T>(T) {
      using Sum = kernels::ComputeType<T>;
      const int64_t channels = shape_[3], image = shape_[1] * shape_[2] * channels;
      const int64_t pooled = at.size(1);
      const kernels::PixelKernels<T>& pixels = kernels::GetPixelKernels<T>();
      // Windows may overlap, so an image is one task.
      ParallelFor(shape_[0], std::max<int64_t>(1, kGrain / (image + 1)),
                  [&](int64_t begin, int64_t end) {
                    std::memset(dx.raw<Sum>() + begin * image, 0,
                                static_cast<size_t>((end - begin) * image) * sizeof(Sum));
                    for (int64_t i = begin * pooled; i < end * pooled; ++i) {
                      pixels.scatter(g.raw<T>() + i * channels, at.raw<int32_t>() + i * channels,
                                     channels, channels, dx.raw<Sum>() + i / pooled * image);
                    }
                  });
    });
    ctx.SetGrad(0, internal::CastCopy(dx, g.dtype()));
  }

 private:
  Shape shape_;
  SavedTensor at_;
};

// One pixel of the result: the maxima of a window of the image at x.
template <class T>
void MaxOfWindow(const kernels::PixelKernels<T>& pixels, const T* x, const ImageWindows& windows,
                 int64_t i, int64_t j, int64_t channels, T* best, int32_t* at) {
  const auto& [rows, columns] = windows;
  const int64_t first = rows.begin(i) * columns.size + columns.begin(j);
  std::copy_n(x + first * channels, channels, best);
  std::fill_n(at, channels, static_cast<int32_t>(first));
  for (int64_t row = rows.begin(i); row < rows.end(i); ++row) {
    for (int64_t column = columns.begin(j); column < columns.end(j); ++column) {
      const int64_t pixel = row * columns.size + column;
      pixels.take_larger(x + pixel * channels, static_cast<int32_t>(pixel), channels, best, at);
    }
  }
}

// y [B, H' W', C] and the positions of the maxima.
template <class T>
void MaxPool(const Tensor& x, const ImageWindows& windows, const Tensor& y, const Tensor& at) {
  const int64_t channels = x.size(3), image = x.size(1) * x.size(2) * channels;
  const int64_t columns = windows.columns.count(), pooled = windows.rows.count() * columns;
  // What a window covers of the image, which may be less than the kernel.
  const int64_t work = channels * std::min(windows.rows.kernel, windows.rows.size) *
                       std::min(windows.columns.kernel, windows.columns.size);
  const kernels::PixelKernels<T>& pixels = kernels::GetPixelKernels<T>();
  ParallelFor(x.size(0) * pooled, std::max<int64_t>(1, kGrain / (work + 1)),
              [&](int64_t begin, int64_t end) {
                for (int64_t pixel = begin; pixel < end; ++pixel) {
                  const int64_t in_image = pixel % pooled;
                  MaxOfWindow(pixels, x.raw<T>() + pixel / pooled * image, windows,
                              in_image / columns, in_image % columns, channels,
                              y.raw<T>() + pixel * channels, at.raw<int32_t>() + pixel * channels);
                }
              });
}

}  // namespace

Tensor AvgPool2d(const Tensor& x, const Pool2dOptions& options) {
  const OpScope scope(Average::kName, {&x});
  internal::CheckImage(Average::kName, x);
  const SharedPixelMap map =
      AverageMap(WindowsOf(Average::kName, x, x.size(1), x.size(2), options));
  return internal::RecordPixelMap<Average>(x, map, Transposed(*map));
}

Tensor AvgPool2dAdjoint(const Tensor& x, int64_t height, int64_t width,
                        const Pool2dOptions& options) {
  const OpScope scope(AverageAdjoint::kName, {&x});
  const ImageWindows windows = WindowsOf(AverageAdjoint::kName, x, height, width, options);
  if (x.size(1) != windows.rows.count() || x.size(2) != windows.columns.count()) {
    throw std::invalid_argument(std::string(AverageAdjoint::kName) + ": " + Describe(x) +
                                " is not the shape of images of " + std::to_string(height) +
                                " by " + std::to_string(width) + " pixels pooled with " +
                                ToString(options));
  }
  const SharedPixelMap map = AverageMap(windows);
  return internal::RecordPixelMap<AverageAdjoint>(x, Transposed(*map), map);
}

Tensor MaxPool2d(const Tensor& x, const Pool2dOptions& options) {
  const OpScope scope(MaxPool2dNode::kName, {&x});
  internal::CheckImage(MaxPool2dNode::kName, x);
  const ImageWindows windows = WindowsOf(MaxPool2dNode::kName, x, x.size(1), x.size(2), options);
  const int64_t height = windows.rows.count(), width = windows.columns.count();
  if (x.size(1) > std::numeric_limits<int32_t>::max() / x.size(2)) {
    throw std::invalid_argument("MaxPool2d: " + Describe(x) + " has 2^31 pixels or more");
  }
  const Tensor y = Tensor::Empty({x.size(0), height, width, x.size(3)}, x.dtype());
  const Tensor at = Tensor::Empty({x.size(0), height * width, x.size(3)}, DType::kI32);
  {
    const NoGrad guard;
    const Tensor dense = Contiguous(x);
    internal::Dispatch<internal::DTypes::kFloatingOrBf16>(
        x.dtype(), [&]<class T>(T) { MaxPool<T>(dense, windows, y, at); });
  }
  return Record<MaxPool2dNode>(y, {&x}, x.shape(), at);
}

}  // namespace autograd
