// The steps of group_norm.h on one sample, chunk by chunk of its rows. Only for group_norm.cc.
#ifndef AUTOGRAD_KERNELS_GROUP_NORM_SAMPLE_H_
#define AUTOGRAD_KERNELS_GROUP_NORM_SAMPLE_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <type_traits>

#include "autograd/dtype.h"
#include "autograd/kernels/convert.h"
#include "autograd/kernels/gemm_scratch.h"
#include "autograd/kernels/group_norm.h"
#include "autograd/kernels/group_norm_kernels.h"
#include "autograd/kernels/stream.h"

namespace autograd::kernels {

// Numbers for each channel: those of h, and what InputGradient needs.
template <class T>
struct ChannelArrays {
  static constexpr int64_t kArrays = 5;
  ChannelArrays(T* memory, int64_t channels)
      : centre(memory),
        scale(memory + channels),
        shift(memory + 2 * channels),
        slope(memory + 3 * channels),
        offset(memory + 4 * channels) {}

  // From a channel on.
  ChannelMap<T> map(int64_t c) const { return {centre + c, scale + c, shift + c}; }
  ChannelMap<T> gradient_map(int64_t c) const { return {centre + c, scale + c, offset + c}; }

  T *centre, *scale, *shift, *slope, *offset;
};

// Some rows of one sample, counted from the batch's first one.
struct NormRows {
  int64_t begin, count;
};

// What all samples have in common. y and dy are whole arrays; `sums` are two for each channel, one
// array after the other.
template <class S>
struct GroupNormLayer {
  using T = NormComputeType<S>;
  // Whether images are of another type than what is computed from them.
  static constexpr bool kConverts = !std::is_same_v<S, T>;

  GroupNormSize size;
  std::span<const NormPart<S>> parts;
  const T* weight;
  const T* bias;
  double eps;
  NormActivation<T> activation;
  int64_t chunk_rows;
  const GroupNormKernels<S>& kernels = GetGroupNormTables().Of<S>();

  int64_t width() const { return size.channels / size.groups; }
  double Weight(int64_t c) const { return weight == nullptr ? 1 : static_cast<double>(weight[c]); }
  double Bias(int64_t c) const { return bias == nullptr ? 0 : static_cast<double>(bias[c]); }
  double Inverse(double variance) const { return 1 / std::sqrt(variance + eps); }
  NormRows RowsOf(int64_t sample, int64_t chunk) const {
    const int64_t begin = chunk * chunk_rows;
    return {sample * size.rows + begin, std::min(chunk_rows, size.rows - begin)};
  }
  // Whether an output of so many channels should go past the caches.
  bool Streams(int64_t channels) const {
    return WorthStreaming(size.batch * size.rows * channels * int64_t{sizeof(S)});
  }
  // Calls visit(part, its first channel).
  template <class Visit>
  void ForParts(Visit visit) const {
    int64_t first = 0;
    for (const NormPart<S>& part : parts) {
      visit(part, first);
      first += part.channels;
    }
  }
  NormBlock BlockOf(const NormPart<S>& part, int64_t rows) const {
    return {rows, part.channels, size.channels};
  }

  // Over a chunk, of distances from the sample's first row and of their squares.
  void Moments(int64_t sample, int64_t chunk, double* sums) const {
    const NormRows rows = RowsOf(sample, chunk);
    ForParts([&](const NormPart<S>& part, int64_t c) {
      kernels.moments(part.x + rows.begin * part.channels, BlockOf(part, rows.count),
                      part.x + sample * size.rows * part.channels, sums + c,
                      sums + size.channels + c);
    });
  }

