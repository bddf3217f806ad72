// The two-operand kernels against one element at a time.
#include "autograd/kernels/binary.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <type_traits>
#include <vector>

#include "autograd/dtype.h"

namespace autograd::kernels {
namespace {

constexpr int kCount = 1000;

template <class T>
std::vector<T> Values(unsigned seed) {
  std::mt19937_64 random(seed);
  using L = std::numeric_limits<T>;
  std::vector<T> special = {T(0), T(1), T(2), T(3), L::max(), L::lowest(), L::min()};
  if constexpr (std::is_signed_v<T>) special.insert(special.end(), {T(-1), T(-2), T(-3)});
  if constexpr (std::is_floating_point_v<T>) {
    special.insert(special.end(), {T(-0.0), T(0.5), T(-0.5), L::infinity(), -L::infinity(),
                                   L::quiet_NaN(), L::denorm_min()});
  }
  std::vector<T> values;
  for (int i = 0; i < kCount; ++i) {
    if (random() % 2 == 0) {
      values.push_back(special[random() % special.size()]);
    } else if constexpr (std::is_floating_point_v<T>) {
      values.push_back(std::normal_distribution<T>(0, 3)(random));
    } else {
      values.push_back(static_cast<T>(random() % 2 == 0 ? random() % 7 : random()));
    }
  }
  return values;
}

template <class T>
void ExpectSame(T got, T want, T x, T y) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(want)) {
      EXPECT_TRUE(std::isnan(got)) << +x << ", " << +y << ": " << +got;
      return;
    }
  }
  EXPECT_EQ(got, want) << +x << ", " << +y;
}

// The definition of each operation, without the kernels' loops.
template <class T>
T Wanted(BinaryOp op, T x, T y) {
  using Wide = std::conditional_t<std::is_floating_point_v<T>, T, unsigned __int128>;
  switch (op) {
    case BinaryOp::kAdd:
      return static_cast<T>(static_cast<Wide>(x) + static_cast<Wide>(y));
    case BinaryOp::kSub:
      return static_cast<T>(static_cast<Wide>(x) - static_cast<Wide>(y));
    case BinaryOp::kMul:
      return static_cast<T>(static_cast<Wide>(x) * static_cast<Wide>(y));
    case BinaryOp::kDiv:
      if constexpr (std::is_floating_point_v<T>)
        return x / y;
      else
        return y == 0 ? T(0) : static_cast<T>(static_cast<__int128>(x) / y);
    default:
      break;
  }
  if (x != x) return x;
  if (y != y) return y;
  return op == BinaryOp::kMin ? std::min(x, y) : std::max(x, y);
}

// Calls f(operands, x pointer, y pointer, index of x, index of y) for the three shapes of operands.
template <class T, class F>
void ForEachOperands(const std::vector<T>& x, const std::vector<T>& y, F f) {
  f(Operands::kArrayArray, x.data(), y.data(), 1, 1);
  for (int i = 0; i < 20; ++i) {
    f(Operands::kArrayScalar, x.data(), y.data() + i, 1, 0);
    f(Operands::kScalarArray, x.data() + i, y.data(), 0, 1);
  }
}

template <class T>
class BinaryTest : public ::testing::Test {};
using Types = ::testing::Types<float, double, int32_t, int64_t, uint8_t>;
TYPED_TEST_SUITE(BinaryTest, Types);

TYPED_TEST(BinaryTest, Arithmetic) {
  using T = TypeParam;
  const std::vector<T> x = Values<T>(1), y = Values<T>(2);
  for (BinaryOp op : {BinaryOp::kAdd, BinaryOp::kSub, BinaryOp::kMul, BinaryOp::kDiv,
                      BinaryOp::kMin, BinaryOp::kMax}) {
    ForEachOperands(x, y, [&](Operands operands, const T* a, const T* b, int step_a, int step_b) {
      std::vector<T> z(kCount);
      GetBinary<T>().Arithmetic(op, operands)(a, b, z.data(), kCount);
      for (int i = 0; i < kCount; ++i) {
        const T p = a[i * step_a], q = b[i * step_b];
        ExpectSame<T>(z[static_cast<size_t>(i)], Wanted<T>(op, p, q), p, q);
      }
    });
  }
}

