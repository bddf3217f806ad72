#include "autograd/kernels/conv_direct.h"

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "autograd/dtype.h"
#include "autograd/kernels/conv_pass.h"
#include "autograd/kernels/gemm_scratch.h"
#include "autograd/kernels/isa.h"
#include "autograd/parallel/parallel.h"

namespace autograd::kernels {
namespace {

// One remainder of the stride along one axis. Element first + i step of the result, i < count, adds
// up taps first_tap + t tap_step of the kernel, t < taps, each times element i source_step + offset
// + t offset_step of the source.
struct Phase {
  int64_t first, step, count, source_step;
  int64_t first_tap, tap_step, taps, offset, offset_step;
};

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Weights whose packing is worth a thread of its own.
constexpr int64_t kPackWeights = 8192;

Phase ForwardPhase(int64_t count, int64_t kernel, int64_t stride, int64_t padding,
                   int64_t dilation) {
  return {0, 1, count, stride, 0, 1, kernel, -padding, dilation};
}

// Element r + i stride of dx reads element i + (r + padding - a dilation) / stride of dy.
Phase GradientPhase(int64_t r, int64_t size, int64_t kernel, int64_t stride, int64_t padding,
                    int64_t dilation) {
  Phase phase = {r, stride, CeilDiv(size - r, stride), 1, 0, 1, 0, 0, 0};
  // The taps that fit repeat after stride / gcd(stride, dilation) of them.
  int64_t first = 0;
  while (first < kernel && (r + padding - first * dilation) % stride != 0) ++first;
  if (first == kernel) return phase;
  phase.first_tap = first;
  while (phase.tap_step < kernel && phase.tap_step * dilation % stride != 0) ++phase.tap_step;
  phase.taps = CeilDiv(kernel - first, phase.tap_step);
  phase.offset = (r + padding - first * dilation) / stride;
  phase.offset_step = -phase.tap_step * dilation / stride;
  return phase;
}

// Element (source, output) of tap t is at w[t tap + source source + output output].
struct WeightStrides {
  int64_t tap, source, output;
};

// Whether vectors of channels make less work than vectors of outputs. A sum of lanes takes about as
// long as kSumWork multiply-adds.
template <class Source, class Image>
bool PrefersDots(const DirectKernels<Source, Image>& kernels, const ConvPass<Source, Image>& pass) {
  constexpr int64_t kSumWork = 8;
  const int64_t dot = pass.taps * CeilDiv(pass.source_channels, kernels.dot_lanes) + kSumWork;
  const int64_t direct = pass.taps * CeilDiv(pass.source_channels, kernels.depth);
  return pass.outputs * dot < CeilDiv(pass.outputs, kernels.lanes) * direct;
}

template <class Source>
Source Packed(float x) {
  if constexpr (std::is_same_v<Source, BFloat16>)
    return ToBFloat16(x);
  else
    return x;
}

// Tap t of [outputs, taps, channels].
template <class Source, class Image>
void PackForDots(const ConvPass<Source, Image>& pass, int64_t t, int64_t channels, const float* w,
                 const WeightStrides& strides, Source* to) {
  for (int64_t o = 0; o < pass.outputs; ++o) {
    Source* row = to + (o * pass.taps + t) * channels;
    for (int64_t c = 0; c < pass.source_channels; ++c) {
      row[c] = Packed<Source>(w[o * strides.output + c * strides.source]);
    }
    std::fill(row + pass.source_channels, row + channels, Source());
  }
}

// Packed weights of all taps of one group, as DirectBlock says; `channels` are those with their
// zeros.
template <class Source, class Image>
void PackGroup(const DirectKernels<Source, Image>& kernels, const ConvPass<Source, Image>& pass,
               int64_t channels, const Phase& rows, const Phase& columns, int64_t kernel_width,
               const float* w, const WeightStrides& strides, Source* to) {
  const int64_t cols = kernels.cols, panel = pass.taps * channels * cols;
  const auto tap_at = [&](int64_t t) {
    const int64_t a = t / columns.taps, b = t % columns.taps;
    return w + ((rows.first_tap + a * rows.tap_step) * kernel_width + columns.first_tap +
                b * columns.tap_step) *
                   strides.tap;
  };
  if (pass.dots) {
    for (int64_t t = 0; t < pass.taps; ++t) {
      PackForDots(pass, t, channels, tap_at(t), strides, to);
    }
    return;
  }
  const int64_t panels = CeilDiv(pass.outputs, cols);
  const int64_t grain = std::max<int64_t>(1, kPackWeights / (channels * cols + 1));
  ParallelFor(pass.taps * panels, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t t = i / panels, q = i % panels, o = q * cols;
      kernels.pack(pass.source_channels, std::min(cols, pass.outputs - o),
                   tap_at(t) + o * strides.output, strides.source, strides.output,
                   to + q * panel + t * channels * cols);
    }
  });
}

const int64_t* TapOffsets(const Phase& rows, const Phase& columns) {
  int64_t* offsets = GetScratch<int64_t>(ScratchUse::kConvTaps, 2 * rows.taps * columns.taps);
  for (int64_t a = 0; a < rows.taps; ++a) {
    for (int64_t b = 0; b < columns.taps; ++b) {
      int64_t* tap = offsets + 2 * (a * columns.taps + b);
      tap[0] = rows.offset + a * rows.offset_step;
      tap[1] = columns.offset + b * columns.offset_step;
    }
  }
  return offsets;
}

