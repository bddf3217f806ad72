#include "autograd/kernels/conv_pass.h"

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "autograd/kernels/conv_offset.h"
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

template <class Source, class Image>
Borders BordersOf(const ConvPass<Source, Image>& p) {
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

template <class Source, class Image>
Cuts CutsOf(const ConvPass<Source, Image>& p, int64_t row_stride, int64_t rows_at_a_time) {
  constexpr int64_t kManyImages = 32;
  const int64_t row_work =
      std::max<int64_t>(1, p.columns * p.groups * p.outputs * (p.taps * p.source_channels + 1));
  const int64_t row_bytes =
      std::max<int64_t>(1, p.row_step * row_stride * static_cast<int64_t>(sizeof(Source)));
  int64_t block = std::max<int64_t>(1, kRowBytes / row_bytes);
  if (p.batch < kManyImages) block = std::min(block, CeilDiv(kTaskProducts, row_work));
  block = std::min(p.rows, CeilDiv(block, rows_at_a_time) * rows_at_a_time);
  // Blocks of about the same size.
  const int64_t blocks = CeilDiv(p.rows, block);
  block = CeilDiv(CeilDiv(p.rows, blocks), rows_at_a_time) * rows_at_a_time;
  return {block, CeilDiv(p.rows, block), std::max<int64_t>(1, kTaskProducts / (block * row_work))};
}

// What RunBlock needs and all blocks share. Distances are those of the rows that the kernels read:
// copies, or the source itself.
struct Layout {
  Borders borders;
  bool copied;
  int64_t row_channels;  // of a pixel, in one group
  int64_t row_stride;
  int64_t rows_at_a_time;
  const int64_t* offsets;  // of the taps, from the first tap row and column
  int64_t last_row;        // the largest row offset
};

// Rows of the source with their borders, copied just before they are used.
template <class Source, class Image>
class RowBuffer {
 public:
  // For an image, from row `first` of the source on, which may be negative.
  RowBuffer(const DirectKernels<Source, Image>& kernels, const ConvPass<Source, Image>& p,
            const Layout& layout, const Image* image, int64_t first, Source* rows)
      : kernels_(kernels), p_(p), layout_(layout), image_(image), next_(first), to_(rows) {}

  // Sees to it that rows up to `end` are there.
  void CopyUpTo(int64_t end) {
    const int64_t channels = p_.groups * layout_.row_channels;
    const int64_t left = layout_.borders.left * channels, width = p_.source_width * channels;
    const int64_t right = layout_.borders.right * channels;
    const int64_t row = p_.source_width * p_.groups * p_.source_channels;
    for (; next_ < end; ++next_, to_ += left + width + right) {
      if (next_ < 0 || next_ >= p_.source_height) {
        std::fill_n(to_, left + width + right, Source());
        continue;
      }
      std::fill_n(to_, left, Source());
      kernels_.copy(p_.source_width * p_.groups, p_.source_channels, image_ + next_ * row,
                    layout_.row_channels, to_ + left);
      std::fill_n(to_ + left + width, right, Source());
    }
  }

 private:
  const DirectKernels<Source, Image>& kernels_;
  const ConvPass<Source, Image>& p_;
  const Layout& layout_;
  const Image* image_;
  int64_t next_;
  Source* to_;
};

// Rows [first, last) of the result in image n.
template <class Source, class Image>
void RunBlock(const DirectKernels<Source, Image>& kernels, const ConvPass<Source, Image>& p,
              const Layout& layout, int64_t n, int64_t first, int64_t last) {
  // Kernels may read this many pixels beyond what they need.
  constexpr int64_t kSlack = 16;
  const int64_t channels = p.groups * layout.row_channels;
  const Image* image =
      p.source + n * p.source_height * p.source_width * p.groups * p.source_channels;
  const int64_t top = first * p.row_step - layout.borders.top;
  const int64_t rows = (last - 1 - first) * p.row_step + layout.last_row + 1 + layout.borders.top;
  Source* buffer = nullptr;
  if (layout.copied) {
    buffer = GetScratch<Source>(ScratchUse::kPatches, rows * layout.row_stride + kSlack * channels);
  }
  const float* offset = ImageOffset(p.epilogue, p.groups * p.outputs, n);
  RowBuffer copy(kernels, p, layout, image, top, buffer);
  DirectBlock<Source, Image> b;
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
    const Source* x = buffer + (i - first) * b.x_row_stride;
    if (layout.copied) {
      copy.CopyUpTo((i + b.rows - 1) * p.row_step + layout.last_row + 1);
    } else if constexpr (std::is_same_v<Source, Image>) {
      x = image + i * b.x_row_stride;
    }
    for (int64_t g = 0; g < p.groups; ++g) {
      b.x = x + g * layout.row_channels;
      b.w = p.w + g * p.group_weights;
      b.bias = offset == nullptr ? nullptr : offset + g * p.outputs;
      const int64_t at = p.to_offset + n * p.to_image_stride + i * p.to_row_stride + g * p.outputs;
      b.residual = p.epilogue.residual == nullptr ? nullptr : p.epilogue.residual + at;
      b.y = p.to + at;
      p.dots ? kernels.dot(b) : kernels.direct(b);
    }
  }
}

template <class Source, class Image>
Layout LayoutOf(const DirectKernels<Source, Image>& kernels, const ConvPass<Source, Image>& p) {
  Layout layout;
  layout.borders = BordersOf(p);
  layout.row_channels = kernels.row_channels(p.source_channels);
  layout.copied = !std::is_same_v<Source, Image> || layout.borders.any() ||
                  layout.row_channels != p.source_channels;
  const int64_t channels = p.groups * layout.row_channels;
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
  return layout;
}

}  // namespace

template <class Source, class Image>
void RunConvPass(const DirectKernels<Source, Image>& kernels, const ConvPass<Source, Image>& p) {
  if (p.batch <= 0 || p.rows <= 0 || p.columns <= 0 || p.outputs <= 0) return;
  const Layout layout = LayoutOf(kernels, p);
  const Cuts cuts = CutsOf(p, layout.row_stride, layout.rows_at_a_time);
  const ThreadSetup setup = {kernels.begin, kernels.end};
  ParallelFor(p.batch * cuts.blocks, cuts.grain, setup, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i % cuts.blocks * cuts.block;
      RunBlock(kernels, p, layout, i / cuts.blocks, first, std::min(p.rows, first + cuts.block));
    }
  });
}

template void RunConvPass(const ConvF32Kernels&, const ConvPass<float, float>&);
template void RunConvPass(const ConvWidenedKernels&, const ConvPass<float, BFloat16>&);
template void RunConvPass(const ConvBf16Kernels&, const ConvPass<BFloat16, BFloat16>&);

}  // namespace autograd::kernels
