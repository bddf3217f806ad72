// The emulation of AMX's tiles, against values worked out by hand and a plain product.
#include "autograd/kernels/amx_tile.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <limits>
#include <vector>

namespace autograd::kernels {
namespace {

uint16_t Bf16(float x) { return static_cast<uint16_t>(std::bit_cast<uint32_t>(x) >> 16); }

// Tiles of A [16, 32] and B as [pair, column, 2], all zeros at first.
struct Operands {
  std::vector<uint16_t> a = std::vector<uint16_t>(kTileRows * kTileDepth);
  std::vector<uint16_t> b = std::vector<uint16_t>(kTileDepth * kTileCols);

  void SetA(int i, int p, float x) { a[static_cast<size_t>(i * kTileDepth + p)] = Bf16(x); }
  void SetB(int p, int j, float x) {
    b[static_cast<size_t>((p / 2 * kTileCols + j) * 2 + p % 2)] = Bf16(x);
  }
  // C + A B at (0, 0), where all of C was `c`.
  float FirstSum(float c) const {
    std::vector<float> sums(kTileRows * kTileCols, c);
    ConfigureTiles();
    LoadTile<0>(sums.data(), kTileBytes);
    LoadTile<4>(a.data(), kTileBytes);
    LoadTile<6>(b.data(), kTileBytes);
    DotTiles<0, 4, 6>();
    StoreTile<0>(sums.data(), kTileBytes);
    ReleaseTiles();
    return sums[0];
  }
};

TEST(AmxTile, BlocksOfSumsAreProducts) {
  // Small integers: every sum is exact.
  constexpr int kDepth = 64, kStride = 3 * 32;
  std::vector<uint16_t> a(2 * kTileRows * kStride), b(2 * kDepth * kTileCols);
  const auto left = [](int i, int p) { return static_cast<float>((i * 7 + p * 3) % 11 - 5); };
  const auto right = [](int p, int j) { return static_cast<float>((p * 5 + j * 2) % 13 - 6); };
  for (int i = 0; i < 2 * kTileRows; ++i) {
    for (int p = 0; p < kDepth; ++p) a[static_cast<size_t>(i * kStride + p)] = Bf16(left(i, p));
  }
  for (int p = 0; p < kDepth; ++p) {
    for (int j = 0; j < 2 * kTileCols; ++j) {
      const int tile = p / kTileDepth * 2 + j / kTileCols;
      const int pair = p % kTileDepth / 2;
      b[static_cast<size_t>(((tile * 16 + pair) * kTileCols + j % kTileCols) * 2 + p % 2)] =
          Bf16(right(p, j));
    }
  }
  constexpr int kRowBytes = 2 * kStride, kBlockBytes = kTileRows * kTileBytes;
  const auto* rows = reinterpret_cast<const char*>(a.data());
  const auto* tiles = reinterpret_cast<const char*>(b.data());
  std::vector<float> sums(4 * kTileRows * kTileCols, -1.0f);
  ConfigureTiles();
  ZeroSums<2, 2>();
  for (int step = 0; step < 2; ++step) {
    AddProducts<2, 2>({rows + step * kTileBytes, kRowBytes, kTileRows * kRowBytes},
                      {tiles + 2 * step * kBlockBytes, kTileBytes, kBlockBytes});
  }
  StoreSums<2, 2>(sums.data(), 2 * kTileCols);
  ReleaseTiles();
  for (int i = 0; i < 2 * kTileRows; ++i) {
    for (int j = 0; j < 2 * kTileCols; ++j) {
      float expected = 0;
      for (int p = 0; p < kDepth; ++p) expected += left(i, p) * right(p, j);
      EXPECT_EQ(sums[static_cast<size_t>(i * 2 * kTileCols + j)], expected) << i << ", " << j;
    }
  }
}

TEST(AmxTile, EvenAndOddElementsAreAddedUpApartFromEachOtherAndFromC) {
  Operands x;
  for (int p = 0; p < kTileDepth; ++p) x.SetB(p, 0, 1);
  x.SetA(0, 0, 0x1p24f);
  x.SetA(0, 1, 1);
  x.SetA(0, 3, 1);
  EXPECT_EQ(x.FirstSum(0), 0x1p24f + 2);
  // Onto the even sum 1 + 1 would be lost, one at a time.
  Operands y;
  for (int p = 0; p < kTileDepth; ++p) y.SetB(p, 0, 1);
  y.SetA(0, 0, 0x1p24f);
  y.SetA(0, 2, 1);
  y.SetA(0, 4, 1);
  EXPECT_EQ(y.FirstSum(0), 0x1p24f);
  // C comes last: two ones reach it together.
  Operands z;
  for (int p = 0; p < kTileDepth; ++p) z.SetB(p, 0, 1);
  z.SetA(0, 0, 1);
  z.SetA(0, 2, 1);
  EXPECT_EQ(z.FirstSum(0x1p24f), 0x1p24f + 2);
}

TEST(AmxTile, DenormalsAreZero) {
  Operands input;
  input.SetA(0, 0, 0x1p-130f);
  input.SetB(0, 0, 0x1p100f);
  EXPECT_EQ(input.FirstSum(0), 0.0f);
  Operands output;
  output.SetA(0, 0, 0x1p-70f);
  output.SetB(0, 0, 0x1p-70f);
  EXPECT_EQ(output.FirstSum(0), 0.0f);
  EXPECT_EQ(Operands().FirstSum(0x1p-130f), 0.0f);
}

TEST(AmxTile, NotANumberComesThrough) {
  Operands x;
  x.SetA(0, 0, std::numeric_limits<float>::quiet_NaN());
  EXPECT_TRUE(x.FirstSum(0) != x.FirstSum(0));
}

TEST(AmxTile, FewerRowsTouchNoMoreMemory) {
  constexpr int kRows = 3;
  TileConfig config = FullTiles();
  config.rows[0] = config.rows[4] = kRows;
  std::vector<uint16_t> a(kRows * kTileDepth, Bf16(1)), b(kTileDepth * kTileCols, Bf16(2));
  std::vector<float> sums(kRows * kTileCols + 1, -1.0f);
  ConfigureTiles(config);
  ZeroTile<0>();
  LoadTile<4>(a.data(), kTileBytes);
  LoadTile<6>(b.data(), kTileBytes);
  DotTiles<0, 4, 6>();
  StoreTile<0>(sums.data(), kTileBytes);
  ReleaseTiles();
  for (size_t i = 0; i + 1 < sums.size(); ++i) EXPECT_EQ(sums[i], 2.0f * kTileDepth);
  EXPECT_EQ(sums.back(), -1.0f);
}

TEST(AmxTileDeathTest, TilesWithoutAConfigurationOrOfOtherSizesStopTheProgram) {
  EXPECT_DEATH(ZeroTile<0>(), "");
  const auto multiply = [] {
    TileConfig config = FullTiles();
    config.rows[4] = 3;
    ConfigureTiles(config);
    DotTiles<0, 4, 6>();
  };
  EXPECT_DEATH(multiply(), "");
}

}  // namespace
}  // namespace autograd::kernels
