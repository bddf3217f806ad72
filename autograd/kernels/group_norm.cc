#include "autograd/kernels/group_norm.h"

#include <algorithm>
#include <cstdint>

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

// Scratch of `sums` doubles, `statistics` doubles, and the arrays of `maps` samples.
template <class T>
struct Memory {
  Memory(ScratchUse use, int64_t sums_count, int64_t statistics_count, int64_t maps,
         int64_t channel_count)
      : channels(channel_count) {
    const int64_t arrays = maps * ChannelArrays<T>::kArrays * channels;
    sums = GetScratch<double>(use, sums_count + statistics_count + arrays);
    statistics = sums + sums_count;
    map_memory = reinterpret_cast<T*>(statistics + statistics_count);
  }
  ChannelArrays<T> Map(int64_t i) const {
    return {map_memory + i * ChannelArrays<T>::kArrays * channels, channels};
  }

  int64_t channels;
  double* sums;
  double* statistics;
  T* map_memory;
};

template <class T>
class Forward {
 public:
  Forward(const GroupNormSize& size, const T* x, const T* weight, const T* bias, double eps,
          const NormActivation<T>& activation, T* y, double* statistics)
      : cuts_(CutsOf(size)),
        layer_{size, weight, bias, eps, activation, cuts_.chunk_rows},
        size_(size),
        sample_(size.rows * size.channels),
        sums_(2 * size.channels),
        x_(x),
        y_(y),
        statistics_(statistics) {}

  void Run() const { cuts_.whole_samples ? BySamples() : ByChunks(); }

 private:
  // Where the statistics of a sample go, `spare` if nobody wants them.
  double* StatisticsOf(int64_t sample, double* spare) const {
    return statistics_ == nullptr ? spare : statistics_ + sample * 2 * size_.groups;
  }
  void FillMap(int64_t sample, double* sums, double* spare, const ChannelArrays<T>& map) const {
    double* statistics = StatisticsOf(sample, spare);
    AddUp(cuts_.chunks, sums_, sums);
    layer_.Statistics(x_ + sample * sample_, sums, statistics);
    layer_.FillMap(statistics, map);
  }

  void BySamples() const {
    ParallelFor(size_.batch, cuts_.task_samples, [&](int64_t begin, int64_t end) {
      const Memory<T> memory(ScratchUse::kTask, cuts_.chunks * sums_, 2 * size_.groups, 1,
                             size_.channels);
      const ChannelArrays<T> arrays = memory.Map(0);
      for (int64_t sample = begin; sample < end; ++sample) {
        const T* x = x_ + sample * sample_;
        for (int64_t chunk = 0; chunk < cuts_.chunks; ++chunk) {
          layer_.Moments(x, chunk, memory.sums + chunk * sums_);
        }
        FillMap(sample, memory.sums, memory.statistics, arrays);
        // Backwards, since the last chunks are the ones still in the cache.
        for (int64_t chunk = cuts_.chunks - 1; chunk >= 0; --chunk) {
          layer_.Apply(x, chunk, arrays.map(), y_ + sample * sample_);
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
        layer_.Moments(x_ + i / cuts_.chunks * sample_, i % cuts_.chunks, memory.sums + i * sums_);
      }
    });
    for (int64_t sample = 0; sample < size_.batch; ++sample) {
      FillMap(sample, memory.sums + sample * cuts_.chunks * sums_, memory.statistics,
              memory.Map(sample));
    }
    ParallelFor(chunks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t sample = i / cuts_.chunks, at = sample * sample_;
        layer_.Apply(x_ + at, i % cuts_.chunks, memory.Map(sample).map(), y_ + at);
      }
    });
  }

  Cuts cuts_;
  GroupNormLayer<T> layer_;
  GroupNormSize size_;
  int64_t sample_, sums_;  // numbers in a sample, and of its sums
  const T* x_;
  T* y_;
  double* statistics_;
};

template <class T>
class Backward {
 public:
  Backward(const GroupNormSize& size, const T* x, const T* weight, const T* bias, double eps,
           const NormActivation<T>& activation, const double* statistics, const T* dy, T* dx)
      : cuts_(CutsOf(size)),
        layer_{size, weight, bias, eps, activation, cuts_.chunk_rows},
        size_(size),
        sample_(size.rows * size.channels),
        sums_(2 * size.channels),
        x_(x),
        statistics_(statistics),
        dy_(dy),
        dx_(dx) {}

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
  void Combine(int64_t sample, double* sums, const ChannelArrays<T>& map, double* shares) const {
    AddUp(cuts_.chunks, sums_, sums);
    layer_.Combine(StatisticsOf(sample), sums, map, shares, shares + size_.channels);
  }

  // shares: dweight's and dbias's, for each task.
  void BySamples(double* shares) const {
    ParallelFor(size_.batch, cuts_.task_samples, [&](int64_t begin, int64_t end) {
      const Memory<T> memory(ScratchUse::kTask, cuts_.chunks * sums_, 0, 1, size_.channels);
      T* made = nullptr;
      if (Activated()) made = GetScratch<T>(ScratchUse::kGradient, sample_);
      double* share = shares + begin / cuts_.task_samples * sums_;
      for (int64_t sample = begin; sample < end; ++sample) {
        OneSample(sample, memory, made, share);
      }
    });
  }