TYPED_TEST(BinaryTest, Comparisons) {
  using T = TypeParam;
  const std::vector<T> x = Values<T>(3), y = Values<T>(4);
  ForEachOperands(x, y, [&](Operands operands, const T* a, const T* b, int step_a, int step_b) {
    std::vector<uint8_t> z[kNumCompareOps];
    for (int op = 0; op < kNumCompareOps; ++op) {
      z[op].resize(kCount);
      GetBinary<T>().Compare(static_cast<CompareOp>(op), operands)(a, b, z[op].data(), kCount);
    }
    for (int i = 0; i < kCount; ++i) {
      const T p = a[i * step_a], q = b[i * step_b];
      const bool want[] = {p == q, p != q, p<q, p <= q, p> q, p >= q};
      for (int op = 0; op < kNumCompareOps; ++op) {
        EXPECT_EQ(z[op][static_cast<size_t>(i)], want[op]) << op << ": " << +p << ", " << +q;
      }
    }
  });
}

TYPED_TEST(BinaryTest, Where) {
  using T = TypeParam;
  const std::vector<T> x = Values<T>(5), y = Values<T>(6);
  const std::vector<uint8_t> condition = Values<uint8_t>(7);
  for (int scalar_x = 0; scalar_x < 2; ++scalar_x) {
    for (int scalar_y = 0; scalar_y < 2; ++scalar_y) {
      std::vector<T> z(kCount);
      GetBinary<T>().where[scalar_x][scalar_y](condition.data(), x.data(), y.data(), z.data(),
                                               kCount);
      for (size_t i = 0; i < kCount; ++i) {
        const T want = condition[i] ? x[scalar_x ? 0 : i] : y[scalar_y ? 0 : i];
        EXPECT_EQ(0, std::memcmp(&z[i], &want, sizeof want));
      }
    }
  }
}

TYPED_TEST(BinaryTest, ClampFillAndMultiplyAdd) {
  using T = TypeParam;
  const auto& k = GetBinary<T>();
  const std::vector<T> x = Values<T>(8), y = Values<T>(9), z = Values<T>(10);
  std::vector<T> clamped(kCount), filled(kCount, T(1)), axpy = y, axpby(kCount), mul_add = z;
  k.clamp(x.data(), T(1), T(5), clamped.data(), kCount);
  k.fill(T(7), filled.data(), kCount);
  k.axpy(T(3), x.data(), axpy.data(), kCount);
  k.axpby(T(3), x.data(), T(2), y.data(), axpby.data(), kCount);
  k.mul_add(x.data(), y.data(), mul_add.data(), kCount);
  auto fma = [](T a, T b, T c) {
    if constexpr (std::is_floating_point_v<T>)
      return std::fma(a, b, c);
    else
      return Wanted<T>(BinaryOp::kAdd, Wanted<T>(BinaryOp::kMul, a, b), c);
  };
  for (size_t i = 0; i < kCount; ++i) {
    const T want = x[i] < T(1) ? T(1) : x[i] > T(5) ? T(5) : x[i];
    ExpectSame<T>(clamped[i], want, x[i], x[i]);
    EXPECT_EQ(filled[i], T(7));
    ExpectSame<T>(axpy[i], fma(T(3), x[i], y[i]), x[i], y[i]);
    ExpectSame<T>(axpby[i], fma(T(3), x[i], Wanted<T>(BinaryOp::kMul, T(2), y[i])), x[i], y[i]);
    ExpectSame<T>(mul_add[i], fma(x[i], y[i], z[i]), x[i], y[i]);
  }
}

TEST(BinaryTest, IntegersDoNotTrap) {
  const int32_t lowest = std::numeric_limits<int32_t>::min();
  const int32_t x[] = {lowest, 5, -7, 7, lowest}, y[] = {-1, 0, 2, -2, 0};
  int32_t z[5];
  GetBinary<int32_t>().Arithmetic(BinaryOp::kDiv, Operands::kArrayArray)(x, y, z, 5);
  EXPECT_EQ(std::vector<int32_t>(z, z + 5), (std::vector<int32_t>{lowest, 0, -3, -3, 0}));
}

TEST(BinaryTest, IntegerPow) {
  const int64_t x[] = {3, -3, 2, -1, -1, 1, 0, 0, 2}, y[] = {4, 3, -1, -3, -2, -5, 0, -1, 64};
  int64_t z[9];
  GetBinary<int64_t>().Arithmetic(BinaryOp::kPow, Operands::kArrayArray)(x, y, z, 9);
  EXPECT_EQ(std::vector<int64_t>(z, z + 9), (std::vector<int64_t>{81, -27, 0, -1, 1, 1, 1, 0, 0}));
}

