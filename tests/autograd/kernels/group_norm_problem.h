// Problems of group normalisation for the tests of its kernels.
#ifndef TESTS_AUTOGRAD_KERNELS_GROUP_NORM_PROBLEM_H_
#define TESTS_AUTOGRAD_KERNELS_GROUP_NORM_PROBLEM_H_

#include <algorithm>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "autograd/dtype.h"
#include "autograd/kernels/group_norm.h"

namespace autograd::kernels {

template <class T>
std::vector<T> Values(int64_t count, uint32_t seed, double mean = 0, double width = 1) {
  std::vector<T> values(static_cast<size_t>(count));
  for (T& value : values) {
    seed = seed * 1664525u + 1013904223u;
    const double drawn = mean + width * (static_cast<double>(seed >> 8) / (1 << 23) - 1.0);
    if constexpr (std::is_same_v<T, BFloat16>) {
      value = ToBFloat16(static_cast<float>(drawn));
    } else {
      value = static_cast<T>(drawn);
    }
  }
  return values;
}

// Groups of 1, 2, 3 and 4 channels; channels of several vectors, of part of one, and odd; samples
// shared out whole and in chunks; one channel for each group of a large sample, as in batch
// normalisation; nothing at all.
inline const GroupNormSize kSizes[] = {{2, 49, 32, 32},   {3, 196, 64, 32},  {2, 50, 96, 32},
                                       {2, 33, 128, 32},  {4, 7, 3, 1},      {5, 1, 12, 4},
                                       {1, 5000, 20, 4},  {1, 3000, 33, 33}, {20, 40, 10, 5},
                                       {17, 600, 66, 11}, {0, 3, 4, 2},      {3, 0, 4, 2}};

// Channels in the first of two arrays, 0 if there is one: a border within a group, at the end of a
// vector or not.
inline std::vector<int64_t> Splits(const GroupNormSize& s) {
  std::vector<int64_t> splits = {0};
  if (s.channels > 1) splits.push_back(2 * s.channels / 3);
  return splits;
}

inline std::string Name(const GroupNormSize& s) {
  return "[" + std::to_string(s.batch) + ", " + std::to_string(s.rows) + ", " +
         std::to_string(s.channels) + "] in " + std::to_string(s.groups);
}

template <class S>
struct Problem {
  using T = NormComputeType<S>;

  explicit Problem(const GroupNormSize& s, double mean = 0, double width = 1)
      : size(s),
        x(Values<S>(s.batch * s.rows * s.channels, 1, mean, width)),
        dy(Values<S>(s.batch * s.rows * s.channels, 2)),
        pending(Values<S>(s.batch * s.rows * s.channels, 5)),
        weight(Values<T>(s.channels, 3)),
        bias(Values<T>(s.channels, 4)) {}

  GroupNormSize size;
  std::vector<S> x, dy, pending;
  std::vector<T> weight, bias;
};

template <class S>
struct Results {
  using T = NormComputeType<S>;

  explicit Results(const Problem<S>& p)
      : y(p.x.size()),
        dx(p.x.size()),
        dweight(p.weight.size()),
        dbias(p.weight.size()),
        statistics(static_cast<size_t>(2 * p.size.batch * p.size.groups)) {}

  std::vector<S> y, dx;
  std::vector<T> dweight, dbias;
  std::vector<double> statistics;
};

inline constexpr double kEps = 1e-5;

template <class T>
NormActivation<T> SiluIf(bool silu) {
  return silu ? NormActivation<T>::Of(UnaryOp::kSilu) : NormActivation<T>();
}

// How the gradient of x is added to what is pending.
enum class Pending { kNone, kApart, kInPlace };

// Columns [begin, end) of a matrix, dense; and back.
template <class S>
std::vector<S> Columns(const std::vector<S>& matrix, int64_t columns, int64_t begin, int64_t end) {
  std::vector<S> part;
  for (auto row = matrix.begin(); row < matrix.end(); row += columns) {
    part.insert(part.end(), row + begin, row + end);
  }
  return part;
}
template <class S>
void PutColumns(const std::vector<S>& part, int64_t columns, int64_t begin, int64_t end,
                std::vector<S>& matrix) {
  auto from = part.begin();
  for (auto row = matrix.begin(); row < matrix.end(); row += columns, from += end - begin) {
    std::copy(from, from + (end - begin), row + begin);
  }
}

// Forward and backward, of x in two arrays, the first of `split` channels, or in one (split = 0).
template <class S>
Results<S> Normalise(const Problem<S>& p, const NormActivation<NormComputeType<S>>& activation,
                     int64_t split = 0, Pending pending = Pending::kNone) {
  Results<S> out(p);
  const int64_t channels = p.size.channels;
  const int64_t borders[] = {0, split == 0 ? channels : split, channels};
  const size_t count = borders[1] == channels ? 1 : 2;
  std::vector<S> x[2], before[2], dx[2];
  std::vector<NormPart<S>> parts;
  for (size_t i = 0; i < count; ++i) {
    x[i] = Columns(p.x, channels, borders[i], borders[i + 1]);
    before[i] = Columns(p.pending, channels, borders[i], borders[i + 1]);
    dx[i] = pending == Pending::kInPlace ? before[i] : std::vector<S>(x[i].size());
    const S* const from = pending == Pending::kInPlace ? dx[i].data() : before[i].data();
    parts.push_back({x[i].data(), borders[i + 1] - borders[i], dx[i].data(),
                     pending == Pending::kNone ? nullptr : from});
  }
  GroupNormForward<S>(p.size, parts, p.weight.data(), p.bias.data(), kEps, activation, out.y.data(),
                      out.statistics.data());
  GroupNormBackward<S>(p.size, parts, p.weight.data(), p.bias.data(), kEps, activation,
                       out.statistics.data(), p.dy.data(), out.dweight.data(), out.dbias.data());
  for (size_t i = 0; i < count; ++i) {
    PutColumns(dx[i], channels, borders[i], borders[i + 1], out.dx);
  }
  return out;
}

}  // namespace autograd::kernels

#endif  // TESTS_AUTOGRAD_KERNELS_GROUP_NORM_PROBLEM_H_
