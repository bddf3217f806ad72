// The weights' gradient of conv_direct.h.
#include <algorithm>
#include <cstdint>

#include "autograd/kernels/conv_direct.h"
#include "autograd/kernels/convert.h"
#include "autograd/kernels/gemm_kernels.h"
#include "autograd/kernels/gemm_scratch.h"
#include "autograd/parallel/parallel.h"

namespace autograd::kernels {
namespace {

// Shares of the gradient, and bytes of them.
constexpr int64_t kMaxParts = 32;
constexpr int64_t kPartBytes = 16 << 20;
// With fewer shares than this, the taps of each are divided among tasks too.
constexpr int64_t kFewParts = 8;
// Multiply-adds that are worth a thread of their own.
constexpr int64_t kTaskProducts = 1 << 19;
// Rows of x and dy that all taps run over, so that they stay in near caches. Fewer would have the
// sums loaded and stored more often.
constexpr int64_t kNearBytes = 64 * 1024;

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

// The elements [begin, end) of y that read x inside its borders through one tap.
struct Range {
  int64_t begin, end;
};
Range InsideOf(int64_t size, int64_t out_size, int64_t offset, int64_t stride) {
  const int64_t begin = offset >= 0 ? 0 : CeilDiv(-offset, stride);
  const int64_t end = offset >= size ? 0 : (size - 1 - offset) / stride + 1;
  return {begin, std::min(end, out_size)};
}

// Which image's channels are the rows of a tap's outer product: dy's, so that the sums lie in the
// order of w, or x's, where that wastes fewer lanes: w's order then has to be made at the end.
bool RowsAreOutputs(const ConvKernels& kernels, const ConvSize& s) {
  const int64_t in = s.group_channels(), out = s.group_out_channels();
  return out * CeilDiv(in, kernels.lanes) <= in * CeilDiv(out, kernels.lanes);
}

// Some rows of one image and what they read of x, in f32.
struct Rows {
  int64_t begin, end;  // rows of dy
  int64_t first;       // row of x
  const float* x;      // from row `first` on
  const float* dy;     // from row `begin` on
};

Rows RowsOf(const ConvSize& s, int64_t n, int64_t begin, int64_t end, const float* x,
            const float* dy) {
  return {begin, end, 0, x + n * s.pixels() * s.channels,
          dy + (n * s.out_height + begin) * s.out_width * s.out_channels};
}

// bf16 images are widened to f32 just before they are used.
Rows RowsOf(const ConvSize& s, int64_t n, int64_t begin, int64_t end, const BFloat16* x,
            const BFloat16* dy) {
  const int64_t top = begin * s.stride_height - s.padding_height;
  const int64_t bottom =
      (end - 1) * s.stride_height + (s.kernel_height - 1) * s.dilation_height - s.padding_height;
  const int64_t first = std::clamp<int64_t>(top, 0, s.height);
  const int64_t last = std::clamp<int64_t>(bottom + 1, first, s.height);
  const int64_t x_row = s.width * s.channels, y_row = s.out_width * s.out_channels;
  const int64_t x_size = (last - first) * x_row, y_size = (end - begin) * y_row;
  float* copy = GetScratch<float>(ScratchUse::kPatches, x_size + y_size);
  const CastFn widen = GetCast(CastType::kBf16, CastType::kF32);
  widen(x + (n * s.height + first) * x_row, copy, x_size);
  widen(dy + (n * s.out_height + begin) * y_row, copy + x_size, y_size);
  return {begin, end, first, copy, copy + x_size};
}

struct Gradient {
  const ConvKernels& kernels;
  const ConvSize& s;
  bool rows_are_outputs;

  // The sums of `r` for taps [first_tap, last_tap): [groups, out, taps, in] or, of each group,
  // [taps, in, out], written or, with `adds`, added to those there are.
  void SumRows(const Rows& r, int64_t first_tap, int64_t last_tap, bool adds, float* sums) const {
    for (int64_t tap = first_tap; tap < last_tap; ++tap) {
      const int64_t row = tap / s.kernel_width * s.dilation_height - s.padding_height;
      const int64_t column = tap % s.kernel_width * s.dilation_width - s.padding_width;
      const Range rows = InsideOf(s.height, s.out_height, row, s.stride_height);
      const Range columns = InsideOf(s.width, s.out_width, column, s.stride_width);
      const int64_t first = std::max(r.begin, rows.begin), last = std::min(r.end, rows.end);
      if (first >= last || columns.begin >= columns.end) {
        if (!adds) SumTap(tap, 0, 0, r.x, r.dy, adds, sums);
        continue;
      }
      const float* image = r.x + ((first * s.stride_height + row - r.first) * s.width +
                                  columns.begin * s.stride_width + column) *
                                     s.channels;
      const float* gradient =
          r.dy + ((first - r.begin) * s.out_width + columns.begin) * s.out_channels;
      SumTap(tap, last - first, columns.end - columns.begin, image, gradient, adds, sums);
    }
  }