template <class T>
void CheckFloatFunctions(double ulps) {
  const std::vector<T> x = Values<T>(11), y = Values<T>(12);
  ForEachOperands(x, y, [&](Operands operands, const T* a, const T* b, int step_a, int step_b) {
    std::vector<T> pow(kCount), atan2(kCount);
    GetBinary<T>().Arithmetic(BinaryOp::kPow, operands)(a, b, pow.data(), kCount);
    GetBinary<T>().Arithmetic(BinaryOp::kAtan2, operands)(a, b, atan2.data(), kCount);
    for (int i = 0; i < kCount; ++i) {
      const T p = a[i * step_a], q = b[i * step_b];
      const T got = pow[static_cast<size_t>(i)];
      const T want = static_cast<T>(std::pow(static_cast<long double>(p), q));
      if (std::isnan(want)) {
        EXPECT_TRUE(std::isnan(got)) << p << " ^ " << q;
      } else if (got != want) {
        EXPECT_LE(std::abs(got - want), ulps * std::numeric_limits<T>::epsilon() * std::abs(want) +
                                            std::numeric_limits<T>::denorm_min())
            << p << " ^ " << q << ": " << got << ", want " << want;
      } else {
        EXPECT_EQ(std::signbit(got), std::signbit(want)) << p << " ^ " << q;
      }
      const T angle = std::atan2(p, q);
      ExpectSame(atan2[static_cast<size_t>(i)], angle, p, q);
    }
  });
}

TEST(BinaryTest, PowAndAtan2) {
  CheckFloatFunctions<float>(1);
  CheckFloatFunctions<double>(1);
}

// What a kernel of f32 gives for bf16, rounded.
bool IsRounded(BFloat16 got, float want) {
  return got.bits == ToBFloat16(want).bits || (std::isnan(ToFloat(got)) && std::isnan(want));
}

// Values as bf16, and the same in f32.
struct NarrowAndWide {
  std::vector<BFloat16> narrow;
  std::vector<float> wide;
};
NarrowAndWide Bf16Values(unsigned seed) {
  NarrowAndWide values;
  for (const float x : Values<float>(seed)) {
    values.narrow.push_back(ToBFloat16(x));
    values.wide.push_back(ToFloat(values.narrow.back()));
  }
  return values;
}

TEST(BinaryTest, Bf16IsF32RoundedOnce) {
  const NarrowAndWide x = Bf16Values(21), y = Bf16Values(22);
  const auto& narrow = GetBinary<BFloat16>();
  const auto& wide = GetBinary<float>();
  for (int op = 0; op < kNumBinaryOps; ++op) {
    for (int operands = 0; operands < kNumOperands; ++operands) {
      std::vector<BFloat16> z(kCount);
      std::vector<float> want(kCount);
      wide.arithmetic[op][operands](x.wide.data(), y.wide.data(), want.data(), kCount);
      narrow.arithmetic[op][operands](x.narrow.data(), y.narrow.data(), z.data(), kCount);
      for (size_t i = 0; i < kCount; ++i) {
        ASSERT_TRUE(IsRounded(z[i], want[i])) << op << " " << operands << ": " << want[i];
      }
    }
  }
  for (int op = 0; op < kNumCompareOps; ++op) {
    for (int operands = 0; operands < kNumOperands; ++operands) {
      std::vector<uint8_t> z(kCount), want(kCount);
      wide.compare[op][operands](x.wide.data(), y.wide.data(), want.data(), kCount);
      narrow.compare[op][operands](x.narrow.data(), y.narrow.data(), z.data(), kCount);
      EXPECT_EQ(z, want) << op << " " << operands;
    }
  }
}

TEST(BinaryTest, Bf16ParametersAreF32) {
  const NarrowAndWide x = Bf16Values(23), y = Bf16Values(24);
  const float a = .3f, b = -1.7f;
  NarrowAndWide axpy = y, axpby = y, clamp = y, products = y;
  GetBinary<float>().axpy(a, x.wide.data(), axpy.wide.data(), kCount);
  GetBinary<BFloat16>().axpy(a, x.narrow.data(), axpy.narrow.data(), kCount);
  GetBinary<float>().axpby(a, x.wide.data(), b, y.wide.data(), axpby.wide.data(), kCount);
  GetBinary<BFloat16>().axpby(a, x.narrow.data(), b, y.narrow.data(), axpby.narrow.data(), kCount);
  GetBinary<float>().clamp(x.wide.data(), b, a, clamp.wide.data(), kCount);
  GetBinary<BFloat16>().clamp(x.narrow.data(), b, a, clamp.narrow.data(), kCount);
  GetBinary<float>().mul_add(x.wide.data(), y.wide.data(), products.wide.data(), kCount);
  GetBinary<BFloat16>().mul_add(x.narrow.data(), y.narrow.data(), products.narrow.data(), kCount);
  for (size_t i = 0; i < kCount; ++i) {
    EXPECT_TRUE(IsRounded(axpy.narrow[i], axpy.wide[i])) << axpy.wide[i];
    EXPECT_TRUE(IsRounded(axpby.narrow[i], axpby.wide[i])) << axpby.wide[i];
    EXPECT_TRUE(IsRounded(clamp.narrow[i], clamp.wide[i])) << clamp.wide[i];
    EXPECT_TRUE(IsRounded(products.narrow[i], products.wide[i])) << products.wide[i];
  }
}

