#include "autograd/kernels/conv.h"

#include <cstdint>
#include <optional>
#include <type_traits>

#include "autograd/kernels/conv_direct.h"
#include "autograd/kernels/conv_pairs.h"
#include "autograd/kernels/conv_patches.h"
#include "autograd/kernels/conv_winograd.h"
#include "autograd/kernels/gemm.h"
#include "autograd/kernels/isa.h"

namespace autograd::kernels {
namespace {

// Whether the result is an image times a matrix, pixel by pixel, and no more than a bias.
template <class T>
bool IsProduct(const ConvSize& s, const ConvEpilogue<T>& epilogue) {
  return epilogue.shift == nullptr && epilogue.residual == nullptr && s.taps() == 1 &&
         s.groups == 1 && s.stride_height == 1 && s.stride_width == 1 && s.padding_height == 0 &&
         s.padding_width == 0 && s.height == s.out_height && s.width == s.out_width;
}

// Not windows far larger than the image or wholly outside of it, around which borders would be
// copied for nothing.
bool WindowsFit(const ConvSize& s) {
  const auto fits = [](int64_t size, int64_t kernel, int64_t padding, int64_t dilation) {
    constexpr int64_t kFew = 64;
    const int64_t reach = dilation * (kernel - 1);
    return padding <= reach && reach <= kFew + 4 * size;
  };
  return fits(s.height, s.kernel_height, s.padding_height, s.dilation_height) &&
         fits(s.width, s.kernel_width, s.padding_width, s.dilation_width);
}

// The kernels of conv_direct.h where they serve.
const ConvKernels* KernelsFor(const ConvSize& s) {
  return WindowsFit(s) ? ActiveConvKernels() : nullptr;
}
const ConvBf16Kernels* Bf16KernelsFor(const ConvSize& s) {
  return WindowsFit(s) ? ActiveConvBf16Kernels() : nullptr;
}

// The kernels of conv_winograd.h for images of T where there are any: not where the processor
// multiplies tiles of bf16, faster than any of f32.
template <class T>
std::optional<Winograd> ActiveWinograd() {
  const WinogradKernels* tiles = ActiveWinogradKernels();
  const ConvKernels* products = ActiveConvKernels();
  constexpr bool kIsBf16 = std::is_same_v<T, BFloat16>;
  if (tiles == nullptr || products == nullptr || (kIsBf16 && ActiveIsa() == Isa::kAmx))
    return std::nullopt;
  const bool pairs = kIsBf16 && ActiveConvBf16Kernels() != nullptr;
  return Winograd{*tiles, *products, pairs ? 2 : 1};
}

template <class T>
GemmEpilogue<T> Finish(const ConvEpilogue<T>& epilogue) {
  GemmEpilogue<T> finish;
  finish.bias = epilogue.bias;
  return finish;
}

template <class T>
void Forward(const ConvSize& s, const T* x, const T* w, const ConvEpilogue<T>& epilogue, T* y) {
  if (IsProduct(s, epilogue)) {
    return Gemm(s.batch * s.pixels(), s.out_channels, s.channels, T(1), x, s.channels, 1, w, 1,
                s.channels, T(0), y, s.out_channels, Finish(epilogue));
  }
  if constexpr (std::is_same_v<T, float>) {
    const auto winograd = ActiveWinograd<T>();
    if (winograd && PrefersWinogradForward(*winograd, s))
      return WinogradForward(*winograd, s, x, w, epilogue, y);
    if (const ConvKernels* kernels = KernelsFor(s))
      return DirectForward(kernels->f32, s, x, w, epilogue, y);
  }
  PatchesForward(s, x, w, epilogue, y);
}

template <class T>
void InputGradient(const ConvSize& s, const T* dy, const T* w, const ConvEpilogue<T>& epilogue,
                   T* dx) {
  if (IsProduct(s, epilogue)) {
    return Gemm(s.batch * s.pixels(), s.channels, s.out_channels, T(1), dy, s.out_channels, 1, w,
                s.channels, 1, T(0), dx, s.channels, Finish(epilogue));
  }
  if constexpr (std::is_same_v<T, float>) {
    const auto winograd = ActiveWinograd<T>();
    if (winograd && PrefersWinogradInputGradient(*winograd, s))
      return WinogradInputGradient(*winograd, s, dy, w, epilogue, dx);
    if (const ConvKernels* kernels = KernelsFor(s))
      return DirectInputGradient(kernels->f32, s, dy, w, epilogue, dx);
  }
  PatchesInputGradient(s, dy, w, epilogue, dx);
}

template <class T>
void WeightGradient(const ConvSize& s, const T* x, const T* dy, T* dw) {
  if constexpr (std::is_same_v<T, float>) {
    const auto winograd = ActiveWinograd<T>();
    if (winograd && PrefersWinogradWeightGradient(*winograd, s))
      return WinogradWeightGradient(*winograd, s, x, dy, dw);
    if (const ConvKernels* kernels = KernelsFor(s))
      return DirectWeightGradient(*kernels, s, x, dy, dw);
  }
  PatchesWeightGradient(s, x, dy, dw);
}

}  // namespace

void ConvForward(const ConvSize& size, const float* x, const float* w,
                 const ConvEpilogue<float>& epilogue, float* y) {
  Forward(size, x, w, epilogue, y);
}

void ConvForward(const ConvSize& size, const double* x, const double* w,
                 const ConvEpilogue<double>& epilogue, double* y) {
  Forward(size, x, w, epilogue, y);
}

void ConvForward(const ConvSize& size, const BFloat16* x, const float* w,
                 const ConvEpilogue<BFloat16>& epilogue, BFloat16* y) {
  const auto winograd = ActiveWinograd<BFloat16>();
  if (winograd && PrefersWinogradForward(*winograd, size)) {
    return WinogradForward(*winograd, size, x, w, epilogue, y);
  }
  if (const ConvBf16Kernels* kernels = Bf16KernelsFor(size))
    return DirectForward(*kernels, size, x, w, epilogue, y);
  if (const ConvKernels* kernels = KernelsFor(size))
    return DirectForward(kernels->widened, size, x, w, epilogue, y);
  PatchesForward(size, x, w, epilogue, y);
}

void ConvInputGradient(const ConvSize& size, const float* dy, const float* w,
                       const ConvEpilogue<float>& epilogue, float* dx) {
  InputGradient(size, dy, w, epilogue, dx);
}

void ConvInputGradient(const ConvSize& size, const double* dy, const double* w,
                       const ConvEpilogue<double>& epilogue, double* dx) {
  InputGradient(size, dy, w, epilogue, dx);
}

void ConvInputGradient(const ConvSize& size, const BFloat16* dy, const float* w,
                       const ConvEpilogue<BFloat16>& epilogue, BFloat16* dx) {
  const auto winograd = ActiveWinograd<BFloat16>();
  if (winograd && PrefersWinogradInputGradient(*winograd, size)) {
    return WinogradInputGradient(*winograd, size, dy, w, epilogue, dx);
  }
  if (const ConvBf16Kernels* kernels = Bf16KernelsFor(size))
    return DirectInputGradient(*kernels, size, dy, w, epilogue, dx);
  if (const ConvKernels* kernels = KernelsFor(size))
    return DirectInputGradient(kernels->widened, size, dy, w, epilogue, dx);
  PatchesInputGradient(size, dy, w, epilogue, dx);
}

void ConvWeightGradient(const ConvSize& size, const float* x, const float* dy, float* dw) {
  WeightGradient(size, x, dy, dw);
}

void ConvWeightGradient(const ConvSize& size, const double* x, const double* dy, double* dw) {
  WeightGradient(size, x, dy, dw);
}

void ConvWeightGradient(const ConvSize& size, const BFloat16* x, const BFloat16* dy, float* dw) {
  const auto winograd = ActiveWinograd<BFloat16>();
  if (winograd && PrefersWinogradWeightGradient(*winograd, size)) {
    return WinogradWeightGradient(*winograd, size, x, dy, dw);
  }
  if (WindowsFit(size) && size.groups == 1) {
    if (const ConvPairsKernels* kernels = ActiveConvPairsKernels())
      return PairsWeightGradient(*kernels, size, x, dy, dw);
  }
  if (const ConvKernels* kernels = KernelsFor(size))
    return DirectWeightGradient(*kernels, size, x, dy, dw);
  PatchesWeightGradient(size, x, dy, dw);
}

}  // namespace autograd::kernels
