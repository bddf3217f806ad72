// Conversions between types and layouts, one element at a time.
#include "autograd/kernels/convert.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

namespace autograd::kernels {
namespace {

// Every pattern of the upper half with a few lower halves: all exponents, ties, NaNs with low bits
// only.
std::vector<float> Floats() {
  std::vector<float> values;
  for (uint32_t high = 0; high < 0x10000; ++high) {
    for (uint32_t low : {0u, 1u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu}) {
      const uint32_t bits = (high << 16) | low;
      float x;
      std::memcpy(&x, &bits, sizeof x);
      values.push_back(x);
    }
  }
  return values;
}

float FromBf16(uint16_t bits) {
  const uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float x;
  std::memcpy(&x, &wide, sizeof x);
  return x;
}

TEST(Cast, F32ToBf16RoundsToNearestEvenAndKeepsNan) {
  const std::vector<float> x = Floats();
  std::vector<uint16_t> y(x.size());
  GetCast(CastType::kF32, CastType::kBf16)(x.data(), y.data(), static_cast<int64_t>(x.size()));
  for (size_t i = 0; i < x.size(); ++i) {
    const float got = FromBf16(y[i]);
    if (std::isnan(x[i])) {
      ASSERT_TRUE(std::isnan(got));
      continue;
    }
    ASSERT_EQ(std::signbit(got), std::signbit(x[i]));
    // The two neighbours of x among the bf16 numbers, the one beyond the largest counting as 2^128.
    uint32_t bits;
    std::memcpy(&bits, &x[i], sizeof bits);
    const auto value = [](uint16_t b) {
      return std::isinf(FromBf16(b)) ? std::copysign(0x1p128, FromBf16(b)) : FromBf16(b);
    };
    const auto down = static_cast<uint16_t>(bits >> 16), up = static_cast<uint16_t>(down + 1);
    if ((bits & 0xffffu) == 0) {
      ASSERT_EQ(y[i], down);
      continue;
    }
    const double below = std::abs(x[i] - value(down)), above = std::abs(x[i] - value(up));
    const uint16_t even = down % 2 == 0 ? down : up;
    ASSERT_EQ(y[i], below < above ? down : above < below ? up : even) << x[i];
  }
}

TEST(Cast, Bf16ToF32IsExact) {
  std::vector<uint16_t> x(0x10000);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<uint16_t>(i);
  std::vector<float> y(x.size());
  GetCast(CastType::kBf16, CastType::kF32)(x.data(), y.data(), 0x10000);
  for (size_t i = 0; i < x.size(); ++i) {
    const float want = FromBf16(x[i]);
    ASSERT_EQ(0, std::memcmp(&y[i], &want, sizeof want));
  }
}

template <class T>
constexpr CastType kType = std::is_same_v<T, float>     ? CastType::kF32
                           : std::is_same_v<T, double>  ? CastType::kF64
                           : std::is_same_v<T, int32_t> ? CastType::kI32
                           : std::is_same_v<T, int64_t> ? CastType::kI64
                                                        : CastType::kU8;

template <class T>
std::vector<T> Values() {
  using L = std::numeric_limits<T>;
  std::vector<T> values = {T(0),   T(1),   T(2),     T(100),      T(127),          T(128),
                           T(200), T(255), L::max(), L::lowest(), T(L::max() / 2), T(L::max() / 3)};
  if constexpr (std::is_signed_v<T>) {
    for (T x : {T(-1), T(-2), T(-128), T(-200)}) values.push_back(x);
  }
  if constexpr (std::is_floating_point_v<T>) {
    for (double x : {0.5, -0.5, 0.999, 1.5, 255.5, 256.0, 300.0, 2147483647.0, 2147483648.0,
                     -2147483648.0, -2147483904.0, 2147483520.0, 9223372036854775808.0,
                     9.2233714e18, -9223372036854775808.0, 1e300, -1e300, 1e-300}) {
      values.push_back(static_cast<T>(x));
    }
    values.insert(values.end(), {L::infinity(), -L::infinity(), L::quiet_NaN(), T(-0.0)});
  } else {
    values.push_back(static_cast<T>((int64_t{1} << 53) + 1));
    values.push_back(static_cast<T>((int64_t{1} << 24) + 1));
  }
  // Long enough for the vector loop to see each.
  std::vector<T> repeated;
  for (int i = 0; i < 5; ++i) repeated.insert(repeated.end(), values.begin(), values.end());
  return repeated;
}

template <class From, class To>
To Wanted(From x) {
  if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    if (std::isnan(x)) return 0;
    const long double whole = std::trunc(static_cast<long double>(x));
    if (whole >= static_cast<long double>(std::numeric_limits<To>::max())) {
      return std::numeric_limits<To>::max();
    }
    if (whole <= static_cast<long double>(std::numeric_limits<To>::min())) {
      return std::numeric_limits<To>::min();
    }
    return static_cast<To>(whole);
  } else {
    return static_cast<To>(x);
  }
}

template <class From, class To>
void CheckPair() {
  const std::vector<From> x = Values<From>();
  for (size_t n : {x.size(), size_t{0}, size_t{1}, size_t{13}}) {
    std::vector<To> y(x.size() + 1, To(99));
    GetCast(kType<From>, kType<To>)(x.data(), y.data(), static_cast<int64_t>(n));
    EXPECT_EQ(y[n], To(99));
    for (size_t i = 0; i < n; ++i) {
      const To want = Wanted<From, To>(x[i]);
      if (want == want) {
        EXPECT_EQ(y[i], want) << +x[i];
      } else {
        EXPECT_NE(y[i], y[i]) << +x[i];
      }
    }
  }
}

template <class From>
void CheckFrom() {
  CheckPair<From, float>();
  CheckPair<From, double>();
  CheckPair<From, int32_t>();
  CheckPair<From, int64_t>();
  CheckPair<From, uint8_t>();
  // To bool, and to bf16 by way of f32.
  const std::vector<From> x = Values<From>();
  const auto n = static_cast<int64_t>(x.size());
  std::vector<uint8_t> truth(x.size());
  GetCast(kType<From>, CastType::kBool)(x.data(), truth.data(), n);
  std::vector<float> narrow(x.size());
  std::vector<uint16_t> got(x.size()), want(x.size());
  GetCast(kType<From>, CastType::kF32)(x.data(), narrow.data(), n);
  GetCast(CastType::kF32, CastType::kBf16)(narrow.data(), want.data(), n);
  GetCast(kType<From>, CastType::kBf16)(x.data(), got.data(), n);
  for (size_t i = 0; i < x.size(); ++i) {
    EXPECT_EQ(truth[i], x[i] != 0) << +x[i];
    // Which NaN it is does not matter.
    EXPECT_TRUE(got[i] == want[i] || narrow[i] != narrow[i]) << +x[i];
  }
}

TEST(Cast, AllPairs) {
  CheckFrom<float>();
  CheckFrom<double>();
  CheckFrom<int32_t>();
  CheckFrom<int64_t>();
  CheckFrom<uint8_t>();
}

// From bf16 and bool by way of f32 and u8.
TEST(Cast, FromBf16AndBool) {
  std::vector<uint16_t> x(0x10000);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<uint16_t>(i);
  std::vector<float> wide(x.size());
  GetCast(CastType::kBf16, CastType::kF32)(x.data(), wide.data(), 0x10000);
  std::vector<int32_t> got(x.size()), want(x.size());
  GetCast(CastType::kBf16, CastType::kI32)(x.data(), got.data(), 0x10000);
  GetCast(CastType::kF32, CastType::kI32)(wide.data(), want.data(), 0x10000);
  EXPECT_EQ(got, want);
  const uint8_t truth[3] = {0, 1, 1};
  double numbers[3];
  GetCast(CastType::kBool, CastType::kF64)(truth, numbers, 3);
  EXPECT_EQ(numbers[0], 0);
  EXPECT_EQ(numbers[1], 1);
}

template <class T>
void CheckCopy(int64_t rows, int64_t columns, int64_t src_row, int64_t src_column, int64_t dst_row,
               int64_t dst_column) {
  // The farthest elements either way.
  auto low = [&](int64_t row, int64_t column) {
    return std::min<int64_t>(0, (rows - 1) * row) + std::min<int64_t>(0, (columns - 1) * column);
  };
  auto span = [&](int64_t row, int64_t column) {
    return static_cast<size_t>((rows - 1) * std::abs(row) + (columns - 1) * std::abs(column) + 1);
  };
  std::vector<T> src(span(src_row, src_column)), dst(span(dst_row, dst_column) + 1, T(7));
  for (size_t i = 0; i < src.size(); ++i) src[i] = static_cast<T>(i * 31 + 1);
  const T* from = src.data() - low(src_row, src_column);
  std::vector<T> want = dst;
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      want[static_cast<size_t>(i * dst_row + j * dst_column)] = from[i * src_row + j * src_column];
    }
  }
  GetConvertKernels().strided_copy(from, src_row, src_column, dst.data(), dst_row, dst_column, rows,
                                   columns, sizeof(T));
  EXPECT_EQ(dst, want) << rows << "x" << columns << " from " << src_row << "," << src_column
                       << " to " << dst_row << "," << dst_column << ", size " << sizeof(T);
}

