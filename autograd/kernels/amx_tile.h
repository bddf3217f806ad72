// The tile registers of AMX: eight matrices of 16 rows of 64 bytes, and one instruction that
// multiplies them. What the kernels of bf16 need of it, as templates on the numbers of tiles.
//
//   ConfigureTiles();                      // once a parallel task: with ReleaseTiles, 54 ns
//   ZeroTile<0>();
//   LoadTile<4>(a, a_stride);              // 16 rows of 32 bf16
//   LoadTile<6>(b, 64);                    // 16 pairs of rows of B: [pair][column][2]
//   DotTiles<0, 4, 6>();                   // C[16][16] += A[16][32] B[32][16] in f32
//   StoreTile<0>(sums, 64);
//   ReleaseTiles();
//
// The same source compiles without AMX: with AUTOGRAD_EMULATE_AMX defined, tiles are arrays and the
// operations loops. kernel_library compiles every file of "amx" that way a second time, for tests
// on processors without tiles; AUTOGRAD_AMX_NAME renames what such a file exports. The emulation
// stops the program (SIGILL, as the processor does) where tiles are used without a configuration or
// their sizes do not fit each other.
//
// Figures behind the sizes of blocks (Intel's optimisation manual and the project's measurements):
// a product takes 16 cycles, its result is there after 52, so four sums must alternate; a tile is
// loaded in 8 cycles from the first-level cache where each row lies in one cache line, and in
// several times that where rows cross lines. 2 x 2 tiles of sums load four tiles for four products:
// 32 cycles of loads under 64 of products. Products of fewer than 16 rows take as long as full
// ones. A row stride of an odd number of cache lines spreads the rows over the cache's sets.
//
// The kernel saves tiles only for processes that asked for it: isa.cc asks before Isa::kAmx is ever
// reported. The permission is the whole process's, whichever thread asked.
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_AMX_TILE_H_
#define AUTOGRAD_KERNELS_AMX_TILE_H_

#include <stdint.h>

#ifdef AUTOGRAD_EMULATE_AMX
#define AUTOGRAD_AMX_NAME(name) name##Emulated
#else
#define AUTOGRAD_AMX_NAME(name) name
#endif

