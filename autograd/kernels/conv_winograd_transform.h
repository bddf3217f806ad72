// The transforms of F(4x4, 3x3), as templates on a vector type whose lanes are channels.
//
// With the points 0, a, -a, b, -b and infinity, a = 1 / sqrt(2) and b = sqrt(2), a tile's six rows
// (or columns) d become B' d, three weights g become G g, the values of their polynomial at the
// points, and six products become four results by A' (Lavin and Gray, "Fast Algorithms for
// Convolutional Neural Networks", 2015, section 4.3, for the points 0, 1, -1, 2 and -2). With these
// points rounding errors are less than half as large: the powers of points that A' adds up lie
// nearer to 1.
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_CONV_WINOGRAD_TRANSFORM_H_
#define AUTOGRAD_KERNELS_CONV_WINOGRAD_TRANSFORM_H_

#include <stdint.h>

#include "autograd/kernels/conv_math.h"
#include "autograd/kernels/conv_winograd_kernels.h"

namespace autograd::kernels {
namespace {

constexpr float kA = 0.70710678118654752440f, kA2 = 0.5f, kA3 = kA * kA2;
constexpr float kB = 1.41421356237309504880f, kB2 = 2.0f, kB3 = kB * kB2;

// Each step has kIn, kOut and Apply, which makes kOut vectors of kIn.

// B'. The product of all (x - point) over (x - point) of each, as coefficients.
struct SourceStep {
  static constexpr int kIn = 6, kOut = 6;
  template <class V>
  static void Apply(const typename V::Vec* d, typename V::Vec* t) {
    const auto a2 = V::Set(kA2), b2 = V::Set(kB2), both = V::Set(kA2 + kB2);
    // (x^2 - a^2) (x^2 - b^2), where a^2 b^2 = 1, and x times it.
    t[0] = V::Fnma(both, d[2], d[0] + d[4]);
    t[5] = V::Fnma(both, d[3], d[1] + d[5]);
    // x (x + a) (x^2 - b^2) and x (x - a) (x^2 - b^2).
    const auto even_a = V::Fnma(b2, d[2], d[4]), odd_a = V::Fnma(b2, d[1], d[3]);
    t[1] = V::Fma(V::Set(kA), odd_a, even_a);
    t[2] = V::Fnma(V::Set(kA), odd_a, even_a);
    const auto even_b = V::Fnma(a2, d[2], d[4]), odd_b = V::Fnma(a2, d[1], d[3]);
    t[3] = V::Fma(V::Set(kB), odd_b, even_b);
    t[4] = V::Fnma(V::Set(kB), odd_b, even_b);
  }
};

// A': the powers 0 to 3 of the points, of infinity the last only.
struct ResultStep {
  static constexpr int kIn = 6, kOut = 4;
  template <class V>
  static void Apply(const typename V::Vec* m, typename V::Vec* y) {
    const auto even_a = m[1] + m[2], odd_a = m[1] - m[2];
    const auto even_b = m[3] + m[4], odd_b = m[3] - m[4];
    y[0] = m[0] + even_a + even_b;
    y[1] = V::Fma(V::Set(kA), odd_a, V::Set(kB) * odd_b);
    y[2] = V::Fma(V::Set(kA2), even_a, V::Set(kB2) * even_b);
    y[3] = V::Fma(V::Set(kA3), odd_a, V::Fma(V::Set(kB3), odd_b, m[5]));
  }
};

// A.
struct GradientStep {
  static constexpr int kIn = 4, kOut = 6;
  template <class V>
  static void Apply(const typename V::Vec* y, typename V::Vec* m) {
    const auto even_a = V::Fma(V::Set(kA2), y[2], y[0]);
    const auto odd_a = V::Fma(V::Set(kA3), y[3], V::Set(kA) * y[1]);
    const auto even_b = V::Fma(V::Set(kB2), y[2], y[0]);
    const auto odd_b = V::Fma(V::Set(kB3), y[3], V::Set(kB) * y[1]);
    m[0] = y[0];
    m[1] = even_a + odd_a;
    m[2] = even_a - odd_a;
    m[3] = even_b + odd_b;
    m[4] = even_b - odd_b;
    m[5] = y[3];
  }
};

// What G multiplies the values at +-a and +-b by: one over the product of the differences to all
// other points.
constexpr float kOverA = 1 / (2 * kA2 * (kA2 - kB2)), kOverB = 1 / (2 * kB2 * (kB2 - kA2));

// G.
struct WeightsStep {
  static constexpr int kIn = 3, kOut = 6;
  template <class V>
  static void Apply(const typename V::Vec* g, typename V::Vec* u) {
    const auto even_a = V::Fma(V::Set(kA2), g[2], g[0]) * V::Set(kOverA);
    const auto odd_a = V::Set(kA * kOverA) * g[1];
    const auto even_b = V::Fma(V::Set(kB2), g[2], g[0]) * V::Set(kOverB);
    const auto odd_b = V::Set(kB * kOverB) * g[1];
    u[0] = g[0];
    u[1] = even_a + odd_a;
    u[2] = even_a - odd_a;
    u[3] = even_b + odd_b;
    u[4] = even_b - odd_b;
    u[5] = g[2];
  }
};

// G'.
struct WeightsTransposeStep {
  static constexpr int kIn = 6, kOut = 3;
  template <class V>
  static void Apply(const typename V::Vec* u, typename V::Vec* g) {
    const auto even_a = V::Set(kOverA) * (u[1] + u[2]), even_b = V::Set(kOverB) * (u[3] + u[4]);
    const auto odd_a = V::Set(kA * kOverA) * (u[1] - u[2]);
    g[0] = u[0] + even_a + even_b;
    g[1] = V::Fma(V::Set(kB * kOverB), u[3] - u[4], odd_a);
    g[2] = V::Fma(V::Set(kA2), even_a, V::Fma(V::Set(kB2), even_b, u[5]));
  }
};

// Step along lines of one direction and then along the other's: with load(k, i) element i of line k
// of the one, store(k, i) gets element i of line k of the result, a line of the other direction.
template <class V, class Step, class Load, class Store>
[[gnu::always_inline]] inline void Transform(const Load& load, const Store& store) {
  constexpr int kIn = Step::kIn, kOut = Step::kOut;
  typename V::Vec half[kOut * kIn];
#pragma GCC unroll 6
  for (int k = 0; k < kIn; ++k) {
    typename V::Vec in[kIn], out[kOut];
#pragma GCC unroll 6
    for (int i = 0; i < kIn; ++i) in[i] = load(k, i);
    Step::template Apply<V>(in, out);
#pragma GCC unroll 6
    for (int i = 0; i < kOut; ++i) half[i * kIn + k] = out[i];
  }
#pragma GCC unroll 6
  for (int k = 0; k < kOut; ++k) {
    typename V::Vec out[kOut];
    Step::template Apply<V>(half + k * kIn, out);
#pragma GCC unroll 6
    for (int i = 0; i < kOut; ++i) store(k, i, out[i]);
  }
}

// The places of a transformed tile, to be gone through in their order.
template <class T>
class PlaceLines {
 public:
  PlaceLines(T* first, int64_t stride) : line_(first), stride_(stride) {}
  [[gnu::always_inline]] T* At(int k, int i) {
    if (k > 0 && i == 0) {
      line_ += kWinogradSource * stride_;
      // Hides where the line is from the compiler, which would keep all 36 multiples of the stride.
      asm("" : "+r"(line_));
    }
    return line_ + i * stride_;
  }