template <class T>
void CheckCopies() {
  for (int64_t rows : {1, 2, 7, 16, 17, 33, 64}) {
    for (int64_t columns : {1, 3, 8, 16, 31, 50}) {
      CheckCopy<T>(rows, columns, columns, 1, columns, 1);          // contiguous
      CheckCopy<T>(rows, columns, columns + 5, 1, columns + 2, 1);  // rows apart
      CheckCopy<T>(rows, columns, columns, 1, 1, rows);             // transposed
      CheckCopy<T>(rows, columns, 1, rows + 3, columns + 1, 1);     // transposed the other way
      CheckCopy<T>(rows, columns, 1, rows, 1, rows + 1);            // both column by column
      CheckCopy<T>(rows, columns, 0, 1, columns, 1);                // a row repeated
      CheckCopy<T>(rows, columns, 1, 0, columns, 1);                // a column repeated
      CheckCopy<T>(rows, columns, 0, 0, columns, 1);                // an element repeated
      CheckCopy<T>(rows, columns, -columns, 1, columns, 1);         // flipped
      CheckCopy<T>(rows, columns, columns, -1, columns, 1);
      CheckCopy<T>(rows, columns, 2 * columns, 2, 3 * columns, 3);  // every other
      CheckCopy<T>(rows, columns, 2, 3 * rows, 1, rows);
    }
  }
}

TEST(StridedCopy, MovesEveryElementOnce) {
  CheckCopies<uint8_t>();
  CheckCopies<uint16_t>();
  CheckCopies<uint32_t>();
  CheckCopies<uint64_t>();
}

TEST(StridedCopy, Empty) {
  float x = 1, y = 2;
  GetConvertKernels().strided_copy(&x, 1, 1, &y, 1, 1, 0, 5, 4);
  GetConvertKernels().strided_copy(&x, 1, 1, &y, 1, 1, 5, 0, 4);
  EXPECT_EQ(y, 2);
}

}  // namespace
}  // namespace autograd::kernels
