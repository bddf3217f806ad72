#include "autograd/kernels/group_norm.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <type_traits>

#include "autograd/kernels/gemm_scratch.h"
#include "autograd/kernels/group_norm_sample.h"
#include "autograd/parallel/parallel.h"

namespace autograd::kernels {
namespace {

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

// How the work is cut, derived from the size alone, so that the order of every sum is. The rows of
// a sample are summed in chunks, which are added up in order. A batch of enough samples is shared
// out by samples, whose passes follow each other while the sample is in the cache; a few large
// samples by chunks, in one parallel loop for each pass.
struct Cuts {
  int64_t chunk_rows, chunks;  // of one sample
  bool whole_samples;
  int64_t task_samples, tasks;
};

Cuts CutsOf(const GroupNormSize& s) {
  constexpr int64_t kChunk = 1 << 15, kTask = 1 << 15, kMostTasks = 64, kManySamples = 16;
  Cuts cuts;
  cuts.chunk_rows = std::max<int64_t>(32, kChunk / s.channels / 32 * 32);
  cuts.chunks = CeilDiv(s.rows, cuts.chunk_rows);
  cuts.whole_samples = cuts.chunks == 1 || s.batch >= kManySamples;
  cuts.task_samples =
      std::max({int64_t{1}, kTask / (s.rows * s.channels), CeilDiv(s.batch, kMostTasks)});
  cuts.tasks = CeilDiv(s.batch, cuts.task_samples);
  return cuts;
}

// parts[0, n) += parts[n, 2 n) + ...
void AddUp(int64_t count, int64_t n, double* parts) {
  for (int64_t part = 1; part < count; ++part) {
    for (int64_t i = 0; i < n; ++i) parts[i] += parts[part * n + i];
  }
}

// Scratch of `sums` doubles, `statistics` doubles, and the channels' arrays of some samples.
template <class T>
struct Memory {
  Memory(ScratchUse use, int64_t sums_count, int64_t statistics_count, int64_t array_count,
         int64_t channel_count)
      : channels(channel_count) {
    const int64_t arrays = array_count * ChannelArrays<T>::kArrays * channels;
    sums = GetScratch<double>(use, sums_count + statistics_count + arrays);
    statistics = sums + sums_count;
    array_memory = reinterpret_cast<T*>(statistics + statistics_count);
  }
  ChannelArrays<T> Arrays(int64_t i) const {
    return {array_memory + i * ChannelArrays<T>::kArrays * channels, channels};
  }

  int64_t channels;
  double* sums;
  double* statistics;
  T* array_memory;
};

template <class S>
class Forward {
 public:
  using T = NormComputeType<S>;

  Forward(const GroupNormSize& size, std::span<const NormPart<S>> parts, const T* weight,
          const T* bias, double eps, const NormActivation<T>& activation, S* y, double* statistics)
      : cuts_(CutsOf(size)),
        layer_{size, parts, weight, bias, eps, activation, cuts_.chunk_rows},
        size_(size),
        sums_(2 * size.channels),
        y_(y),
        statistics_(statistics) {}

  void Run() const { cuts_.whole_samples ? BySamples() : ByChunks(); }

 private:
  // Where the statistics of a sample go, `spare` if nobody wants them.
  double* StatisticsOf(int64_t sample, double* spare) const {
    return statistics_ == nullptr ? spare : statistics_ + sample * 2 * size_.groups;
  }
  void FillMap(int64_t sample, double* sums, double* spare, const ChannelArrays<T>& arrays) const {
    double* statistics = StatisticsOf(sample, spare);
    AddUp(cuts_.chunks, sums_, sums);
    layer_.Statistics(sample, sums, statistics);
    layer_.FillMap(statistics, arrays);
  }

  void BySamples() const {
    ParallelFor(size_.batch, cuts_.task_samples, [&](int64_t begin, int64_t end) {
      const Memory<T> memory(ScratchUse::kTask, cuts_.chunks * sums_, 2 * size_.groups, 1,
                             size_.channels);
      const ChannelArrays<T> arrays = memory.Arrays(0);
      for (int64_t sample = begin; sample < end; ++sample) {
        for (int64_t chunk = 0; chunk < cuts_.chunks; ++chunk) {
          layer_.Moments(sample, chunk, memory.sums + chunk * sums_);
        }
        FillMap(sample, memory.sums, memory.statistics, arrays);
        // Backwards, since the last chunks are the ones still in the cache.
        for (int64_t chunk = cuts_.chunks - 1; chunk >= 0; --chunk) {
          layer_.Apply(layer_.RowsOf(sample, chunk), arrays, y_);
        }
      }
    });
  }

