#include "autograd/kernels/conv_patches.h"

#include <algorithm>
#include <cstdint>

#include "autograd/kernels/convert.h"
#include "autograd/kernels/gemm.h"
#include "autograd/kernels/gemm_kernels.h"
#include "autograd/kernels/gemm_scratch.h"
#include "autograd/parallel/parallel.h"

namespace autograd::kernels {
namespace {

// Elements of a matrix of patches: as much as stays in a second-level cache beside the weights.
constexpr int64_t kPatchElements = 1 << 15;
// Multiply-adds that are worth a thread of their own.
constexpr int64_t kTaskProducts = 1 << 18;
// Partial sums of weight gradients; as many threads can take part.
constexpr int64_t kMaxParts = 16;

// Elements of bf16 images that are widened at a time.
constexpr int64_t kWidened = 1 << 20;

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Pixels of y whose patches are made at a time.
int64_t PatchRows(const ConvSize& s) {
  constexpr int64_t kLeast = 16;
  return std::max(kLeast, kPatchElements / std::max<int64_t>(1, s.filter()));
}

// visit(element of x's channels, offset in the patch) for each tap of group `group` that pixel
// `pixel` of y reads, outside(offset) for those beyond the borders.
template <class Inside, class Outside>
void ForEachTap(const ConvSize& s, int64_t group, int64_t pixel, Inside inside, Outside outside) {
  const int64_t n = pixel / s.out_pixels();
  const int64_t top = pixel % s.out_pixels() / s.out_width * s.stride_height - s.padding_height;
  const int64_t left = pixel % s.out_width * s.stride_width - s.padding_width;
  const int64_t first = n * s.pixels() * s.channels + group * s.group_channels();
  int64_t offset = 0;
  for (int64_t a = 0; a < s.kernel_height; ++a) {
    const int64_t row = top + a * s.dilation_height;
    for (int64_t b = 0; b < s.kernel_width; ++b, offset += s.group_channels()) {
      const int64_t column = left + b * s.dilation_width;
      if (row < 0 || row >= s.height || column < 0 || column >= s.width) {
        outside(offset);
      } else {
        inside(first + (row * s.width + column) * s.channels, offset);
      }
    }
  }
}

// patches[count, filter] of pixels [first, first + count) of y.
template <class T>
void MakePatches(const ConvSize& s, int64_t group, int64_t first, int64_t count, const T* x,
                 T* patches) {
  const int64_t channels = s.group_channels();
  for (int64_t i = 0; i < count; ++i, patches += s.filter()) {
    ForEachTap(
        s, group, first + i,
        [&](int64_t at, int64_t offset) { std::copy_n(x + at, channels, patches + offset); },
        [&](int64_t offset) { std::fill_n(patches + offset, channels, T(0)); });
  }
}

// The transpose of MakePatches: adds what belongs to an element of x to it.
template <class T>
void AddPatches(const ConvSize& s, int64_t group, int64_t first, int64_t count, const T* patches,
                T* x) {
  const int64_t channels = s.group_channels();
  for (int64_t i = 0; i < count; ++i, patches += s.filter()) {
    ForEachTap(
        s, group, first + i,
        [&](int64_t at, int64_t offset) {
          for (int64_t c = 0; c < channels; ++c) x[at + c] += patches[offset + c];
        },
        [](int64_t) {});
  }
}

// Adds shift and residual to pixels [first, first + count) of x, which has `pixels` to an image.
template <class T>
void AddTerms(int64_t pixels, int64_t channels, const ConvEpilogue<T>& e, int64_t first,
              int64_t count, T* x) {
  if (e.shift == nullptr && e.residual == nullptr) return;
  for (int64_t i = first; i < first + count; ++i) {
    T* to = x + i * channels;
    if (e.shift != nullptr) {
      const T* shift = e.shift + i / pixels * channels;
      for (int64_t c = 0; c < channels; ++c) to[c] += shift[c];
    }
    if (e.residual != nullptr) {
      const T* residual = e.residual + i * channels;
      for (int64_t c = 0; c < channels; ++c) to[c] += residual[c];
    }
  }
}

// Pixels [first, first + count) of x, of which the epilogue is all there is.
template <class T>
void FillPixels(int64_t pixels, int64_t channels, const ConvEpilogue<T>& e, int64_t first,
                int64_t count, T* x) {
  if (e.bias == nullptr) {
    std::fill_n(x + first * channels, count * channels, T(0));
  } else {
    for (int64_t i = first; i < first + count; ++i) {
      std::copy_n(e.bias, channels, x + i * channels);
    }
  }
  AddTerms(pixels, channels, e, first, count, x);
}

// run(sizes, source, epilogue, result) in f32, some images at a time; each has `from` elements of
// the source and `to` of the result, in `channels` channels.
template <class Run>
void RunWidened(const ConvSize& s, int64_t from, int64_t to, int64_t channels,
                const BFloat16* source, const ConvEpilogue<BFloat16>& e, BFloat16* result,
                Run run) {
  const CastFn widen = GetCast(CastType::kBf16, CastType::kF32);
  const CastFn narrow = GetCast(CastType::kF32, CastType::kBf16);
  const int64_t images = std::max<int64_t>(1, kWidened / std::max<int64_t>(1, from + 2 * to));
  ConvSize part = s;
  for (int64_t n = 0; n < s.batch; n += images) {
    part.batch = std::min(images, s.batch - n);
    const int64_t from_size = part.batch * from, to_size = part.batch * to;
    float* wide = GetScratch<float>(ScratchUse::kConvWidened, from_size + 2 * to_size);
    float* residual = wide + from_size;
    float* sums = residual + to_size;
    ConvEpilogue<float> epilogue;
    epilogue.bias = e.bias;
    if (e.shift != nullptr) epilogue.shift = e.shift + n * channels;
    if (e.residual != nullptr) {
      widen(e.residual + n * to, residual, to_size);
      epilogue.residual = residual;
    }
    widen(source + n * from, wide, from_size);
    run(part, wide, epilogue, sums);
    narrow(sums, result + n * to, to_size);
  }
}

}  // namespace

template <class T>
void PatchesForward(const ConvSize& s, const T* x, const T* w, const ConvEpilogue<T>& epilogue,
                    T* y) {
  const int64_t rows = PatchRows(s), out = s.group_out_channels(), filter = s.filter();
  ParallelFor(s.batch * s.out_pixels(), rows, [&](int64_t begin, int64_t end) {
    T* patches = GetScratch<T>(ScratchUse::kPatches, rows * filter);
    for (int64_t g = 0; g < s.groups; ++g) {
      MakePatches(s, g, begin, end - begin, x, patches);
      GemmEpilogue<T> finish;
      if (epilogue.bias != nullptr) finish.bias = epilogue.bias + g * out;
      Gemm(end - begin, out, filter, T(1), patches, filter, 1, w + g * out * filter, 1, filter,
           T(0), y + begin * s.out_channels + g * out, s.out_channels, finish);
    }
    AddTerms(s.out_pixels(), s.out_channels, epilogue, begin, end - begin, y);
  });
}

template <class T>
void PatchesInputGradient(const ConvSize& s, const T* dy, const T* w,
                          const ConvEpilogue<T>& epilogue, T* dx) {
  const int64_t rows = PatchRows(s), out = s.group_out_channels(), filter = s.filter();
  const int64_t image = s.pixels() * s.channels;
  const int64_t work = std::max<int64_t>(1, image + s.out_pixels() * s.weights());
  // Windows overlap, so a task is one or more whole images.
  ParallelFor(s.batch, std::max<int64_t>(1, kTaskProducts / work), [&](int64_t begin, int64_t end) {
    FillPixels(s.pixels(), s.channels, epilogue, begin * s.pixels(), (end - begin) * s.pixels(),
               dx);
    T* patches = GetScratch<T>(ScratchUse::kPatches, rows * filter);
    const int64_t last = end * s.out_pixels();
    for (int64_t first = begin * s.out_pixels(); first < last; first += rows) {
      const int64_t count = std::min(rows, last - first);
      for (int64_t g = 0; g < s.groups; ++g) {
        Gemm(count, filter, out, T(1), dy + first * s.out_channels + g * out, s.out_channels, 1,
             w + g * out * filter, filter, 1, T(0), patches, filter);
        AddPatches(s, g, first, count, patches, dx);
      }
    }
  });
}

template <class T>
void PatchesWeightGradient(const ConvSize& s, const T* x, const T* dy, T* dw) {
  const int64_t rows = PatchRows(s), out = s.group_out_channels(), filter = s.filter();
  const int64_t pixels = s.batch * s.out_pixels();
  // Runs of pieces, whose shares of dw are added up in order.
  const int64_t pieces = CeilDiv(pixels, rows);
  const int64_t run = std::max<int64_t>(1, CeilDiv(pieces, kMaxParts));
  const int64_t parts = CeilDiv(pieces, run);
  T* sums = GetScratch<T>(ScratchUse::kConvParts, parts * s.weights());
  ParallelFor(parts, 1, [&](int64_t part, int64_t) {
    T* patches = GetScratch<T>(ScratchUse::kPatches, rows * filter);
    const int64_t first = part * run * rows, last = std::min(pixels, first + run * rows);
    for (int64_t begin = first; begin < last; begin += rows) {
      const int64_t count = std::min(rows, last - begin);
      for (int64_t g = 0; g < s.groups; ++g) {
        MakePatches(s, g, begin, count, x, patches);
        Gemm(out, filter, count, T(1), dy + begin * s.out_channels + g * out, 1, s.out_channels,
             patches, filter, 1, T(begin == first ? 0 : 1),
             sums + part * s.weights() + g * out * filter, filter);
      }
    }
  });
  ActiveGemmKernels(T()).sum_rows(parts, s.weights(), sums, s.weights(), dw);
}

void PatchesForward(const ConvSize& s, const BFloat16* x, const float* w,
                    const ConvEpilogue<BFloat16>& epilogue, BFloat16* y) {
  RunWidened(s, s.pixels() * s.channels, s.out_pixels() * s.out_channels, s.out_channels, x,
             epilogue, y,
             [w](const ConvSize& part, const float* from, const ConvEpilogue<float>& e, float* to) {
               PatchesForward(part, from, w, e, to);
             });
}

void PatchesInputGradient(const ConvSize& s, const BFloat16* dy, const float* w,
                          const ConvEpilogue<BFloat16>& epilogue, BFloat16* dx) {
  RunWidened(s, s.out_pixels() * s.out_channels, s.pixels() * s.channels, s.channels, dy, epilogue,
             dx,
             [w](const ConvSize& part, const float* from, const ConvEpilogue<float>& e, float* to) {
               PatchesInputGradient(part, from, w, e, to);
             });
}

void PatchesWeightGradient(const ConvSize& s, const BFloat16* x, const BFloat16* dy, float* dw) {
  const int64_t x_image = s.pixels() * s.channels, y_image = s.out_pixels() * s.out_channels;
  const int64_t images = std::max<int64_t>(1, kWidened / std::max<int64_t>(1, x_image + y_image));
  const CastFn widen = GetCast(CastType::kBf16, CastType::kF32);
  std::fill_n(dw, s.weights(), 0.0f);
  ConvSize part = s;
  for (int64_t n = 0; n < s.batch; n += images) {
    part.batch = std::min(images, s.batch - n);
    const int64_t x_size = part.batch * x_image, y_size = part.batch * y_image;
    float* wide = GetScratch<float>(ScratchUse::kConvWidened, x_size + y_size + s.weights());
    float* sums = wide + x_size + y_size;
    widen(x + n * x_image, wide, x_size);
    widen(dy + n * y_image, wide + x_size, y_size);
    PatchesWeightGradient(part, wide, wide + x_size, sums);
    for (int64_t i = 0; i < s.weights(); ++i) dw[i] += sums[i];
  }
}

template void PatchesForward(const ConvSize&, const float*, const float*,
                             const ConvEpilogue<float>&, float*);
template void PatchesForward(const ConvSize&, const double*, const double*,
                             const ConvEpilogue<double>&, double*);
template void PatchesInputGradient(const ConvSize&, const float*, const float*,
                                   const ConvEpilogue<float>&, float*);
template void PatchesInputGradient(const ConvSize&, const double*, const double*,
                                   const ConvEpilogue<double>&, double*);
template void PatchesWeightGradient(const ConvSize&, const float*, const float*, float*);
template void PatchesWeightGradient(const ConvSize&, const double*, const double*, double*);

}  // namespace autograd::kernels
