// Streaming stores write the same bytes as others.
#include "autograd/kernels/stream.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace autograd::kernels {
namespace {

TEST(Stream, CopiesEveryByteAtAnyAlignment) {
  std::vector<uint8_t> x(400);
  std::iota(x.begin(), x.end(), uint8_t{1});
  for (int64_t from = 0; from < 3; ++from) {
    for (int64_t to = 0; to < 70; ++to) {
      for (int64_t n : {0, 1, 5, 63, 64, 65, 128, 200, 300}) {
        std::vector<uint8_t> y(400, 77), want = y;
        std::copy(x.begin() + from, x.begin() + from + n, want.begin() + to);
        GetStreamCopy()(x.data() + from, y.data() + to, n);
        StreamFence();
        ASSERT_EQ(y, want) << from << " " << to << " " << n;
      }
    }
  }
}

template <class T>
void CheckFill(int64_t n) {
  std::vector<T> y(static_cast<size_t>(n) + 2, T(7)), want = y;
  for (int64_t i = 0; i < n; ++i) want[static_cast<size_t>(i) + 1] = static_cast<T>(i % 251);
  Stream(y.data() + 1, n, [](int64_t begin, int64_t count, T* out) {
    for (int64_t i = 0; i < count; ++i) out[i] = static_cast<T>((begin + i) % 251);
  });
  EXPECT_EQ(y, want);
}

TEST(Stream, FillsPieceByPiece) {
  for (int64_t n : {0, 1, 511, 512, 1024, 1025, 5000}) {
    CheckFill<float>(n);
    CheckFill<double>(n);
    CheckFill<uint8_t>(n);
  }
}

// In place: a piece is read before it is written.
TEST(Stream, InPlace) {
  std::vector<float> y(3000, 2.0f);
  Stream(y.data(), 3000, [&](int64_t begin, int64_t count, float* out) {
    for (int64_t i = 0; i < count; ++i) out[i] = y[static_cast<size_t>(begin + i)] * 3;
  });
  EXPECT_EQ(y, std::vector<float>(3000, 6.0f));
}

TEST(Stream, OnlyLargeOutputs) {
  EXPECT_FALSE(WorthStreaming(1 << 20));
  EXPECT_TRUE(WorthStreaming(64 << 20));
}

}  // namespace
}  // namespace autograd::kernels