  void ByChunks() const {
    const int64_t chunks = size_.batch * cuts_.chunks;
    const Memory<T> memory(ScratchUse::kShared, chunks * sums_, 2 * size_.groups, size_.batch,
                           size_.channels);
    ParallelFor(chunks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        layer_.Moments(i / cuts_.chunks, i % cuts_.chunks, memory.sums + i * sums_);
      }
    });
    for (int64_t sample = 0; sample < size_.batch; ++sample) {
      FillMap(sample, memory.sums + sample * cuts_.chunks * sums_, memory.statistics,
              memory.Arrays(sample));
    }
    ParallelFor(chunks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t sample = i / cuts_.chunks;
        layer_.Apply(layer_.RowsOf(sample, i % cuts_.chunks), memory.Arrays(sample), y_);
      }
    });
  }

  Cuts cuts_;
  GroupNormLayer<S> layer_;
  GroupNormSize size_;
  int64_t sums_;  // numbers in a sample's sums
  S* y_;
  double* statistics_;
};

template <class S>
class Backward {
 public:
  using T = NormComputeType<S>;

  Backward(const GroupNormSize& size, std::span<const NormPart<S>> parts, const T* weight,
           const T* bias, double eps, const NormActivation<T>& activation, const double* statistics,
           const S* dy)
      : cuts_(CutsOf(size)),
        layer_{size, parts, weight, bias, eps, activation, cuts_.chunk_rows},
        size_(size),
        sample_(size.rows * size.channels),
        sums_(2 * size.channels),
        statistics_(statistics),
        dy_(dy) {
    for (const NormPart<S>& part : parts) wants_dx_ = wants_dx_ || part.dx != nullptr;
  }

  void Run(T* dweight, T* dbias) const {
    const int64_t tasks = cuts_.whole_samples ? cuts_.tasks : 1;
    double* shares = GetScratch<double>(ScratchUse::kGradientParts, tasks * sums_);
    std::fill(shares, shares + tasks * sums_, 0.0);
    cuts_.whole_samples ? BySamples(shares) : ByChunks(shares);
    AddUp(tasks, sums_, shares);
    for (int64_t c = 0; c < size_.channels; ++c) {
      if (dweight != nullptr) dweight[c] = static_cast<T>(shares[c]);
      if (dbias != nullptr) dbias[c] = static_cast<T>(shares[size_.channels + c]);
    }
  }

 private:
  const double* StatisticsOf(int64_t sample) const {
    return statistics_ + sample * 2 * size_.groups;
  }
  bool Activated() const { return layer_.activation.backward != nullptr; }
  void Combine(int64_t sample, double* sums, const ChannelArrays<T>& arrays, double* shares) const {
    AddUp(cuts_.chunks, sums_, sums);
    layer_.Combine(StatisticsOf(sample), sums, arrays, shares, shares + size_.channels);
  }
  // Of g, [rows, channels] from row `first` on, what belongs to some rows.
  T* RowsOfG(T* g, int64_t first, const NormRows& rows) const {
    return g == nullptr ? nullptr : g + (rows.begin - first) * size_.channels;
  }

  // shares: dweight's and dbias's, for each task.
  void BySamples(double* shares) const {
    ParallelFor(size_.batch, cuts_.task_samples, [&](int64_t begin, int64_t end) {
      const Memory<T> memory(ScratchUse::kTask, cuts_.chunks * sums_, 0, 1, size_.channels);
      T* g = nullptr;
      if (Activated()) g = GetScratch<T>(ScratchUse::kGradient, sample_);
      double* share = shares + begin / cuts_.task_samples * sums_;
      for (int64_t sample = begin; sample < end; ++sample) OneSample(sample, memory, g, share);
    });
  }

  void OneSample(int64_t sample, const Memory<T>& memory, T* g, double* share) const {
    const ChannelArrays<T> arrays = memory.Arrays(0);
    const int64_t first = sample * size_.rows;
    layer_.FillMap(StatisticsOf(sample), arrays);
    for (int64_t chunk = 0; chunk < cuts_.chunks; ++chunk) {
      const NormRows rows = layer_.RowsOf(sample, chunk);
      layer_.GradientSums(rows, arrays, dy_, RowsOfG(g, first, rows), memory.sums + chunk * sums_);
    }
    Combine(sample, memory.sums, arrays, share);
    if (!wants_dx_) return;
    // Backwards, since the last chunks are the ones still in the cache.
    for (int64_t chunk = cuts_.chunks - 1; chunk >= 0; --chunk) {
      const NormRows rows = layer_.RowsOf(sample, chunk);
      layer_.InputGradient(rows, arrays, dy_, RowsOfG(g, first, rows));
    }
  }

