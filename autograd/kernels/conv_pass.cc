#include "autograd/kernels/conv_pass.h"

#include <algorithm>
#include <cstdint>

#include "autograd/kernels/gemm_scratch.h"
#include "autograd/parallel/parallel.h"

namespace autograd::kernels {
namespace {

// Multiply-adds that are worth a thread of their own.
constexpr int64_t kTaskProducts = 1 << 19;
// The share of the second-level cache that a task's rows take, beside the weights.
constexpr int64_t kRowBytes = 384 * 1024;

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Rows and columns of zeros that the taps reach around the source.
struct Borders {
  int64_t top = 0, bottom = 0, left = 0, right = 0;
  bool any() const { return top > 0 || bottom > 0 || left > 0 || right > 0; }
};

Borders BordersOf(const ConvPass& p) {
  Borders borders;
  for (int64_t t = 0; t < p.taps; ++t) {
    const int64_t row = p.tap_offsets[2 * t], column = p.tap_offsets[2 * t + 1];
    borders.top = std::max(borders.top, -row);
    borders.left = std::max(borders.left, -column);
    const int64_t last_row = (p.rows - 1) * p.row_step + row;
    const int64_t last_column = (p.columns - 1) * p.column_step + column;
    borders.bottom = std::max(borders.bottom, last_row - (p.source_height - 1));
    borders.right = std::max(borders.right, last_column - (p.source_width - 1));
  }
  return borders;
}

// How a pass is cut into tasks: blocks of rows of an image, several where they are small.
struct Cuts {
  int64_t block, blocks;  // rows of a block; blocks of an image
  int64_t grain;          // blocks of a task
};

Cuts CutsOf(const ConvPass& p, const Borders& borders, int64_t rows_at_a_time) {
  constexpr int64_t kManyImages = 32;
  const int64_t row_work =
      std::max<int64_t>(1, p.columns * p.groups * p.outputs * (p.taps * p.source_channels + 1));
  const int64_t row_bytes =
      std::max<int64_t>(1, p.row_step * (p.source_width + borders.left + borders.right) * p.groups *
                               p.source_channels * static_cast<int64_t>(sizeof(float)));
  int64_t block = std::max<int64_t>(1, kRowBytes / row_bytes);
  if (p.batch < kManyImages) block = std::min(block, CeilDiv(kTaskProducts, row_work));
  block = std::min(p.rows, CeilDiv(block, rows_at_a_time) * rows_at_a_time);
  // Blocks of about the same size.
  const int64_t blocks = CeilDiv(p.rows, block);
  block = CeilDiv(CeilDiv(p.rows, blocks), rows_at_a_time) * rows_at_a_time;
  return {block, CeilDiv(p.rows, block), std::max<int64_t>(1, kTaskProducts / (block * row_work))};
}

// Rows of the source with their borders, copied just before they are used.
class RowBuffer {
 public:
  // For an image, from row `first` of the source on, which may be negative.
  RowBuffer(const ConvPass& p, const Borders& borders, const float* image, int64_t first,
            float* rows)
      : p_(p), borders_(borders), image_(image), next_(first), to_(rows) {}

  // Sees to it that rows up to `end` are there.
  void CopyUpTo(int64_t end) {
    const int64_t channels = p_.groups * p_.source_channels;
    const int64_t left = borders_.left * channels, width = p_.source_width * channels;
    const int64_t right = borders_.right * channels;
    for (; next_ < end; ++next_, to_ += left + width + right) {
      if (next_ < 0 || next_ >= p_.source_height) {
        std::fill_n(to_, left + width + right, 0.0f);
        continue;
      }
      std::fill_n(to_, left, 0.0f);
      std::copy_n(image_ + next_ * width, width, to_ + left);
      std::fill_n(to_ + left + width, right, 0.0f);
    }
  }

