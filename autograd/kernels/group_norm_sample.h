// The steps of group_norm.h on one sample, chunk by chunk of its rows. Only for group_norm.cc.
#ifndef AUTOGRAD_KERNELS_GROUP_NORM_SAMPLE_H_
#define AUTOGRAD_KERNELS_GROUP_NORM_SAMPLE_H_

#include <algorithm>
#include <cmath>
#include <cstdint>

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

  ChannelMap<T> map() const { return {centre, scale, shift}; }
  ChannelMap<T> gradient_map() const { return {centre, scale, offset}; }

  T *centre, *scale, *shift, *slope, *offset;
};

// What all samples have in common. Pointers called x, dy, g, dx and y are to the first element of a
// sample; `sums` are two for each channel, one array after the other.
template <class T>
struct GroupNormLayer {
  GroupNormSize size;
  const T* weight;
  const T* bias;
  double eps;
  NormActivation<T> activation;
  int64_t chunk_rows;
  const GroupNormKernels<T>& kernels = GetGroupNorm<T>();

  int64_t width() const { return size.channels / size.groups; }
  double Weight(int64_t c) const { return weight == nullptr ? 1 : static_cast<double>(weight[c]); }
  double Bias(int64_t c) const { return bias == nullptr ? 0 : static_cast<double>(bias[c]); }
  double Inverse(double variance) const { return 1 / std::sqrt(variance + eps); }
  int64_t At(int64_t chunk) const { return chunk * chunk_rows * size.channels; }
  int64_t RowsOf(int64_t chunk) const {
    return std::min(chunk_rows, size.rows - chunk * chunk_rows);
  }
  // Whether an output of x's size should go past the caches.
  bool Streams() const {
    return WorthStreaming(size.batch * size.rows * size.channels * int64_t{sizeof(T)});
  }

  // Over a chunk, of distances from the sample's first row and of their squares.
  void Moments(const T* x, int64_t chunk, double* sums) const {
    kernels.moments(x + At(chunk), RowsOf(chunk), size.channels, x, sums, sums + size.channels);
  }

  // A sample's statistics from the sums of Moments over all of it: the channels' means and sums of
  // squared distances from them, combined as those of parts of equal size (Chan, Golub and LeVeque
  // 1983).
  void Statistics(const T* x, const double* sums, double* statistics) const {
    const double* squares = sums + size.channels;
    const double rows = static_cast<double>(size.rows), channels = static_cast<double>(width());
    const auto mean_of = [&](int64_t c) { return static_cast<double>(x[c]) + sums[c] / rows; };
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

  // Calls make(position, rows, out) for the chunk in pieces of rows that stay in the nearest cache,
  // to write the piece's elements to out. If `streamed`, that is a buffer, which is then moved past
  // the caches to y.
  template <class Make>
  void InPieces(int64_t chunk, bool streamed, T* y, Make make) const {
    constexpr int64_t kPiece = 4096 / static_cast<int64_t>(sizeof(T));
    const int64_t rows = std::max<int64_t>(1, kPiece / std::max<int64_t>(1, size.channels));
    T* buffer = nullptr;
    if (streamed) buffer = GetScratch<T>(ScratchUse::kNarrow, rows * size.channels);
    const StreamCopyFn copy = GetStreamCopy();
    for (int64_t row = 0; row < RowsOf(chunk); row += rows) {
      const int64_t at = At(chunk) + row * size.channels;
      const int64_t count = std::min(rows, RowsOf(chunk) - row);
      make(at, count, streamed ? buffer : y + at);
      if (!streamed) continue;
      copy(buffer, y + at, count * size.channels * static_cast<int64_t>(sizeof(T)));
    }
    if (streamed) StreamFence();
  }

  // y = f(h) in a chunk.
  void Apply(const T* x, int64_t chunk, const ChannelMap<T>& map, T* y) const {
    const bool in_one = activation.is_silu || activation.forward == nullptr;
    const auto kernel = activation.is_silu ? kernels.normalise_silu : kernels.normalise;
    InPieces(chunk, Streams(), y, [&](int64_t at, int64_t rows, T* out) {
      kernel(x + at, rows, size.channels, map, out);
      if (!in_one) activation.forward(out, out, rows * size.channels, activation.parameter);
    });
  }

  // g = dy f'(h) in a chunk.
  void ActivationGradient(const T* x, int64_t chunk, const ChannelMap<T>& map, const T* dy,
                          T* g) const {
    InPieces(chunk, false, g, [&](int64_t at, int64_t rows, T* out) {
      const int64_t n = rows * size.channels;
      kernels.normalise(x + at, rows, size.channels, map, out);
      if (activation.reads_output) activation.forward(out, out, n, activation.parameter);
      activation.backward(dy + at, out, out, n, activation.parameter);
    });
  }

  // Over a chunk, of g and of g (x - centre). g is written, unless it is dy because there is no
  // activation.
  void GradientSums(const T* x, int64_t chunk, const ChannelMap<T>& map, const T* dy, T* g,
                    double* sums) const {
    const int64_t at = At(chunk), rows = RowsOf(chunk), channels = size.channels;
    if (activation.is_silu) {
      kernels.silu_gradient_sums(x + at, dy + at, rows, channels, map, g + at, sums,
                                 sums + channels);
      return;
    }
    const bool activated = activation.backward != nullptr;
    if (activated) ActivationGradient(x, chunk, map, dy, g);
    kernels.gradient_sums(x + at, (activated ? g : dy) + at, rows, channels, map.centre, sums,
                          sums + channels);
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

  // dx in a chunk; g may be dx.
  void InputGradient(const T* x, int64_t chunk, const ChannelArrays<T>& arrays, const T* g,
                     T* dx) const {
    InPieces(chunk, Streams() && g != dx, dx, [&](int64_t at, int64_t rows, T* out) {
      kernels.input_gradient(x + at, g + at, rows, size.channels, arrays.gradient_map(),
                             arrays.slope, out);
    });
  }
};

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_GROUP_NORM_SAMPLE_H_