// Completes a pass, of which the images are set, and runs it.
template <class Source, class Image>
void RunPhases(const DirectKernels<Source, Image>& kernels, const ConvSize& s, const Phase& rows,
               const Phase& columns, const float* w, const WeightStrides& strides,
               ConvPass<Source, Image> pass) {
  pass.rows = rows.count;
  pass.columns = columns.count;
  pass.row_step = rows.source_step;
  pass.column_step = columns.source_step;
  pass.taps = rows.taps * columns.taps;
  pass.to_offset = rows.first * pass.to_row_stride + columns.first * pass.to_pixel_stride;
  pass.to_row_stride *= rows.step;
  pass.to_pixel_stride *= columns.step;
  pass.tap_offsets = TapOffsets(rows, columns);
  pass.dots = PrefersDots(kernels, pass);
  const int64_t channels =
      CeilDiv(pass.source_channels, kernels.channel_unit) * kernels.channel_unit;
  pass.group_weights = CeilDiv(pass.outputs, kernels.cols) * kernels.cols * pass.taps * channels;
  Source* packed = GetScratch<Source>(ScratchUse::kConvWeights, s.groups * pass.group_weights);
  for (int64_t g = 0; g < s.groups; ++g) {
    PackGroup(kernels, pass, channels, rows, columns, s.kernel_width,
              w + g * s.group_out_channels() * s.filter(), strides,
              packed + g * pass.group_weights);
  }
  pass.w = packed;
  RunConvPass(kernels, pass);
}

}  // namespace

template <class Source, class Image>
void DirectForward(const DirectKernels<Source, Image>& kernels, const ConvSize& s, const Image* x,
                   const float* w, const ConvEpilogue<Image>& epilogue, Image* y) {
  ConvPass<Source, Image> pass;
  pass.batch = s.batch;
  pass.groups = s.groups;
  pass.source = x;
  pass.source_height = s.height;
  pass.source_width = s.width;
  pass.source_channels = s.group_channels();
  pass.outputs = s.group_out_channels();
  pass.to = y;
  pass.to_pixel_stride = s.out_channels;
  pass.to_row_stride = s.out_width * s.out_channels;
  pass.to_image_stride = s.out_pixels() * s.out_channels;
  pass.epilogue = epilogue;
  RunPhases(
      kernels, s,
      ForwardPhase(s.out_height, s.kernel_height, s.stride_height, s.padding_height,
                   s.dilation_height),
      ForwardPhase(s.out_width, s.kernel_width, s.stride_width, s.padding_width, s.dilation_width),
      w, {s.group_channels(), 1, s.filter()}, pass);
}

template <class Source, class Image>
void DirectInputGradient(const DirectKernels<Source, Image>& kernels, const ConvSize& s,
                         const Image* dy, const float* w, const ConvEpilogue<Image>& epilogue,
                         Image* dx) {
  ConvPass<Source, Image> pass;
  pass.batch = s.batch;
  pass.groups = s.groups;
  pass.source = dy;
  pass.source_height = s.out_height;
  pass.source_width = s.out_width;
  pass.source_channels = s.group_out_channels();
  pass.outputs = s.group_channels();
  pass.to = dx;
  pass.to_pixel_stride = s.channels;
  pass.to_row_stride = s.width * s.channels;
  pass.to_image_stride = s.pixels() * s.channels;
  pass.epilogue = epilogue;
  // Strides beyond the image have no elements at the later remainders.
  for (int64_t i = 0; i < std::min(s.stride_height, s.height); ++i) {
    const Phase rows = GradientPhase(i, s.height, s.kernel_height, s.stride_height,
                                     s.padding_height, s.dilation_height);
    for (int64_t j = 0; j < std::min(s.stride_width, s.width); ++j) {
      const Phase columns = GradientPhase(j, s.width, s.kernel_width, s.stride_width,
                                          s.padding_width, s.dilation_width);
      RunPhases(kernels, s, rows, columns, w, {s.group_channels(), s.filter(), 1}, pass);
    }
  }
}

template void DirectForward(const ConvF32Kernels&, const ConvSize&, const float*, const float*,
                            const ConvEpilogue<float>&, float*);
template void DirectForward(const ConvWidenedKernels&, const ConvSize&, const BFloat16*,
                            const float*, const ConvEpilogue<BFloat16>&, BFloat16*);
template void DirectForward(const ConvBf16Kernels&, const ConvSize&, const BFloat16*, const float*,
                            const ConvEpilogue<BFloat16>&, BFloat16*);
template void DirectInputGradient(const ConvF32Kernels&, const ConvSize&, const float*,
                                  const float*, const ConvEpilogue<float>&, float*);
template void DirectInputGradient(const ConvWidenedKernels&, const ConvSize&, const BFloat16*,
                                  const float*, const ConvEpilogue<BFloat16>&, BFloat16*);
template void DirectInputGradient(const ConvBf16Kernels&, const ConvSize&, const BFloat16*,
                                  const float*, const ConvEpilogue<BFloat16>&, BFloat16*);

#ifdef AUTOGRAD_X86
const ConvKernels* ActiveConvKernels() {
  const Isa isa = ActiveIsa();
  if (isa >= Isa::kAvx512) return &kConvAvx512;
  return isa == Isa::kAvx2 ? &kConvAvx2 : nullptr;
}
const ConvBf16Kernels* ActiveConvBf16Kernels() {
  const Isa isa = ActiveIsa();
  if (isa == Isa::kAmx) return &kConvAmx;
  return isa == Isa::kAvx512Bf16 ? &kConvAvx512Bf16 : nullptr;
}
#else
const ConvKernels* ActiveConvKernels() { return nullptr; }
const ConvBf16Kernels* ActiveConvBf16Kernels() { return nullptr; }
#endif

}  // namespace autograd::kernels