 private:
  const ConvPass& p_;
  const Borders& borders_;
  const float* image_;
  int64_t next_;
  float* to_;
};

// What RunBlock needs and all blocks share.
struct Layout {
  Borders borders;
  int64_t row_stride;  // of the source, with borders where there are any
  int64_t rows_at_a_time;
  const int64_t* offsets;  // of the taps, from the first tap row and column
  int64_t last_row;        // the largest row offset
};

// What is added to every pixel of image n, or null.
const float* OffsetOf(const ConvPass& p, int64_t n) {
  const ConvEpilogue<float>& e = p.epilogue;
  const int64_t channels = p.groups * p.outputs;
  if (e.shift == nullptr) return e.bias;
  const float* shift = e.shift + n * channels;
  if (e.bias == nullptr) return shift;
  float* sum = GetScratch<float>(ScratchUse::kConvShift, channels);
  for (int64_t o = 0; o < channels; ++o) sum[o] = e.bias[o] + shift[o];
  return sum;
}

// Rows [first, last) of the result in image n.
void RunBlock(const ConvKernels& kernels, const ConvPass& p, const Layout& layout, int64_t n,
              int64_t first, int64_t last) {
  const int64_t channels = p.groups * p.source_channels;
  const float* image = p.source + n * p.source_height * p.source_width * channels;
  const bool copied = layout.borders.any();
  const int64_t top = first * p.row_step - layout.borders.top;
  const int64_t rows = (last - 1 - first) * p.row_step + layout.last_row + 1 + layout.borders.top;
  float* buffer =
      copied ? GetScratch<float>(ScratchUse::kPatches, rows * layout.row_stride) : nullptr;
  const float* offset = OffsetOf(p, n);
  RowBuffer copy(p, layout.borders, image, top, buffer);
  DirectBlock b;
  b.width = p.columns;
  b.outputs = p.outputs;
  b.x_row_stride = p.row_step * layout.row_stride;
  b.x_pixel_stride = p.column_step * channels;
  b.taps = p.taps;
  b.channels = p.source_channels;
  b.tap_offsets = layout.offsets;
  b.y_row_stride = p.to_row_stride;
  b.y_pixel_stride = p.to_pixel_stride;
  for (int64_t i = first; i < last; i += layout.rows_at_a_time) {
    b.rows = std::min(layout.rows_at_a_time, last - i);
    if (copied) copy.CopyUpTo((i + b.rows - 1) * p.row_step + layout.last_row + 1);
    const float* x = copied ? buffer + (i - first) * b.x_row_stride : image + i * b.x_row_stride;
    for (int64_t g = 0; g < p.groups; ++g) {
      b.x = x + g * p.source_channels;
      b.w = p.w + g * p.group_weights;
      b.bias = offset == nullptr ? nullptr : offset + g * p.outputs;
      const int64_t at = p.to_offset + n * p.to_image_stride + i * p.to_row_stride + g * p.outputs;
      b.residual = p.epilogue.residual == nullptr ? nullptr : p.epilogue.residual + at;
      b.y = p.to + at;
      p.dots ? kernels.dot(b) : kernels.direct(b);
    }
  }
}

}  // namespace

void RunConvPass(const ConvKernels& kernels, const ConvPass& p) {
  if (p.batch <= 0 || p.rows <= 0 || p.columns <= 0 || p.outputs <= 0) return;
  Layout layout;
  layout.borders = BordersOf(p);
  const int64_t channels = p.groups * p.source_channels;
  layout.row_stride = (p.source_width + layout.borders.left + layout.borders.right) * channels;
  layout.rows_at_a_time = kernels.rows_at_a_time(p.columns);
  layout.last_row = 0;
  int64_t* offsets = GetScratch<int64_t>(ScratchUse::kConvOffsets, p.taps);
  for (int64_t t = 0; t < p.taps; ++t) {
    const int64_t row = p.tap_offsets[2 * t], column = p.tap_offsets[2 * t + 1];
    layout.last_row = std::max(layout.last_row, row);
    offsets[t] =
        (row + layout.borders.top) * layout.row_stride + (column + layout.borders.left) * channels;
  }
  layout.offsets = offsets;
  const Cuts cuts = CutsOf(p, layout.borders, layout.rows_at_a_time);
  ParallelFor(p.batch * cuts.blocks, cuts.grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i % cuts.blocks * cuts.block;
      RunBlock(kernels, p, layout, i / cuts.blocks, first, std::min(p.rows, first + cuts.block));
    }
  });
}

}  // namespace autograd::kernels