 private:
  void SumTap(int64_t tap, int64_t rows, int64_t width, const float* image, const float* gradient,
              bool adds, float* sums) const {
    const int64_t in = s.group_channels(), out = s.group_out_channels();
    OuterBlock b;
    b.rows = rows;
    b.width = width;
    b.adds = adds;
    for (int64_t g = 0; g < s.groups; ++g) {
      float* to = sums + g * out * s.filter();
      const int64_t x_row = s.stride_height * s.width * s.channels;
      const int64_t x_pixel = s.stride_width * s.channels, y_row = s.out_width * s.out_channels;
      if (rows_are_outputs) {
        b.left = gradient + g * out;
        b.left_row_stride = y_row;
        b.left_pixel_stride = s.out_channels;
        b.left_channels = out;
        b.right = image + g * in;
        b.right_row_stride = x_row;
        b.right_pixel_stride = x_pixel;
        b.right_channels = in;
        b.dw = to + tap * in;
        b.dw_row_stride = s.filter();
      } else {
        b.left = image + g * in;
        b.left_row_stride = x_row;
        b.left_pixel_stride = x_pixel;
        b.left_channels = in;
        b.right = gradient + g * out;
        b.right_row_stride = y_row;
        b.right_pixel_stride = s.out_channels;
        b.right_channels = out;
        b.dw = to + tap * in * out;
        b.dw_row_stride = out;
      }
      kernels.outer(b);
    }
  }
};

// How the rows of dy are cut: into runs, whose shares are added up in order, and those into blocks
// of rows of one image. By the size alone, so that the order of every sum is.
struct Cuts {
  int64_t block, blocks;  // rows of a block; blocks of an image
  int64_t run, runs;      // blocks of a run
  int64_t taps;           // of a task
};

Cuts CutsOf(const ConvSize& s) {
  const int64_t row_bytes =
      std::max<int64_t>(1, (s.out_width * s.out_channels + s.stride_height * s.width * s.channels) *
                               static_cast<int64_t>(sizeof(float)));
  Cuts cuts;
  const int64_t near = std::max<int64_t>(1, kNearBytes / row_bytes);
  cuts.block = CeilDiv(s.out_height, CeilDiv(s.out_height, near));
  cuts.blocks = CeilDiv(s.out_height, cuts.block);
  const int64_t work = s.batch * s.out_pixels() * s.weights();
  const int64_t fit = kPartBytes / (s.weights() * static_cast<int64_t>(sizeof(float)));
  const int64_t wanted = std::min({kMaxParts, fit, work / kTaskProducts});
  cuts.run = CeilDiv(s.batch * cuts.blocks, std::max<int64_t>(1, wanted));
  cuts.runs = CeilDiv(s.batch * cuts.blocks, cuts.run);
  const bool divides = cuts.runs < kFewParts && work / cuts.runs > s.taps() * kTaskProducts;
  cuts.taps = divides ? 1 : s.taps();
  return cuts;
}

// dw[out, filter] from sums[filter, out] of one group.
void Turn(int64_t out, int64_t filter, const float* sums, float* dw) {
  for (int64_t o = 0; o < out; ++o) {
    for (int64_t i = 0; i < filter; ++i) dw[o * filter + i] = sums[i * out + o];
  }
}

template <class T>
void WeightGradient(const ConvKernels& kernels, const ConvSize& s, const T* x, const T* dy,
                    float* dw) {
  if (s.weights() == 0) return;
  if (s.batch * s.out_pixels() == 0) {
    std::fill_n(dw, s.weights(), 0.0f);
    return;
  }
  const Gradient gradient = {kernels, s, RowsAreOutputs(kernels, s)};
  const Cuts cuts = CutsOf(s);
  // The last part is for the sum of the others, where its order is not that of dw.
  float* parts = GetScratch<float>(ScratchUse::kConvParts, (cuts.runs + 1) * s.weights());
  const int64_t tasks = CeilDiv(s.taps(), cuts.taps);
  ParallelFor(cuts.runs * tasks, 1, [&](int64_t task, int64_t) {
    const int64_t run = task / tasks, tap = task % tasks * cuts.taps;
    const int64_t end = std::min(s.batch * cuts.blocks, (run + 1) * cuts.run);
    for (int64_t i = run * cuts.run; i < end; ++i) {
      const int64_t first = i % cuts.blocks * cuts.block;
      const int64_t last = std::min(s.out_height, first + cuts.block);
      gradient.SumRows(RowsOf(s, i / cuts.blocks, first, last, x, dy), tap, tap + cuts.taps,
                       i > run * cuts.run, parts + run * s.weights());
    }
  });
  float* total = gradient.rows_are_outputs ? dw : parts + cuts.runs * s.weights();
  constexpr int64_t kColumns = 8192;
  ParallelFor(s.weights(), kColumns, [&](int64_t begin, int64_t end) {
    ActiveGemmKernels(float()).sum_rows(cuts.runs, end - begin, parts + begin, s.weights(),
                                        total + begin);
  });
  if (gradient.rows_are_outputs) return;
  const int64_t out = s.group_out_channels(), filter = s.filter();
  for (int64_t g = 0; g < s.groups; ++g) {
    Turn(out, filter, total + g * out * filter, dw + g * out * filter);
  }
}

}  // namespace

void DirectWeightGradient(const ConvKernels& kernels, const ConvSize& size, const float* x,
                          const float* dy, float* dw) {
  WeightGradient(kernels, size, x, dy, dw);
}

void DirectWeightGradient(const ConvKernels& kernels, const ConvSize& size, const BFloat16* x,
                          const BFloat16* dy, float* dw) {
  WeightGradient(kernels, size, x, dy, dw);
}

}  // namespace autograd::kernels
