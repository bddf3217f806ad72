#include "benchmarks/peak.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

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

TEST(PeakTest, IsThatOfAProcessorOfThisCentury) {
  for (const Arithmetic arithmetic : {Arithmetic::kF32, Arithmetic::kBf16}) {
    EXPECT_GT(PeakFlops(arithmetic), 1e7);
    EXPECT_LT(PeakFlops(arithmetic), 1e17);
    // Measured once.
    EXPECT_EQ(PeakFlops(arithmetic), PeakFlops(arithmetic));
  }
  EXPECT_GT(PeakCopyBytes(), 1e7);
  EXPECT_LT(PeakCopyBytes(), 1e14);
}

TEST(PeakTest, SharesAreOfThePeak) {
  FakeState state;
  ReportFlops(state, 3e9, Arithmetic::kF32);
  EXPECT_DOUBLE_EQ(state.counters["GFLOPS"].value, 3);
  EXPECT_DOUBLE_EQ(state.counters["of peak"].value, 3e9 / PeakFlops(Arithmetic::kF32));
  EXPECT_EQ(state.counters["of peak"].flags, FakeCounter::kIsIterationInvariantRate);
  ReportFlops(state, 3e9, Arithmetic::kF32, /*per_thread=*/true);
  EXPECT_DOUBLE_EQ(state.counters["of peak"].value, 3e9 / PeakFlopsOfOneThread(Arithmetic::kF32));
  ReportBytes(state, 2e9);
  EXPECT_DOUBLE_EQ(state.counters["GB/s"].value, 2);
  EXPECT_DOUBLE_EQ(state.counters["of copy"].value, 2e9 / PeakCopyBytes());
}

}  // namespace
}  // namespace benchmarks
