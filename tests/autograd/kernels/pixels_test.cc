#include "autograd/kernels/pixels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "autograd/dtype.h"

namespace autograd::kernels {
namespace {

template <class T>
std::vector<T> Values(int64_t count, uint32_t seed) {
  std::vector<T> values(static_cast<size_t>(count));
  for (T& value : values) {
    seed = seed * 1664525u + 1013904223u;
    value = static_cast<T>(static_cast<double>(seed >> 8) / (1 << 23) - 1.0);
  }
  return values;
}

const int64_t kChannels[] = {0, 1, 3, 8, 15, 16, 33, 64, 100};

template <class T>
void TestWeightedSum() {
  for (const int64_t channels : kChannels) {
    std::vector<std::vector<T>> terms;
    std::vector<const T*> pointers;
    for (uint32_t t = 0; t < 5; ++t) terms.push_back(Values<T>(channels, t));
    for (const std::vector<T>& term : terms) pointers.push_back(term.data());
    const std::vector<T> weights = Values<T>(5, 9);
    for (int64_t count = 0; count <= 5; ++count) {
      std::vector<T> y(static_cast<size_t>(channels), T(7)), wanted(y.size());
      GetPixelKernels<T>().weighted_sum(pointers.data(), weights.data(), count, channels, y.data());
      for (size_t t = 0; t < static_cast<size_t>(count); ++t) {
        for (size_t c = 0; c < y.size(); ++c) {
          const T product = weights[t] * terms[t][c];
          wanted[c] = t == 0 ? product : wanted[c] + product;
        }
      }
      EXPECT_EQ(y, wanted) << channels << " channels, " << count << " terms";
    }
  }
}

// More channels than are summed at once too.
TEST(Pixels, WeightedSumOfBf16IsRoundedOnce) {
  for (const int64_t channels : {1, 7, 64, 100, 511, 513, 1100}) {
    std::vector<std::vector<BFloat16>> narrow;
    std::vector<std::vector<float>> wide;
    for (uint32_t t = 0; t < 4; ++t) {
      narrow.emplace_back();
      wide.emplace_back();
      for (const float x : Values<float>(channels, t)) {
        narrow.back().push_back(ToBFloat16(x));
        wide.back().push_back(ToFloat(narrow.back().back()));
      }
    }
    const BFloat16* pointers[] = {narrow[0].data(), narrow[1].data(), narrow[2].data(),
                                  narrow[3].data()};
    const float* wide_pointers[] = {wide[0].data(), wide[1].data(), wide[2].data(), wide[3].data()};
    const std::vector<float> weights = Values<float>(4, 9);
    for (int64_t count = 0; count <= 4; ++count) {
      std::vector<BFloat16> y(static_cast<size_t>(channels));
      std::vector<float> wanted(y.size());
      GetPixelKernels<BFloat16>().weighted_sum(pointers, weights.data(), count, channels, y.data());
      GetPixelKernels<float>().weighted_sum(wide_pointers, weights.data(), count, channels,
                                            wanted.data());
      for (size_t c = 0; c < y.size(); ++c) EXPECT_EQ(y[c].bits, ToBFloat16(wanted[c]).bits) << c;
    }
  }
}

TEST(Pixels, WeightedSumAddsInOrder) {
  TestWeightedSum<float>();
  TestWeightedSum<double>();
}

template <class T>
void TestTakeLarger() {
  for (const int64_t channels : kChannels) {
    std::vector<T> best = Values<T>(channels, 1), x = Values<T>(channels, 2);
    const T nan = std::numeric_limits<T>::quiet_NaN();
    for (size_t c = 0; c < best.size(); c += 5) x[c] = best[c];
    for (size_t c = 1; c < best.size(); c += 7) x[c] = nan;
    for (size_t c = 2; c < best.size(); c += 7) best[c] = nan;
    const std::vector<T> before = best;
    std::vector<int32_t> at(best.size(), 3);
    GetPixelKernels<T>().take_larger(x.data(), 8, channels, best.data(), at.data());
    for (size_t c = 0; c < best.size(); ++c) {
      const bool taken = !std::isnan(before[c]) && (x[c] > before[c] || std::isnan(x[c]));
      EXPECT_EQ(at[c], taken ? 8 : 3) << c;
      const T wanted = taken ? x[c] : before[c];
      EXPECT_TRUE(best[c] == wanted || (std::isnan(best[c]) && std::isnan(wanted))) << c;
    }
  }
}

TEST(Pixels, TakeLargerKeepsTheFirstMaximum) {
  TestTakeLarger<float>();
  TestTakeLarger<double>();
}

TEST(Pixels, Bf16KeepsTheFirstMaximumAndIsAddedUpInF32) {
  const auto bf16 = [](std::vector<float> values) {
    std::vector<BFloat16> narrow;
    for (const float x : values) narrow.push_back(ToBFloat16(x));
    return narrow;
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<BFloat16> best = bf16({1, 2, nan, -3, 5});
  const std::vector<BFloat16> x = bf16({2, 2, 7, nan, -6});
  std::vector<int32_t> at(5, 3);
  GetPixelKernels<BFloat16>().take_larger(x.data(), 8, 5, best.data(), at.data());
  EXPECT_EQ(at, (std::vector<int32_t>{8, 3, 3, 8, 3}));
  EXPECT_EQ(ToFloat(best[0]), 2);
  EXPECT_TRUE(std::isnan(ToFloat(best[2])));
  EXPECT_TRUE(std::isnan(ToFloat(best[3])));
  // 257 is not a bf16 number.
  std::vector<float> sums(5, 256);
  const std::vector<int32_t> first(5, 0);
  GetPixelKernels<BFloat16>().scatter(bf16({1, 1, 1, 1, 1}).data(), first.data(), 5, 5,
                                      sums.data());
  EXPECT_EQ(sums, (std::vector<float>(5, 257)));
}

TEST(Pixels, ScatterAddsWhereItCameFrom) {
  const std::vector<double> x = {1, 2, 3};
  const std::vector<int32_t> at = {1, 0, 1};
  std::vector<double> y = {10, 20, 30, 40, 50, 60};
  GetPixelKernels<double>().scatter(x.data(), at.data(), 3, 3, y.data());
  EXPECT_EQ(y, (std::vector<double>{10, 22, 30, 41, 50, 63}));
}

}  // namespace
}  // namespace autograd::kernels
