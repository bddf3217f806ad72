#include "benchmarks/peak.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "autograd/kernels/isa.h"
#include "autograd/parallel/parallel.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace benchmarks {
namespace {

using autograd::Isa;
using Clock = std::chrono::steady_clock;

constexpr int kRuns = 5;

// A loop of `rounds` rounds, and the operations of one of them. Enough independent chains of
// multiply-adds that the latency of one hides behind the others (4 cycles, two units).
struct Loop {
  void (*run)(int64_t rounds);
  double flops;
  int64_t rounds;
};
constexpr int kChains = 12;

template <class T>
void ScalarLoop(int64_t rounds) {
  T sums[kChains] = {};
  const T factor = T(1e-3);
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (T& sum : sums) sum = sum * factor + factor;
  }
  volatile T sink = 0;
  for (const T sum : sums) sink = sink + sum;
}
template <class T>
constexpr Loop kScalar = {ScalarLoop<T>, 2 * kChains, 1'000'000};

#if defined(__x86_64__)
// Functions with attributes in place of files with flags: nothing here is ever inlined elsewhere.
__attribute__((target("avx2,fma"))) void Avx2Loop(int64_t rounds) {
  __m256 sums[kChains];
  for (__m256& sum : sums) sum = _mm256_setzero_ps();
  const __m256 factor = _mm256_set1_ps(1e-3f);
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (__m256& sum : sums) sum = _mm256_fmadd_ps(sum, factor, factor);
  }
  volatile float sink = 0;
  for (const __m256& sum : sums) sink = sink + _mm256_cvtss_f32(sum);
}

__attribute__((target("avx2,fma"))) void Avx2LoopF64(int64_t rounds) {
  __m256d sums[kChains];
  for (__m256d& sum : sums) sum = _mm256_setzero_pd();
  const __m256d factor = _mm256_set1_pd(1e-3);
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (__m256d& sum : sums) sum = _mm256_fmadd_pd(sum, factor, factor);
  }
  volatile double sink = 0;
  for (const __m256d& sum : sums) sink = sink + _mm256_cvtsd_f64(sum);
}

__attribute__((target("avx512f"))) void Avx512Loop(int64_t rounds) {
  __m512 sums[kChains];
  for (__m512& sum : sums) sum = _mm512_setzero_ps();
  const __m512 factor = _mm512_set1_ps(1e-3f);
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (__m512& sum : sums) sum = _mm512_fmadd_ps(sum, factor, factor);
  }
  volatile float sink = 0;
  for (const __m512& sum : sums) sink = sink + _mm512_cvtss_f32(sum);
}

__attribute__((target("avx512f"))) void Avx512LoopF64(int64_t rounds) {
  __m512d sums[kChains];
  for (__m512d& sum : sums) sum = _mm512_setzero_pd();
  const __m512d factor = _mm512_set1_pd(1e-3);
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (__m512d& sum : sums) sum = _mm512_fmadd_pd(sum, factor, factor);
  }
  volatile double sink = 0;
  for (const __m512d& sum : sums) sink = sink + _mm512_cvtsd_f64(sum);
}

__attribute__((target("avx512f,avx512bf16"))) void DotLoop(int64_t rounds) {
  __m512 sums[kChains];
  for (__m512& sum : sums) sum = _mm512_setzero_ps();
  const __m512 ones = _mm512_set1_ps(1.0f);
  const __m512bh factor = _mm512_cvtne2ps_pbh(ones, ones);
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (__m512& sum : sums) sum = _mm512_dpbf16_ps(sum, factor, factor);
  }
  volatile float sink = 0;
  for (const __m512& sum : sums) sink = sink + _mm512_cvtss_f32(sum);
}