  // A sample's statistics from the sums of Moments over all of it: the channels' means and sums of
  // squared distances from them, combined as those of parts of equal size (Chan, Golub and LeVeque
  // 1983).
  void Statistics(int64_t sample, const double* sums, double* statistics) const {
    const double* squares = sums + size.channels;
    const double rows = static_cast<double>(size.rows), channels = static_cast<double>(width());
    const auto mean_of = [&](int64_t c) { return InFirstRow(sample, c) + sums[c] / rows; };
    for (int64_t group = 0; group < size.groups; ++group) {
      const int64_t begin = group * width(), end = begin + width();
      double mean = 0, squared = 0;
      for (int64_t c = begin; c < end; ++c) mean += mean_of(c);
      mean /= channels;
      for (int64_t c = begin; c < end; ++c) {
        const double apart = mean_of(c) - mean;
        // Rounding may leave a little less than 0; NaN stays.
        const double within = squares[c] - sums[c] * (sums[c] / rows);
        squared += (within < 0 ? 0 : within) + rows * apart * apart;
      }
      statistics[2 * group] = mean;
      statistics[2 * group + 1] = squared / (rows * channels);
    }
  }
  double InFirstRow(int64_t sample, int64_t c) const {
    const bool in_first = c < parts[0].channels;
    const NormPart<S>& part = parts[in_first ? 0 : 1];
    const int64_t at = in_first ? c : c - parts[0].channels;
    const S x = part.x[sample * size.rows * part.channels + at];
    if constexpr (kConverts) {
      return static_cast<double>(ToFloat(x));
    } else {
      return static_cast<double>(x);
    }
  }

  // The mean rounded to T is the centre; what was rounded off goes into the shift.
  void FillMap(const double* statistics, const ChannelArrays<T>& to) const {
    for (int64_t group = 0; group < size.groups; ++group) {
      const double mean = statistics[2 * group], inverse = Inverse(statistics[2 * group + 1]);
      const T centre = static_cast<T>(mean);
      const double rounded_off = mean - static_cast<double>(centre);
      for (int64_t c = group * width(); c < (group + 1) * width(); ++c) {
        const double scale = inverse * Weight(c);
        to.centre[c] = centre;
        to.scale[c] = static_cast<T>(scale);
        to.shift[c] = static_cast<T>(Bias(c) - rounded_off * scale);
      }
    }
  }

  // Calls make(row, count, out, wide) for `rows` rows of `channels` numbers in pieces that stay in
  // the nearest cache, to write a piece to out; wide is memory for a piece in T. If `streamed`, out
  // is a buffer, which is then moved past the caches to y.
  template <class Out, class Make>
  void InPieces(int64_t rows, int64_t channels, bool streamed, Out* y, Make make) const {
    constexpr int64_t kPiece = 4096 / static_cast<int64_t>(sizeof(T));
    const int64_t piece = std::max<int64_t>(1, kPiece / std::max<int64_t>(1, channels));
    T* const wide = GetScratch<T>(ScratchUse::kNarrow, 2 * piece * channels);
    Out* const buffer = reinterpret_cast<Out*>(wide + piece * channels);
    const StreamCopyFn copy = GetStreamCopy();
    for (int64_t row = 0; row < rows; row += piece) {
      const int64_t count = std::min(piece, rows - row);
      make(row, count, streamed ? buffer : y + row * channels, wide);
      if (!streamed) continue;
      copy(buffer, y + row * channels, count * channels * static_cast<int64_t>(sizeof(Out)));
    }
    if (streamed) StreamFence();
  }

  // h in rows counted from the batch's first one.
  void Arguments(int64_t begin, int64_t rows, const ChannelArrays<T>& arrays, T* h) const {
    ForParts([&](const NormPart<S>& part, int64_t c) {
      kernels.arguments(part.x + begin * part.channels, BlockOf(part, rows), arrays.map(c), h + c);
    });
  }

  // y = f(h) in some rows.
  void Apply(const NormRows& rows, const ChannelArrays<T>& arrays, S* y) const {
    const bool in_one = activation.is_silu || activation.forward == nullptr;
    const auto kernel = activation.is_silu ? kernels.normalise_silu : kernels.normalise;
    const auto make = [&](int64_t row, int64_t count, S* out, T* wide) {
      const int64_t begin = rows.begin + row, n = count * size.channels;
      if (in_one) {
        ForParts([&](const NormPart<S>& part, int64_t c) {
          kernel(part.x + begin * part.channels, BlockOf(part, count), arrays.map(c), out + c);
        });
      } else if constexpr (kConverts) {
        Arguments(begin, count, arrays, wide);
        activation.forward(wide, wide, n, activation.parameter);
        GetCast(CastType::kF32, CastType::kBf16)(wide, out, n);
      } else {
        Arguments(begin, count, arrays, out);
        activation.forward(out, out, n, activation.parameter);
      }
    };
    InPieces(rows.count, size.channels, Streams(size.channels), y + rows.begin * size.channels,
             make);
  }

