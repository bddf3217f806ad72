#include "autograd/ops/resample.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "autograd/ops/pixel_map.h"
#include "autograd/trace/op_scope.h"

namespace autograd {
namespace {

using internal::AxisMap;
using internal::PixelMap;
using internal::SharedPixelMap;

struct NearestAdjoint;
struct Nearest {
  static constexpr char kName[] = "UpsampleNearest2d";
  using Adjoint = NearestAdjoint;
};
struct NearestAdjoint {
  static constexpr char kName[] = "UpsampleNearest2dAdjoint";
  using Adjoint = Nearest;
};
struct BilinearAdjoint;
struct Bilinear {
  static constexpr char kName[] = "UpsampleBilinear2d";
  using Adjoint = BilinearAdjoint;
};
struct BilinearAdjoint {
  static constexpr char kName[] = "UpsampleBilinear2dAdjoint";
  using Adjoint = Bilinear;
};

AxisMap NearestAxis(int64_t from, int64_t to) {
  AxisMap map;
  map.source_size = from;
  const float ratio = static_cast<float>(from) / static_cast<float>(to);
  for (int64_t i = 0; i < to; ++i) {
    const auto rounded = static_cast<int64_t>(std::floor(static_cast<float>(i) * ratio));
    map.terms.push_back({to == 2 * from ? i / 2 : std::min(rounded, from - 1), 1});
    map.EndEntry();
  }
  return map;
}

// Where pixel i of an axis of size `to` lies on one of size `from`.
double SourcePosition(int64_t i, int64_t from, int64_t to, bool align_corners) {
  const double position = static_cast<double>(i);
  if (align_corners) {
    return to == 1 ? 0 : position * static_cast<double>(from - 1) / static_cast<double>(to - 1);
  }
  const double ratio = static_cast<double>(from) / static_cast<double>(to);
  return std::max(0.0, (position + .5) * ratio - .5);
}

AxisMap LinearAxis(int64_t from, int64_t to, bool align_corners) {
  AxisMap map;
  map.source_size = from;
  for (int64_t i = 0; i < to; ++i) {
    const double position = SourcePosition(i, from, to, align_corners);
    const int64_t below = std::min(static_cast<int64_t>(position), from - 1);
    const double fraction = position - static_cast<double>(below);
    if (below + 1 < from && fraction > 0) {
      map.terms.push_back({below, 1 - fraction});
      map.terms.push_back({below + 1, fraction});
    } else {
      map.terms.push_back({below, 1});
    }
    map.EndEntry();
  }
  return map;
}

struct ImageSize {
  int64_t height, width;
};
ImageSize SizeOf(const Tensor& x) { return {x.size(1), x.size(2)}; }

SharedPixelMap NearestMap(ImageSize from, ImageSize to) {
  return std::make_shared<PixelMap>(
      PixelMap{NearestAxis(from.height, to.height), NearestAxis(from.width, to.width)});
}
SharedPixelMap BilinearMap(ImageSize from, ImageSize to, bool align_corners) {
  return std::make_shared<PixelMap>(PixelMap{LinearAxis(from.height, to.height, align_corners),
                                             LinearAxis(from.width, to.width, align_corners)});
}

}  // namespace

Tensor UpsampleNearest2d(const Tensor& x, int64_t height, int64_t width) {
  const OpScope scope(Nearest::kName, {&x});
  internal::CheckImage(Nearest::kName, x, height, width);
  const SharedPixelMap map = NearestMap(SizeOf(x), {height, width});
  return internal::RecordPixelMap<Nearest>(x, map, Transposed(*map));
}

Tensor UpsampleNearest2dAdjoint(const Tensor& x, int64_t height, int64_t width) {
  const OpScope scope(NearestAdjoint::kName, {&x});
  internal::CheckImage(NearestAdjoint::kName, x, height, width);
  const SharedPixelMap map = NearestMap({height, width}, SizeOf(x));
  return internal::RecordPixelMap<NearestAdjoint>(x, Transposed(*map), map);
}

Tensor UpsampleBilinear2d(const Tensor& x, int64_t height, int64_t width, bool align_corners) {
  const OpScope scope(Bilinear::kName, {&x});
  internal::CheckImage(Bilinear::kName, x, height, width);
  const SharedPixelMap map = BilinearMap(SizeOf(x), {height, width}, align_corners);
  return internal::RecordPixelMap<Bilinear>(x, map, Transposed(*map));
}

Tensor UpsampleBilinear2dAdjoint(const Tensor& x, int64_t height, int64_t width,
                                 bool align_corners) {
  const OpScope scope(BilinearAdjoint::kName, {&x});
  internal::CheckImage(BilinearAdjoint::kName, x, height, width);
  const SharedPixelMap map = BilinearMap({height, width}, SizeOf(x), align_corners);
  return internal::RecordPixelMap<BilinearAdjoint>(x, Transposed(*map), map);
}

}  // namespace autograd