namespace autograd::kernels {
namespace {

constexpr int kTiles = 8;
constexpr int kTileRows = 16;
constexpr int kTileBytes = 64;  // of a row
constexpr int kTileCols = 16;   // f32 in a row: columns of a product
constexpr int kTileDepth = 32;  // bf16 in a row: what one product adds up

// What LDTILECFG reads.
struct alignas(64) TileConfig {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};
};
static_assert(sizeof(TileConfig) == 64);

constexpr TileConfig FullTiles() {
  TileConfig config;
  for (int t = 0; t < kTiles; ++t) {
    config.row_bytes[t] = kTileBytes;
    config.rows[t] = kTileRows;
  }
  return config;
}

#ifdef AUTOGRAD_EMULATE_AMX

struct EmulatedTiles {
  TileConfig config = {0};
  alignas(64) uint32_t data[kTiles][kTileRows][kTileCols] = {};
};
thread_local constinit EmulatedTiles emulated_tiles;

// Rows of a tile in use.
inline int UsableRows(int tile) {
  const EmulatedTiles& tiles = emulated_tiles;
  if (tiles.config.palette != 1 || tiles.config.rows[tile] == 0) __builtin_trap();
  return tiles.config.rows[tile];
}

inline void ConfigureTiles(const TileConfig& config) {
  emulated_tiles.config = config;
  __builtin_memset(emulated_tiles.data, 0, sizeof(emulated_tiles.data));
}

inline void ReleaseTiles() { emulated_tiles.config.palette = 0; }

template <int kTile>
void ZeroTile() {
  UsableRows(kTile);
  __builtin_memset(emulated_tiles.data[kTile], 0, sizeof(emulated_tiles.data[kTile]));
}

template <int kTile>
void LoadTile(const void* rows, int64_t stride) {
  const int count = UsableRows(kTile);
  const auto bytes = emulated_tiles.config.row_bytes[kTile];
  ZeroTile<kTile>();
  for (int i = 0; i < count; ++i) {
    __builtin_memcpy(emulated_tiles.data[kTile][i], static_cast<const char*>(rows) + i * stride,
                     bytes);
  }
}

template <int kTile>
void StoreTile(void* rows, int64_t stride) {
  const int count = UsableRows(kTile);
  const auto bytes = emulated_tiles.config.row_bytes[kTile];
  for (int i = 0; i < count; ++i) {
    __builtin_memcpy(static_cast<char*>(rows) + i * stride, emulated_tiles.data[kTile][i], bytes);
  }
}

// Zero for denormals, whatever MXCSR says.
inline float FlushDenormal(float x) {
  const uint32_t bits = __builtin_bit_cast(uint32_t, x);
  return __builtin_bit_cast(float, bits & 0x7f800000u ? bits : bits & 0x80000000u);
}

inline float LowerBf16(uint32_t pair) {
  return FlushDenormal(__builtin_bit_cast(float, pair << 16));
}
inline float UpperBf16(uint32_t pair) {
  return FlushDenormal(__builtin_bit_cast(float, pair & 0xffff0000u));
}

// After Intel's pseudo code of TDPBF16PS (Software Developer's Manual, volume 2): one sum of the
// even and one of the odd elements, rounded at each step, then both together, then onto C.
inline void EmulateDot(int c, int a, int b) {
  EmulatedTiles& tiles = emulated_tiles;
  const int rows = UsableRows(c), pairs = UsableRows(b);
  if (UsableRows(a) != rows || tiles.config.row_bytes[a] != 4 * pairs ||
      tiles.config.row_bytes[b] != tiles.config.row_bytes[c]) {
    __builtin_trap();
  }
  for (int i = 0; i < rows; ++i) {
    float even[kTileCols] = {}, odd[kTileCols] = {};
    for (int p = 0; p < pairs; ++p) {
      const uint32_t pair = tiles.data[a][i][p];
      const float lower = LowerBf16(pair), upper = UpperBf16(pair);
      const uint32_t* right = tiles.data[b][p];
      for (int j = 0; j < kTileCols; ++j) {
        even[j] = FlushDenormal(__builtin_fmaf(lower, LowerBf16(right[j]), even[j]));
        odd[j] = FlushDenormal(__builtin_fmaf(upper, UpperBf16(right[j]), odd[j]));
      }
    }
    uint32_t* sums = tiles.data[c][i];
    for (int j = 0; j < kTileCols; ++j) {
      const float sum = FlushDenormal(__builtin_bit_cast(float, sums[j]));
      sums[j] = __builtin_bit_cast(uint32_t, FlushDenormal(sum + FlushDenormal(even[j] + odd[j])));
    }
  }
}

template <int kC, int kA, int kB>
void DotTiles() {
  static_assert(kC != kA && kC != kB && kA != kB, "three different tiles");
  EmulateDot(kC, kA, kB);
}

#else  // AUTOGRAD_EMULATE_AMX

// Statements of our own instead of gcc 12's intrinsics. Those paste the text of their argument into
// the instruction, which cannot be a template's parameter; they do not tell the compiler that
// memory is read, so stores to the configuration or to a packed copy may move behind them or vanish
// (`asm volatile("" ::: "memory")` before _tile_loadconfig is the other way out).
inline void ConfigureTiles(const TileConfig& config) {
  asm volatile("ldtilecfg %0" : : "m"(config));
}

inline void ReleaseTiles() { asm volatile("tilerelease" : : : "memory"); }

template <int kTile>
[[gnu::always_inline]] inline void ZeroTile() {
  asm volatile("tilezero %%tmm%c0" : : "i"(kTile));
}

template <int kTile>
[[gnu::always_inline]] inline void LoadTile(const void* rows, int64_t stride) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(rows), "r"(stride), "i"(kTile) : "memory");
}