 private:
  T* line_;
  int64_t stride_;
};

// WinogradImageKernels::source and ::gradient.
template <class V, class Step, class Image>
void TransformPixels(const Image* const* pixels, int64_t channels, float* to, int64_t stride) {
  constexpr int kSide = Step::kIn;
  for (int64_t c = 0; c < channels; c += V::kLanes) {
    const int64_t rest = channels - c;
    PlaceLines<float> places(to + c, stride);
    const auto store = [&](int k, int i, typename V::Vec v) { V::Store(places.At(k, i), v); };
    if (rest >= V::kLanes) {
      Transform<V, Step>([&](int k, int i) { return ImageIo<V>::Load(pixels[i * kSide + k] + c); },
                         store);
    } else {
      Transform<V, Step>(
          [&](int k, int i) { return ImageIo<V>::LoadPartial(pixels[i * kSide + k] + c, rest); },
          store);
    }
  }
}

// The way of a tile's vectors y[row * kWinogradResult + column] of channels from c on to the image.
template <class V, class Image>
[[gnu::always_inline]] inline void FinishResult(const typename V::Vec* y, int64_t c, int64_t rest,
                                                const WinogradResult<Image>& to) {
  using Io = ImageIo<V>;
  const bool whole = rest >= V::kLanes;
  auto offset = V::Zero();
  if (to.offset != nullptr) {
    offset = whole ? V::Load(to.offset + c) : V::LoadPartial(to.offset + c, rest);
  }
  for (int64_t i = 0; i < to.rows; ++i) {
    for (int64_t j = 0; j < to.columns; ++j) {
      const int64_t at = i * to.row_stride + j * to.pixel_stride + c;
      auto value = y[i * kWinogradResult + j] + offset;
      if (to.residual != nullptr) {
        const Image* from = to.residual + at;
        value = value + (whole ? Io::Load(from) : Io::LoadPartial(from, rest));
      }
      if (whole) {
        Io::Store(to.y + at, value);
      } else {
        Io::StorePartial(to.y + at, value, rest);
      }
    }
  }
}

// WinogradImageKernels::result.
template <class V, class Image>
void TransformResult(const float* m, int64_t stride, int64_t channels,
                     const WinogradResult<Image>& to) {
  for (int64_t c = 0; c < channels; c += V::kLanes) {
    PlaceLines<const float> places(m + c, stride);
    typename V::Vec y[kWinogradPixels];
    Transform<V, ResultStep>(
        [&](int k, int i) { return V::Load(places.At(k, i)); },
        [&](int k, int i, typename V::Vec v) { y[i * kWinogradResult + k] = v; });
    FinishResult<V>(y, c, channels - c, to);
  }
}

// WinogradKernels::weights.
template <class V>
void TransformWeights(const float* const* taps, int64_t channels, float* to, int64_t stride) {
  for (int64_t c = 0; c < channels; c += V::kLanes) {
    PlaceLines<float> places(to + c, stride);
    Transform<V, WeightsStep>(
        [&](int k, int i) { return V::Load(taps[i * kWinogradKernel + k] + c); },
        [&](int k, int i, typename V::Vec v) { V::Store(places.At(k, i), v); });
  }
}

// WinogradKernels::weights_transpose.
template <class V>
void TransformWeightsBack(const float* m, int64_t stride, int64_t channels, float* const* taps) {
  for (int64_t c = 0; c < channels; c += V::kLanes) {
    const int64_t rest = channels - c;
    PlaceLines<const float> places(m + c, stride);
    const auto tap = [&](int k, int i) { return taps[i * kWinogradKernel + k] + c; };
    if (rest >= V::kLanes) {
      Transform<V, WeightsTransposeStep>(
          [&](int k, int i) { return V::Load(places.At(k, i)); },
          [&](int k, int i, typename V::Vec v) { V::Store(tap(k, i), v); });
    } else {
      Transform<V, WeightsTransposeStep>(
          [&](int k, int i) { return V::LoadPartial(places.At(k, i), rest); },
          [&](int k, int i, typename V::Vec v) { V::StorePartial(tap(k, i), v, rest); });
    }
  }
}

template <class V, class Image>
constexpr WinogradImageKernels<Image> WinogradImageTable() {
  return {&TransformPixels<V, SourceStep, Image>, &TransformResult<V, Image>,
          &TransformPixels<V, GradientStep, Image>};
}

template <class V>
constexpr WinogradKernels WinogradTable() {
  return {V::kLanes, WinogradImageTable<V, float>(), WinogradImageTable<V, BFloat16>(),
          &TransformWeights<V>, &TransformWeightsBack<V>};
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_CONV_WINOGRAD_TRANSFORM_H_
