// The AMX table of bf16 products, compiled with emulated tiles, block by block against sums in f64;
// and with the processor's tiles, where it has them.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <tuple>
#include <vector>

#include "autograd/bfloat16.h"
#include "autograd/kernels/gemm_bf16_kernels.h"
#include "tests/autograd/kernels/needs_isa.h"

namespace autograd::kernels {
namespace {

const GemmBf16Kernels& Table() { return kGemmBf16AmxEmulated; }

void Multiply(const GemmBf16Block& block, const GemmBf16Kernels& table = Table()) {
  table.begin();
  table.multiply(block);
  table.end();
}

int64_t RoundUp(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }

float Widen(BFloat16 x) { return std::bit_cast<float>(uint32_t{x.bits} << 16); }

// 2 bits more than bf16 keeps, so that rounding b shows.
float Value(int64_t seed) {
  const uint64_t mixed = static_cast<uint64_t>(seed + 1) * 0x9e3779b97f4a7c15u;
  return static_cast<float>(static_cast<int64_t>(mixed >> 54) - 512) / 256.0f;
}

BFloat16 Round(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  return {static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}

template <class T>
T Element(float x) {
  if constexpr (sizeof(T) == sizeof(float)) {
    return x;
  } else {
    return Round(x);
  }
}

float Rounded(float x) { return Widen(Round(x)); }
float Rounded(BFloat16 x) { return Widen(x); }

// 64-byte aligned; AddressSanitizer watches both ends.
template <class T>
struct Aligned {
  explicit Aligned(int64_t n) : size(n) {
    data =
        static_cast<T*>(::operator new(static_cast<size_t>(n) * sizeof(T), std::align_val_t(64)));
    std::memset(static_cast<void*>(data), 0xff, static_cast<size_t>(n) * sizeof(T));
  }
  ~Aligned() { ::operator delete(data, std::align_val_t(64)); }
  Aligned(const Aligned&) = delete;
  Aligned& operator=(const Aligned&) = delete;
  int64_t size;
  T* data;
};

enum class Layout { kRows, kColumns, kSpread };

// [rows, columns] in one of the layouts.
template <class T>
struct Matrix {
  Matrix(int64_t rows, int64_t columns, Layout layout, int64_t seed)
      : row_stride(layout == Layout::kRows      ? columns
                   : layout == Layout::kColumns ? 1
                                                : 3),
        col_stride(layout == Layout::kRows      ? 1
                   : layout == Layout::kColumns ? rows
                                                : 3 * rows + 2),
        values(rows * row_stride + columns * col_stride) {
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < columns; ++j) {
        values.data[i * row_stride + j * col_stride] = Element<T>(Value(seed + i * columns + j));
      }
    }
  }
  T At(int64_t i, int64_t j) const { return values.data[i * row_stride + j * col_stride]; }
  int64_t row_stride, col_stride;
  Aligned<T> values;
};

// What a product is of, and how its operands lie.
struct Shape {
  int64_t m, n, k;
  Layout a, b;
};

std::vector<Shape> Shapes() {
  const std::vector<std::tuple<int64_t, int64_t, int64_t>> sizes = {
      {1, 1, 1},    {1, 64, 128},  {16, 16, 32},  {17, 17, 33},  {32, 32, 64},
      {33, 48, 31}, {49, 192, 64}, {64, 10, 384}, {100, 65, 96}, {5, 33, 7}};
  std::vector<Shape> shapes;
  for (const auto& [m, n, k] : sizes) {
    for (Layout a : {Layout::kRows, Layout::kColumns, Layout::kSpread}) {
      for (Layout b : {Layout::kRows, Layout::kColumns, Layout::kSpread}) {
        shapes.push_back({m, n, k, a, b});
      }
    }
  }
  return shapes;
}

::testing::Message Name(const Shape& s) {
  return ::testing::Message() << s.m << " x " << s.n << " x " << s.k << " layouts "
                              << static_cast<int>(s.a) << static_cast<int>(s.b);
}

// By a table's functions; added to 2 if wanted.
template <class T>
std::vector<float> Product(const GemmBf16Kernels& table, const Shape& s, const Matrix<BFloat16>& a,
                           const Matrix<T>& b, bool accumulate) {
  const int64_t m = s.m, n = s.n, k = s.k;
  const int64_t depth = RoundUp(k, table.k_multiple);
  const int64_t rows = RoundUp(m, table.rows), cols = RoundUp(n, table.cols);
  const Aligned<BFloat16> packed_a(rows * depth), packed_b(cols * depth);
  if constexpr (sizeof(T) == sizeof(float)) {
    table.pack_b_f32(k, n, b.values.data, b.row_stride, b.col_stride, packed_b.data);
  } else {
    table.pack_b(k, n, b.values.data, b.row_stride, b.col_stride, packed_b.data);
  }
  GemmBf16Block x;
  x.m = m;
  x.n = n;
  x.k = depth;
  x.a_packed = k != depth || !table.reads_a(a.values.data, a.row_stride, a.col_stride);
  x.a_row_stride = a.row_stride;
  x.a = a.values.data;
  if (x.a_packed) {
    table.pack_a(m, k, a.values.data, a.row_stride, a.col_stride, packed_a.data);
    x.a = packed_a.data;
  }
  x.b = packed_b.data;
  const Aligned<float> c(rows * cols);
  for (int64_t i = 0; i < c.size; ++i) c.data[i] = 2;
  x.c = c.data;
  x.c_row_stride = cols;
  x.accumulate = accumulate;
  Multiply(x, table);
  std::vector<float> product;
  for (int64_t i = 0; i < m; ++i) {
    product.insert(product.end(), c.data + i * cols, c.data + i * cols + n);
  }
  return product;
}

using AmxGemm = testing::NeedsAvx512Bf16;

template <class T>
void ExpectProduct(const Shape& s, bool accumulate) {
  SCOPED_TRACE(Name(s) << (accumulate ? " accumulated" : ""));
  const Matrix<BFloat16> a(s.m, s.k, s.a, 1);
  const Matrix<T> b(s.k, s.n, s.b, 77);
  const auto product = Product(Table(), s, a, b, accumulate);
  for (int64_t i = 0; i < s.m; ++i) {
    for (int64_t j = 0; j < s.n; ++j) {
      double sum = accumulate ? 2 : 0, size = 2;
      for (int64_t p = 0; p < s.k; ++p) {
        const double one = double{Widen(a.At(i, p))} * double{Rounded(b.At(p, j))};
        sum += one;
        size += std::abs(one);
      }
      ASSERT_NEAR(product[static_cast<size_t>(i * s.n + j)], sum, 1e-6 * size) << i << ", " << j;
    }
  }
}

TEST_F(AmxGemm, BlocksOfAllShapes) {
  for (const Shape& s : Shapes()) {
    ExpectProduct<BFloat16>(s, false);
    ExpectProduct<float>(s, true);
  }
}

using AmxGemmTiles = testing::NeedsAmx;

TEST_F(AmxGemmTiles, ComputeWhatTheirEmulationDoes) {
  for (const Shape& s : Shapes()) {
    const Matrix<BFloat16> a(s.m, s.k, s.a, 1);
    const Matrix<float> b(s.k, s.n, s.b, 77);
    for (const bool accumulate : {false, true}) {
      EXPECT_EQ(Product(kGemmBf16Amx, s, a, b, accumulate), Product(Table(), s, a, b, accumulate))
          << Name(s);
    }
  }
}

TEST_F(AmxGemm, ReadsWholeAlignedRowsWhereTheyAre) {
  const Aligned<BFloat16> a(64);
  EXPECT_TRUE(Table().reads_a(a.data, 64, 1));
  EXPECT_TRUE(Table().reads_a(a.data, 192, 1));
  EXPECT_FALSE(Table().reads_a(a.data, 1, 64)) << "columns";
  EXPECT_FALSE(Table().reads_a(a.data, 65, 1)) << "rows across cache lines";
  EXPECT_FALSE(Table().reads_a(a.data + 1, 64, 1)) << "rows across cache lines";
  EXPECT_FALSE(Table().reads_a(a.data, 2048, 1)) << "rows in the same sets of the cache";
}

TEST_F(AmxGemm, AnElementDependsOnItsRowAndColumnOnly) {
  // The last row and column of a product, and the product of them alone.
  constexpr int64_t kM = 50, kN = 40, kK = 96;
  const Matrix<BFloat16> a(kM, kK, Layout::kRows, 5);
  const Matrix<BFloat16> b(kK, kN, Layout::kRows, 9);
  const auto last = [&](int64_t m, int64_t n) {
    const Aligned<BFloat16> packed(RoundUp(n, Table().cols) * kK);
    Table().pack_b(kK, n, b.values.data + kN - n, kN, 1, packed.data);
    const int64_t cols = RoundUp(n, Table().cols);
    const Aligned<float> c(RoundUp(m, Table().rows) * cols);
    Multiply(
        {m, n, kK, a.values.data + (kM - m) * kK, false, kK, packed.data, c.data, cols, false});
    return std::bit_cast<uint32_t>(c.data[(m - 1) * cols + n - 1]);
  };
  const uint32_t expected = last(1, 1);
  for (int64_t m : {int64_t{2}, int64_t{17}, int64_t{33}, kM}) {
    for (int64_t n : {int64_t{1}, int64_t{16}, int64_t{17}, int64_t{33}, kN}) {
      EXPECT_EQ(last(m, n), expected) << m << " x " << n;
    }
  }
}

TEST_F(AmxGemm, NotANumberStaysInItsRowAndColumn) {
  constexpr int64_t kM = 18, kN = 20, kK = 5;
  Matrix<BFloat16> a(kM, kK, Layout::kRows, 5);
  const Matrix<float> b(kK, kN, Layout::kRows, 9);
  a.values.data[3 * kK + 4] = Round(std::numeric_limits<float>::infinity());
  b.values.data[2 * kN + 7] = std::numeric_limits<float>::quiet_NaN();
  const Aligned<BFloat16> packed_a(32 * 32), packed_b(32 * 32);
  Table().pack_a(kM, kK, a.values.data, kK, 1, packed_a.data);
  Table().pack_b_f32(kK, kN, b.values.data, kN, 1, packed_b.data);
  const Aligned<float> c(32 * 32);
  Multiply({kM, kN, 32, packed_a.data, true, 0, packed_b.data, c.data, 32, false});
  for (int64_t i = 0; i < kM; ++i) {
    for (int64_t j = 0; j < kN; ++j) {
      EXPECT_EQ(std::isfinite(c.data[i * 32 + j]), i != 3 && j != 7) << i << ", " << j;
    }
  }
}

}  // namespace
}  // namespace autograd::kernels