TEST(BinaryTest, Bf16IsSelectedAsItIs) {
  const NarrowAndWide x = Bf16Values(25), y = Bf16Values(26);
  const std::vector<uint8_t> condition = Values<uint8_t>(27);
  for (size_t scalar_x = 0; scalar_x < 2; ++scalar_x) {
    for (size_t scalar_y = 0; scalar_y < 2; ++scalar_y) {
      std::vector<BFloat16> z(kCount);
      GetBinary<BFloat16>().where[scalar_x][scalar_y](condition.data(), x.narrow.data(),
                                                      y.narrow.data(), z.data(), kCount);
      for (size_t i = 0; i < kCount; ++i) {
        const BFloat16 want =
            condition[i] != 0 ? x.narrow[scalar_x == 1 ? 0 : i] : y.narrow[scalar_y == 1 ? 0 : i];
        EXPECT_EQ(z[i].bits, want.bits);
      }
    }
  }
}

TEST(BinaryTest, Logic) {
  const std::vector<uint8_t> x = Values<uint8_t>(13), y = Values<uint8_t>(14);
  const LogicalKernels& k = GetBinaryTables().logical;
  using U8 = uint8_t;
  ForEachOperands(x, y, [&](Operands operands, const U8* a, const U8* b, int step_a, int step_b) {
    std::vector<uint8_t> z[kNumLogicalOps];
    for (int op = 0; op < kNumLogicalOps; ++op) {
      z[op].resize(kCount);
      k.logical[op][static_cast<int>(operands)](a, b, z[op].data(), kCount);
    }
    for (int i = 0; i < kCount; ++i) {
      const bool p = a[i * step_a] != 0, q = b[i * step_b] != 0;
      const auto j = static_cast<size_t>(i);
      EXPECT_EQ(z[static_cast<int>(LogicalOp::kAnd)][j], p && q);
      EXPECT_EQ(z[static_cast<int>(LogicalOp::kOr)][j], p || q);
      EXPECT_EQ(z[static_cast<int>(LogicalOp::kXor)][j], p != q);
    }
  });
  std::vector<uint8_t> z(kCount);
  k.logical_not(x.data(), z.data(), kCount);
  for (size_t i = 0; i < kCount; ++i) EXPECT_EQ(z[i], x[i] == 0);
}

// Pieces of an array, at any alignment and in place, give the bytes of the whole; nothing outside
// is written.
TYPED_TEST(BinaryTest, SameBytesAtAnyPositionAndInPlace) {
  using T = TypeParam;
  const std::vector<T> x = Values<T>(15), y = Values<T>(16);
  for (int op = 0; op < kNumBinaryOps; ++op) {
    const auto f = GetBinary<T>().Arithmetic(static_cast<BinaryOp>(op), Operands::kArrayArray);
    if (f == nullptr) {
      EXPECT_TRUE(!std::is_floating_point_v<T> && static_cast<BinaryOp>(op) == BinaryOp::kAtan2);
      continue;
    }
    std::vector<T> whole(kCount);
    f(x.data(), y.data(), whole.data(), kCount);
    for (int n = 0; n < 70; ++n) {
      const int start = n % 5;
      std::vector<T> piece(x.begin() + start, x.begin() + start + n + 1);
      f(piece.data(), y.data() + start, piece.data(), n);
      const size_t bytes = static_cast<size_t>(n) * sizeof(T);
      EXPECT_EQ(0, std::memcmp(piece.data(), whole.data() + start, bytes)) << op << " " << n;
      EXPECT_EQ(0, std::memcmp(&piece[static_cast<size_t>(n)], &x[static_cast<size_t>(start + n)],
                               sizeof(T)));
    }
  }
}

}  // namespace
}  // namespace autograd::kernels