// Four sums of 16 x 16 f32, each of products of 16 x 32 by 32 x 16 bf16: the most that two tiles of
// each factor allow with eight tiles.
__attribute__((target("amx-tile,amx-bf16"))) void TileLoop(int64_t rounds) {
  struct alignas(64) {
    uint8_t palette = 1, start_row = 0, reserved[14] = {};
    uint16_t row_bytes[16] = {};
    uint8_t rows[16] = {};
  } config;
  static_assert(sizeof config == 64);
  for (int tile = 0; tile < 8; ++tile) {
    config.row_bytes[tile] = 64;
    config.rows[tile] = 16;
  }
  asm volatile("" ::: "memory");  // gcc 12 may drop stores to the configuration otherwise
  _tile_loadconfig(&config);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_zero(4);
  _tile_zero(5);
  _tile_zero(6);
  _tile_zero(7);
  for (int64_t i = 0; i < rounds; ++i) {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_release();
}

constexpr Loop kAvx2 = {Avx2Loop, 2 * 8 * kChains, 1'000'000};
constexpr Loop kAvx2F64 = {Avx2LoopF64, 2 * 4 * kChains, 1'000'000};
constexpr Loop kAvx512 = {Avx512Loop, 2 * 16 * kChains, 1'000'000};
constexpr Loop kAvx512F64 = {Avx512LoopF64, 2 * 8 * kChains, 1'000'000};
constexpr Loop kDot = {DotLoop, 4 * 16 * kChains, 1'000'000};
constexpr Loop kTile = {TileLoop, 4 * 2.0 * 16 * 16 * 32, 200'000};
#endif

Loop LoopFor(Arithmetic arithmetic) {
  const bool f64 = arithmetic == Arithmetic::kF64;
#if defined(__x86_64__)
  const Isa isa = autograd::ActiveIsa();
  if (arithmetic == Arithmetic::kBf16) {
    if (isa >= Isa::kAmx) return kTile;
    if (isa >= Isa::kAvx512Bf16) return kDot;
  }
  if (isa >= Isa::kAvx512) return f64 ? kAvx512F64 : kAvx512;
  if (isa >= Isa::kAvx2) return f64 ? kAvx2F64 : kAvx2;
#endif
  return f64 ? kScalar<double> : kScalar<float>;
}

// The shortest of several times.
double BestSeconds(const std::function<void()>& work) {
  double best = 1e30;
  for (int run = 0; run < kRuns; ++run) {
    const auto start = Clock::now();
    work();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best;
}

double MeasureFlops(const Loop& loop, int threads) {
  const double seconds = BestSeconds(
      [&] { autograd::ParallelFor(threads, 1, [&](int64_t, int64_t) { loop.run(loop.rounds); }); });
  return loop.flops * static_cast<double>(loop.rounds) * threads / seconds;
}

// Four times a large cache, each of the two.
constexpr int64_t kCopyBytes = int64_t{256} << 20;

double MeasureCopy(int threads) {
  const auto from = std::make_unique<char[]>(kCopyBytes);  // zeros, so its pages are there
  const auto to = std::make_unique<char[]>(kCopyBytes);
  const double seconds = BestSeconds([&] {
    autograd::ParallelFor(kCopyBytes, kCopyBytes / threads, [&](int64_t begin, int64_t end) {
      std::memcpy(to.get() + begin, from.get() + begin, static_cast<size_t>(end - begin));
    });
  });
  return 2.0 * kCopyBytes / seconds;
}

double PeakOf(Arithmetic arithmetic, int threads) {
  static std::map<std::pair<Arithmetic, int>, double>& known =
      *new std::map<std::pair<Arithmetic, int>, double>;
  double& flops = known[{arithmetic, threads}];
  if (flops == 0) flops = MeasureFlops(LoopFor(arithmetic), threads);
  return flops;
}

double CopyOf(int threads) {
  static std::map<int, double>& known = *new std::map<int, double>;
  double& bytes = known[threads];
  if (bytes == 0) bytes = MeasureCopy(threads);
  return bytes;
}

}  // namespace

double PeakFlops(Arithmetic arithmetic) { return PeakOf(arithmetic, autograd::NumThreads()); }

double PeakFlopsOfOneThread(Arithmetic arithmetic) { return PeakOf(arithmetic, 1); }

double PeakCopyBytes() { return CopyOf(autograd::NumThreads()); }

double PeakCopyBytesOfOneThread() { return CopyOf(1); }

}  // namespace benchmarks