  // Memory for g of the whole batch: dx, where it will do.
  T* MemoryForG() const {
    if (!Activated()) return nullptr;
    if constexpr (std::is_same_v<S, T>) {
      const NormPart<S>& part = layer_.parts[0];
      if (layer_.parts.size() == 1 && part.pending == nullptr && part.dx != nullptr) return part.dx;
    }
    return GetScratch<T>(ScratchUse::kGradient, size_.batch * sample_);
  }

  void ByChunks(double* shares) const {
    const int64_t chunks = size_.batch * cuts_.chunks;
    const Memory<T> memory(ScratchUse::kShared, chunks * sums_, 0, size_.batch, size_.channels);
    T* const g = MemoryForG();
    for (int64_t sample = 0; sample < size_.batch; ++sample) {
      layer_.FillMap(StatisticsOf(sample), memory.Arrays(sample));
    }
    ParallelFor(chunks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t sample = i / cuts_.chunks;
        const NormRows rows = layer_.RowsOf(sample, i % cuts_.chunks);
        layer_.GradientSums(rows, memory.Arrays(sample), dy_, RowsOfG(g, 0, rows),
                            memory.sums + i * sums_);
      }
    });
    for (int64_t sample = 0; sample < size_.batch; ++sample) {
      Combine(sample, memory.sums + sample * cuts_.chunks * sums_, memory.Arrays(sample), shares);
    }
    if (!wants_dx_) return;
    ParallelFor(chunks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t sample = i / cuts_.chunks;
        const NormRows rows = layer_.RowsOf(sample, i % cuts_.chunks);
        layer_.InputGradient(rows, memory.Arrays(sample), dy_, RowsOfG(g, 0, rows));
      }
    });
  }

  Cuts cuts_;
  GroupNormLayer<S> layer_;
  GroupNormSize size_;
  int64_t sample_, sums_;  // numbers in a sample, and in its sums
  const double* statistics_;
  const S* dy_;
  bool wants_dx_ = false;
};

bool IsEmpty(const GroupNormSize& s) { return s.batch == 0 || s.rows == 0 || s.channels == 0; }

}  // namespace

template <class S>
void GroupNormForward(const GroupNormSize& size, std::span<const NormPart<S>> parts,
                      const NormComputeType<S>* weight, const NormComputeType<S>* bias, double eps,
                      const NormActivation<NormComputeType<S>>& activation, S* y,
                      double* statistics) {
  if (IsEmpty(size)) return;
  Forward<S>(size, parts, weight, bias, eps, activation, y, statistics).Run();
}

template <class S>
void GroupNormBackward(const GroupNormSize& size, std::span<const NormPart<S>> parts,
                       const NormComputeType<S>* weight, const NormComputeType<S>* bias, double eps,
                       const NormActivation<NormComputeType<S>>& activation,
                       const double* statistics, const S* dy, NormComputeType<S>* dweight,
                       NormComputeType<S>* dbias) {
  if (IsEmpty(size)) {
    if (dweight != nullptr) std::fill(dweight, dweight + size.channels, 0);
    if (dbias != nullptr) std::fill(dbias, dbias + size.channels, 0);
    return;
  }
  Backward<S>(size, parts, weight, bias, eps, activation, statistics, dy).Run(dweight, dbias);
}

template void GroupNormForward<float>(const GroupNormSize&, std::span<const NormPart<float>>,
                                      const float*, const float*, double,
                                      const NormActivation<float>&, float*, double*);
template void GroupNormForward<double>(const GroupNormSize&, std::span<const NormPart<double>>,
                                       const double*, const double*, double,
                                       const NormActivation<double>&, double*, double*);
template void GroupNormForward<BFloat16>(const GroupNormSize&, std::span<const NormPart<BFloat16>>,
                                         const float*, const float*, double,
                                         const NormActivation<float>&, BFloat16*, double*);
template void GroupNormBackward<float>(const GroupNormSize&, std::span<const NormPart<float>>,
                                       const float*, const float*, double,
                                       const NormActivation<float>&, const double*, const float*,
                                       float*, float*);
template void GroupNormBackward<double>(const GroupNormSize&, std::span<const NormPart<double>>,
                                        const double*, const double*, double,
                                        const NormActivation<double>&, const double*, const double*,
                                        double*, double*);
template void GroupNormBackward<BFloat16>(const GroupNormSize&, std::span<const NormPart<BFloat16>>,
                                          const float*, const float*, double,
                                          const NormActivation<float>&, const double*,
                                          const BFloat16*, float*, float*);

}  // namespace autograd::kernels
