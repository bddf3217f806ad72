// What this machine can do at best, measured when first asked for by small loops: multiply-adds of
// f32 and f64, products of bf16 (dot instructions, or tiles), and a copy of memory. Beside it a
// kernel's figure says how far it is from the machine's limit, which a number of GFLOPS alone does
// not.
//
// The loops run on as many threads as autograd::NumThreads() says, with the instruction set of
// autograd::ActiveIsa(); each figure is the best of several runs of some milliseconds.
//
// Example:
//   const double flops = benchmarks::PeakFlops(benchmarks::Arithmetic::kF32);
//   std::cout << 1e-9 * flops << " GFLOP/s, " << 1e-9 * benchmarks::PeakCopyBytes() << " GB/s\n";
#ifndef BENCHMARKS_PEAK_H_
#define BENCHMARKS_PEAK_H_

#include <type_traits>

namespace benchmarks {

// kBf16: products of bf16 added up in f32 by the best instruction there is: tiles under kAmx, dot
// products under kAvx512Bf16, and f32 multiply-adds below.
enum class Arithmetic { kF32, kF64, kBf16 };

// Floating-point operations a second, a multiply-add counted as two. Measured once for each number
// of threads.
double PeakFlops(Arithmetic arithmetic);

// Bytes a second that a copy of arrays far larger than the caches reads and writes together.
double PeakCopyBytes();

// Counters of a google-benchmark State: "GFLOPS" of an iteration of `flops` operations, and "of
// peak", its share of PeakFlops. Their time is the one the benchmark reports: with UseRealTime that
// of the clock; otherwise, with MeasureProcessCPUTime, that of all threads together, so the peak is
// then that of one thread and `per_thread` must be true.
template <class State>
void ReportFlops(State& state, double flops, Arithmetic arithmetic, bool per_thread = false);

// The same of an iteration that reads and writes `bytes` bytes: "GB/s" and "of copy", its share of
// PeakCopyBytes, or with `per_thread` of what one thread copies. Arrays in the caches can exceed
// it.
template <class State>
void ReportBytes(State& state, double bytes, bool per_thread = false);

// Only details below.

// PeakFlops and PeakCopyBytes of one thread while the others rest.
double PeakFlopsOfOneThread(Arithmetic arithmetic);
double PeakCopyBytesOfOneThread();

// Counters of an iteration that does `amount` of something the machine does `peak` times a second:
// billions a second, and the share of the peak.
template <class State>
void ReportShare(State& state, const char* rate, const char* share, double amount, double peak) {
  using Counter = std::remove_reference_t<decltype(state.counters[rate])>;
  state.counters[rate] = Counter(1e-9 * amount, Counter::kIsIterationInvariantRate);
  state.counters[share] = Counter(amount / peak, Counter::kIsIterationInvariantRate);
}

template <class State>
void ReportFlops(State& state, double flops, Arithmetic arithmetic, bool per_thread) {
  ReportShare(state, "GFLOPS", "of peak", flops,
              per_thread ? PeakFlopsOfOneThread(arithmetic) : PeakFlops(arithmetic));
}

template <class State>
void ReportBytes(State& state, double bytes, bool per_thread) {
  ReportShare(state, "GB/s", "of copy", bytes,
              per_thread ? PeakCopyBytesOfOneThread() : PeakCopyBytes());
}

}  // namespace benchmarks

#endif  // BENCHMARKS_PEAK_H_