template <int kTile>
[[gnu::always_inline]] inline void StoreTile(void* rows, int64_t stride) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(rows), "r"(stride), "i"(kTile) : "memory");
}

template <int kC, int kA, int kB>
[[gnu::always_inline]] inline void DotTiles() {
  static_assert(kC != kA && kC != kB && kA != kB, "three different tiles");
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kC), "i"(kA), "i"(kB));
}

#endif  // AUTOGRAD_EMULATE_AMX

// All tiles of 16 rows of 64 bytes.
inline void ConfigureTiles() {
  static constexpr TileConfig kConfig = FullTiles();
  ConfigureTiles(kConfig);
}

// For blocks (see below) whose first row of tiles holds `first` rows and whose second `second`,
// each from 1 to 16: rows of A and C beyond are not touched.
inline void ConfigureTiles(int64_t first, int64_t second) {
  TileConfig config = FullTiles();
  config.rows[0] = config.rows[1] = config.rows[4] = static_cast<uint8_t>(first);
  config.rows[2] = config.rows[3] = config.rows[5] = static_cast<uint8_t>(second);
  ConfigureTiles(config);
}

// For blocks of `rows` rows, at most 32, one after the other.
inline void ConfigureTiles(int64_t rows) {
  ConfigureTiles(rows < kTileRows ? rows : kTileRows,
                 rows > kTileRows ? rows - kTileRows : kTileRows);
}

// A block of kRowTiles x kColTiles sums, at most 2 x 2: tiles 0 to 3 are sums, 4 and 5 of A, 6 and
// 7 of B.
template <int kRowTiles, int kColTiles>
[[gnu::always_inline]] inline void ZeroSums() {
  ZeroTile<0>();
  if constexpr (kColTiles > 1) ZeroTile<1>();
  if constexpr (kRowTiles > 1) ZeroTile<2>();
  if constexpr (kRowTiles > 1 && kColTiles > 1) ZeroTile<3>();
}

// Two tiles of an operand: the first one's rows, all in bytes.
struct TilePair {
  const char* at;
  int64_t stride;  // from row to row
  int64_t next;    // from the first tile to the second
};

// Adds the products of 32 elements.
template <int kRowTiles, int kColTiles>
[[gnu::always_inline]] inline void AddProducts(const TilePair& a, const TilePair& b) {
  static_assert(kRowTiles >= 1 && kRowTiles <= 2 && kColTiles >= 1 && kColTiles <= 2);
  LoadTile<6>(b.at, b.stride);
  LoadTile<4>(a.at, a.stride);
  DotTiles<0, 4, 6>();
  if constexpr (kColTiles > 1) {
    LoadTile<7>(b.at + b.next, b.stride);
    DotTiles<1, 4, 7>();
  }
  if constexpr (kRowTiles > 1) {
    LoadTile<5>(a.at + a.next, a.stride);
    DotTiles<2, 5, 6>();
    if constexpr (kColTiles > 1) DotTiles<3, 5, 7>();
  }
}

// The sums as a dense matrix of kRowTiles 16 rows whose rows are `stride` floats apart.
template <int kRowTiles, int kColTiles>
[[gnu::always_inline]] inline void StoreSums(float* sums, int64_t stride) {
  const int64_t bytes = stride * static_cast<int64_t>(sizeof(float));
  StoreTile<0>(sums, bytes);
  if constexpr (kColTiles > 1) StoreTile<1>(sums + kTileCols, bytes);
  if constexpr (kRowTiles > 1) StoreTile<2>(sums + kTileRows * stride, bytes);
  if constexpr (kRowTiles > 1 && kColTiles > 1) {
    StoreTile<3>(sums + kTileRows * stride + kTileCols, bytes);
  }
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_AMX_TILE_H_
