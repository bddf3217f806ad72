#include "autograd/kernels/row_norm.h"

#include <algorithm>
#include <cstdint>

#include "autograd/kernels/gemm_scratch.h"
#include "autograd/kernels/row_norm_kernels.h"
#include "autograd/parallel/parallel.h"

namespace autograd::kernels {
namespace {

// Rows of a task: enough to be worth a thread, and few enough sums of parameters' gradients.
int64_t TaskRows(const RowNormSize& s) {
  constexpr int64_t kTask = 1 << 15, kMostTasks = 64;
  return std::max({int64_t{1}, kTask / s.channels, (s.rows + kMostTasks - 1) / kMostTasks});
}

// `given`, or `count` times `value` in its place.
template <class T>
const T* OrFilled(const T* given, int64_t count, T value, T* memory) {
  if (given != nullptr) return given;
  std::fill(memory, memory + count, value);
  return memory;
}

template <class T>
void Forward(const RowNormSize& s, const T* x, const T* weight, const T* bias, double eps, T* y,
             double* statistics) {
  if (s.rows == 0 || s.channels == 0) return;
  T* memory = GetScratch<T>(ScratchUse::kShared, 2 * s.channels);
  const T* scale = OrFilled(weight, s.channels, T{1}, memory);
  const T* shift = OrFilled(bias, s.channels, T{0}, memory + s.channels);
  ParallelFor(s.rows, TaskRows(s), [&](int64_t begin, int64_t end) {
    const int64_t at = begin * s.channels;
    GetRowNorm<T>().forward(x + at, end - begin, s.channels, scale, shift, eps, s.centred, y + at,
                            statistics + 2 * begin);
  });
}

template <class T>
void Backward(const RowNormSize& s, const T* x, const T* weight, const double* statistics,
              const T* dy, T* dx, T* dweight, T* dbias) {
  const bool parameters = dweight != nullptr || dbias != nullptr;
  if (parameters && (s.rows == 0 || s.channels == 0)) {
    if (dweight != nullptr) std::fill(dweight, dweight + s.channels, T{0});
    if (dbias != nullptr) std::fill(dbias, dbias + s.channels, T{0});
  }
  if (s.rows == 0 || s.channels == 0) return;
  const T* scale =
      OrFilled(weight, s.channels, T{1}, GetScratch<T>(ScratchUse::kShared, s.channels));
  const int64_t task_rows = TaskRows(s), tasks = (s.rows + task_rows - 1) / task_rows;
  const int64_t sums = 2 * s.channels;  // of dbias and dweight
  double* shares = nullptr;
  if (parameters) shares = GetScratch<double>(ScratchUse::kGradientParts, tasks * sums);
  ParallelFor(s.rows, task_rows, [&](int64_t begin, int64_t end) {
    const int64_t at = begin * s.channels, rows = end - begin;
    const double* stats = statistics + 2 * begin;
    if (parameters) {
      double* share = shares + begin / task_rows * sums;
      GetRowNorm<T>().parameter_sums(x + at, dy + at, rows, s.channels, stats, share,
                                     share + s.channels);
    }
    if (dx == nullptr) return;
    GetRowNorm<T>().input_gradient(x + at, dy + at, rows, s.channels, scale, stats, s.centred,
                                   dx + at);
  });
  if (!parameters) return;
  for (int64_t task = 1; task < tasks; ++task) {
    for (int64_t i = 0; i < sums; ++i) shares[i] += shares[task * sums + i];
  }
  for (int64_t c = 0; c < s.channels; ++c) {
    if (dbias != nullptr) dbias[c] = static_cast<T>(shares[c]);
    if (dweight != nullptr) dweight[c] = static_cast<T>(shares[s.channels + c]);
  }
}

}  // namespace

void RowNormForward(const RowNormSize& size, const float* x, const float* weight, const float* bias,
                    double eps, float* y, double* statistics) {
  Forward(size, x, weight, bias, eps, y, statistics);
}

void RowNormForward(const RowNormSize& size, const double* x, const double* weight,
                    const double* bias, double eps, double* y, double* statistics) {
  Forward(size, x, weight, bias, eps, y, statistics);
}

void RowNormBackward(const RowNormSize& size, const float* x, const float* weight,
                     const double* statistics, const float* dy, float* dx, float* dweight,
                     float* dbias) {
  Backward(size, x, weight, statistics, dy, dx, dweight, dbias);
}

void RowNormBackward(const RowNormSize& size, const double* x, const double* weight,
                     const double* statistics, const double* dy, double* dx, double* dweight,
                     double* dbias) {
  Backward(size, x, weight, statistics, dy, dx, dweight, dbias);
}

}  // namespace autograd::kernels
