// The gradients of what a convolution adds to its sums: sums of dy over pixels.
#include <algorithm>
#include <cstdint>

#include "autograd/kernels/conv.h"
#include "autograd/kernels/gemm_kernels.h"
#include "autograd/kernels/gemm_scratch.h"
#include "autograd/kernels/sum_rows_bf16.h"
#include "autograd/parallel/parallel.h"

namespace autograd::kernels {
namespace {

// Elements of dy that are worth a thread of their own.
constexpr int64_t kTaskElements = 1 << 16;

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

template <class T>
void SumRows(int64_t rows, int64_t channels, const T* x, T* sums) {
  ActiveGemmKernels(T()).sum_rows(rows, channels, x, channels, sums);
}

void SumRows(int64_t rows, int64_t channels, const BFloat16* x, float* sums) {
  SumRowsBf16(rows, channels, x, sums);
}

// sums[batch, channels] of dy [batch, pixels, channels]. Large images are cut into runs of pixels,
// whose sums are added up in order; small ones are summed several at a time.
template <class T>
void ShiftGradient(int64_t batch, int64_t pixels, int64_t channels, const T* dy,
                   ConvParameter<T>* sums) {
  const int64_t run = std::max<int64_t>(1, kTaskElements / std::max<int64_t>(1, channels));
  const int64_t runs = CeilDiv(pixels, run);
  if (runs <= 1) {
    const int64_t images = std::max<int64_t>(1, run / std::max<int64_t>(1, pixels));
    return ParallelFor(batch, images, [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; ++n) {
        SumRows(pixels, channels, dy + n * pixels * channels, sums + n * channels);
      }
    });
  }
  auto* parts = GetScratch<ConvParameter<T>>(ScratchUse::kConvParts, batch * runs * channels);
  ParallelFor(batch * runs, 1, [&](int64_t task, int64_t) {
    const int64_t n = task / runs, first = task % runs * run;
    SumRows(std::min(run, pixels - first), channels, dy + (n * pixels + first) * channels,
            parts + task * channels);
  });
  for (int64_t n = 0; n < batch; ++n) {
    SumRows(runs, channels, parts + n * runs * channels, sums + n * channels);
  }
}

}  // namespace

void ConvBiasGradient(int64_t pixels, int64_t channels, const float* dy, float* sums) {
  ShiftGradient(1, pixels, channels, dy, sums);
}

void ConvBiasGradient(int64_t pixels, int64_t channels, const double* dy, double* sums) {
  ShiftGradient(1, pixels, channels, dy, sums);
}

void ConvBiasGradient(int64_t pixels, int64_t channels, const BFloat16* dy, float* sums) {
  ShiftGradient(1, pixels, channels, dy, sums);
}

void ConvShiftGradient(int64_t batch, int64_t pixels, int64_t channels, const float* dy,
                       float* sums) {
  ShiftGradient(batch, pixels, channels, dy, sums);
}

void ConvShiftGradient(int64_t batch, int64_t pixels, int64_t channels, const double* dy,
                       double* sums) {
  ShiftGradient(batch, pixels, channels, dy, sums);
}

void ConvShiftGradient(int64_t batch, int64_t pixels, int64_t channels, const BFloat16* dy,
                       float* sums) {
  ShiftGradient(batch, pixels, channels, dy, sums);
}

}  // namespace autograd::kernels