  // g = dy f'(h) in some rows, of which g holds no others.
  void ActivationGradient(const NormRows& rows, const ChannelArrays<T>& arrays, const S* dy,
                          T* g) const {
    const auto make = [&](int64_t row, int64_t count, T* out, T* wide) {
      const int64_t n = count * size.channels, begin = rows.begin + row;
      T* const h = kConverts ? wide : out;
      Arguments(begin, count, arrays, h);
      if (activation.reads_output) activation.forward(h, h, n, activation.parameter);
      const S* const from = dy + begin * size.channels;
      if constexpr (kConverts) {
        GetCast(CastType::kBf16, CastType::kF32)(from, out, n);
        activation.backward(out, h, out, n, activation.parameter);
      } else {
        activation.backward(from, h, out, n, activation.parameter);
      }
    };
    InPieces(rows.count, size.channels, false, g, make);
  }

  // Over some rows, of g and of g (x - centre). g, which holds these rows alone, is written, unless
  // it is null because there is no activation, so that dy is g.
  void GradientSums(const NormRows& rows, const ChannelArrays<T>& arrays, const S* dy, T* g,
                    double* sums) const {
    if (g != nullptr && !activation.is_silu) ActivationGradient(rows, arrays, dy, g);
    ForParts([&](const NormPart<S>& part, int64_t c) {
      const S* const x = part.x + rows.begin * part.channels;
      const S* const dy_part = dy + rows.begin * size.channels + c;
      const NormBlock block = BlockOf(part, rows.count);
      double *const sum = sums + c, *const dot = sum + size.channels;
      if (g == nullptr) {
        kernels.dy_sums(x, dy_part, block, arrays.centre + c, sum, dot);
      } else if (activation.is_silu) {
        kernels.silu_gradient_sums(x, dy_part, block, arrays.map(c), g + c, sum, dot);
      } else {
        kernels.g_sums(x, g + c, block, arrays.centre + c, sum, dot);
      }
    });
  }

  // From the sums of GradientSums over a sample what InputGradient needs; its shares of dweight and
  // dbias are added to the arrays.
  void Combine(const double* statistics, const double* sums, const ChannelArrays<T>& to,
               double* dweight, double* dbias) const {
    const double n = static_cast<double>(size.rows) * static_cast<double>(width());
    for (int64_t group = 0; group < size.groups; ++group) {
      const double mean = statistics[2 * group], inverse = Inverse(statistics[2 * group + 1]);
      const int64_t begin = group * width(), end = begin + width();
      const double rounded_off = mean - static_cast<double>(to.centre[begin]);
      double by_g = 0, by_u = 0;  // the group's sums of weight g and weight g u
      for (int64_t c = begin; c < end; ++c) {
        const double g = sums[c], gu = inverse * (sums[size.channels + c] - rounded_off * g);
        dbias[c] += g;
        dweight[c] += gu;
        by_g += Weight(c) * g;
        by_u += Weight(c) * gu;
      }
      const double slope = -inverse * inverse * (by_u / n);
      for (int64_t c = begin; c < end; ++c) {
        to.slope[c] = static_cast<T>(slope);
        to.offset[c] = static_cast<T>(-inverse * (by_g / n) - slope * rounded_off);
      }
    }
  }

  // The gradients of the parts in some rows, of which g holds no others; g is null if dy is g, and
  // may be where a gradient goes.
  void InputGradient(const NormRows& rows, const ChannelArrays<T>& arrays, const S* dy,
                     const T* g) const {
    ForParts([&](const NormPart<S>& part, int64_t c) {
      if (part.dx == nullptr) return;
      S* const dx = part.dx + rows.begin * part.channels;
      // What is in the caches anyway is not stored past them.
      const bool in_place = part.pending == part.dx || static_cast<const void*>(g) == dx;
      const auto make = [&](int64_t row, int64_t count, S* out, T*) {
        const int64_t begin = rows.begin + row, at = begin * part.channels;
        const NormBlock block = BlockOf(part, count);
        const S* const pending = part.pending == nullptr ? nullptr : part.pending + at;
        if (g == nullptr) {
          kernels.dy_to_dx(part.x + at, dy + begin * size.channels + c, block,
                           arrays.gradient_map(c), arrays.slope + c, pending, out);
        } else {
          kernels.g_to_dx(part.x + at, g + row * size.channels + c, block, arrays.gradient_map(c),
                          arrays.slope + c, pending, out);
        }
      };
      InPieces(rows.count, part.channels, Streams(part.channels) && !in_place, dx, make);
    });
  }
};

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_GROUP_NORM_SAMPLE_H_