  void OneSample(int64_t sample, const Memory<T>& memory, T* made, double* share) const {
    const T *x = x_ + sample * sample_, *dy = dy_ + sample * sample_;
    const ChannelArrays<T> arrays = memory.Map(0);
    layer_.FillMap(StatisticsOf(sample), arrays);
    for (int64_t chunk = 0; chunk < cuts_.chunks; ++chunk) {
      layer_.GradientSums(x, chunk, arrays.map(), dy, made, memory.sums + chunk * sums_);
    }
    Combine(sample, memory.sums, arrays, share);
    if (dx_ == nullptr) return;
    // Backwards, since the last chunks are the ones still in the cache.
    for (int64_t chunk = cuts_.chunks - 1; chunk >= 0; --chunk) {
      layer_.InputGradient(x, chunk, arrays, made == nullptr ? dy : made, dx_ + sample * sample_);
    }
  }

  // g is made in dx.
  void ByChunks(double* shares) const {
    const int64_t chunks = size_.batch * cuts_.chunks, elements = size_.batch * sample_;
    const Memory<T> memory(ScratchUse::kShared, chunks * sums_, 0, size_.batch, size_.channels);
    T* made = nullptr;
    if (Activated()) {
      made = dx_ != nullptr ? dx_ : GetScratch<T>(ScratchUse::kGradient, elements);
    }
    for (int64_t sample = 0; sample < size_.batch; ++sample) {
      layer_.FillMap(StatisticsOf(sample), memory.Map(sample));
    }
    ParallelFor(chunks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t sample = i / cuts_.chunks, at = sample * sample_;
        layer_.GradientSums(x_ + at, i % cuts_.chunks, memory.Map(sample).map(), dy_ + at,
                            made == nullptr ? nullptr : made + at, memory.sums + i * sums_);
      }
    });
    for (int64_t sample = 0; sample < size_.batch; ++sample) {
      Combine(sample, memory.sums + sample * cuts_.chunks * sums_, memory.Map(sample), shares);
    }
    if (dx_ == nullptr) return;
    const T* g = made == nullptr ? dy_ : made;
    ParallelFor(chunks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t sample = i / cuts_.chunks, at = sample * sample_;
        layer_.InputGradient(x_ + at, i % cuts_.chunks, memory.Map(sample), g + at, dx_ + at);
      }
    });
  }

  Cuts cuts_;
  GroupNormLayer<T> layer_;
  GroupNormSize size_;
  int64_t sample_, sums_;  // numbers in a sample, and of its sums
  const T* x_;
  const double* statistics_;
  const T* dy_;
  T* dx_;
};

bool IsEmpty(const GroupNormSize& s) { return s.batch == 0 || s.rows == 0 || s.channels == 0; }

template <class T>
void RunForward(const GroupNormSize& size, const T* x, const T* weight, const T* bias, double eps,
                const NormActivation<T>& activation, T* y, double* statistics) {
  if (IsEmpty(size)) return;
  Forward<T>(size, x, weight, bias, eps, activation, y, statistics).Run();
}

template <class T>
void RunBackward(const GroupNormSize& size, const T* x, const T* weight, const T* bias, double eps,
                 const NormActivation<T>& activation, const double* statistics, const T* dy, T* dx,
                 T* dweight, T* dbias) {
  if (IsEmpty(size)) {
    if (dweight != nullptr) std::fill(dweight, dweight + size.channels, T{0});
    if (dbias != nullptr) std::fill(dbias, dbias + size.channels, T{0});
    return;
  }
  Backward<T>(size, x, weight, bias, eps, activation, statistics, dy, dx).Run(dweight, dbias);
}

}  // namespace

void GroupNormForward(const GroupNormSize& size, const float* x, const float* weight,
                      const float* bias, double eps, const NormActivation<float>& activation,
                      float* y, double* statistics) {
  RunForward(size, x, weight, bias, eps, activation, y, statistics);
}

void GroupNormForward(const GroupNormSize& size, const double* x, const double* weight,
                      const double* bias, double eps, const NormActivation<double>& activation,
                      double* y, double* statistics) {
  RunForward(size, x, weight, bias, eps, activation, y, statistics);
}

void GroupNormBackward(const GroupNormSize& size, const float* x, const float* weight,
                       const float* bias, double eps, const NormActivation<float>& activation,
                       const double* statistics, const float* dy, float* dx, float* dweight,
                       float* dbias) {
  RunBackward(size, x, weight, bias, eps, activation, statistics, dy, dx, dweight, dbias);
}

void GroupNormBackward(const GroupNormSize& size, const double* x, const double* weight,
                       const double* bias, double eps, const NormActivation<double>& activation,
                       const double* statistics, const double* dy, double* dx, double* dweight,
                       double* dbias) {
  RunBackward(size, x, weight, bias, eps, activation, statistics, dy, dx, dweight, dbias);
}

}  // namespace autograd::kernels
