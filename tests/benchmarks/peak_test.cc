#include "benchmarks/peak.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "autograd/kernels/isa.h"
#include "autograd/parallel/parallel.h"

namespace benchmarks {
namespace {

// What ReportFlops needs of google-benchmark's State.
struct FakeCounter {
  static constexpr int kIsIterationInvariantRate = 3;
  FakeCounter() = default;
  FakeCounter(double v, int f) : value(v), flags(f) {}
  double value = 0;
  int flags = 0;
};
struct FakeState {
  std::map<std::string, FakeCounter> counters;
};

// Lanes of f32 that the widest multiply-add has; four where the compiler may have used SSE.
double Lanes() {
  const autograd::Isa isa = autograd::ActiveIsa();
  if (isa >= autograd::Isa::kAvx512) return 16;
  return isa >= autograd::Isa::kAvx2 ? 8 : 4;
}

// Two units at 7 GHz do 28 operations a nanosecond in each lane. The low end is for builds without
// optimisation on machines that have other work.
TEST(PeakTest, OneThreadDoesWhatItsUnitsAllow) {
  const double f32 = PeakFlopsOfOneThread(Arithmetic::kF32);
  const double f64 = PeakFlopsOfOneThread(Arithmetic::kF64);
  const double bf16 = PeakFlopsOfOneThread(Arithmetic::kBf16);
  EXPECT_GT(f32, 0.02e9 * Lanes());
  EXPECT_LT(f32, 28e9 * Lanes());
  EXPECT_GT(f64, 0.02e9 * Lanes() / 2);
  EXPECT_LT(f64, 28e9 * Lanes() / 2);
  // As f32, whose instructions are the last resort, or up to 32 times that in tiles.
  EXPECT_GT(bf16, 0.02e9 * Lanes());
  EXPECT_LT(bf16, 28e9 * Lanes() * 32);
}

TEST(PeakTest, MemoryIsThatOfAMachineOfThisCentury) {
  for (const double bytes : {PeakCopyBytes(), PeakCopyBytesOfOneThread()}) {
    EXPECT_GT(bytes, 1e8);
    EXPECT_LT(bytes, 1e13);
  }
}

TEST(PeakTest, IsMeasuredOnceForEachNumberOfThreads) {
  autograd::SetNumThreads(1);
  EXPECT_EQ(PeakFlops(Arithmetic::kF32), PeakFlopsOfOneThread(Arithmetic::kF32));
  EXPECT_EQ(PeakCopyBytes(), PeakCopyBytesOfOneThread());
  autograd::SetNumThreads(2);
  const double of_two = PeakFlops(Arithmetic::kF32);
  EXPECT_EQ(of_two, PeakFlops(Arithmetic::kF32));
  EXPECT_NE(of_two, PeakFlopsOfOneThread(Arithmetic::kF32));
}

TEST(PeakTest, SharesAreOfThePeak) {
  FakeState state;
  ReportShare(state, "rate", "share", 3e9, 12e9);
  EXPECT_DOUBLE_EQ(state.counters["rate"].value, 3);
  EXPECT_DOUBLE_EQ(state.counters["share"].value, 0.25);
  EXPECT_EQ(state.counters["rate"].flags, FakeCounter::kIsIterationInvariantRate);
  EXPECT_EQ(state.counters["share"].flags, FakeCounter::kIsIterationInvariantRate);
}

TEST(PeakTest, WhatTheMachineDoesInASecondIsAllOfThePeak) {
  autograd::SetNumThreads(2);
  FakeState state;
  for (const Arithmetic arithmetic : {Arithmetic::kF32, Arithmetic::kF64, Arithmetic::kBf16}) {
    ReportFlops(state, PeakFlops(arithmetic), arithmetic);
    EXPECT_DOUBLE_EQ(state.counters["of peak"].value, 1);
    ReportFlops(state, PeakFlopsOfOneThread(arithmetic), arithmetic, /*per_thread=*/true);
    EXPECT_DOUBLE_EQ(state.counters["of peak"].value, 1);
  }
  ReportBytes(state, PeakCopyBytes());
  EXPECT_DOUBLE_EQ(state.counters["of copy"].value, 1);
  ReportBytes(state, PeakCopyBytesOfOneThread(), /*per_thread=*/true);
  EXPECT_DOUBLE_EQ(state.counters["of copy"].value, 1);
  ReportFlops(state, 5e9, Arithmetic::kF32);
  EXPECT_DOUBLE_EQ(state.counters["GFLOPS"].value, 5);
  ReportBytes(state, 7e9);
  EXPECT_DOUBLE_EQ(state.counters["GB/s"].value, 7);
}

}  // namespace
}  // namespace benchmarks
