// The driver of the bf16 product: how a problem is cut into blocks, what is packed, and which
// thread does what. Unlike gemm.cc's, sums always lie in f32 scratch memory that stays in the cache
// before they are finished, because C may be too narrow to hold them.
#include "autograd/kernels/gemm_bf16.h"

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "autograd/kernels/gemm_bf16_kernels.h"
#include "autograd/kernels/gemm_problem.h"
#include "autograd/kernels/gemm_scratch.h"
#include "autograd/parallel/parallel.h"

namespace autograd::kernels {
namespace {

// A problem too small for several tasks is cut in two if a half is worth this much, an element of C
// counting as kElementWork multiply-adds: what a thread has made in one layer is then near when it
// reads it in the next.
constexpr int64_t kHalfWork = 1 << 16;
constexpr int64_t kElementWork = 8;
// The sums of a block, and the columns that one may have, so that they stay near.
constexpr int64_t kBlockSums = 4096;
constexpr int64_t kGroupCols = 1024;
// Elements of B packed at a time, so that the shared copy stays in the last-level cache.
constexpr int64_t kSharedElements = 4 << 20;
// Rows whose sums are kept where a packed B does not hold all of k.
constexpr int64_t kKeptRows = 4096;
// The largest result of which several chunks of k are computed at the same time, and how many.
constexpr int64_t kSplitElements = 128 * 128;
constexpr int64_t kSplitChunks = 32;

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t RoundUp(int64_t a, int64_t unit) { return CeilDiv(a, unit) * unit; }

template <class B, class C>
using Problem = GemmProblem<BFloat16, B, C, float, GemmBf16Epilogue<C>>;

// k cut into equal chunks, each added up on its own and then to the result.
struct Chunks {
  Chunks(const GemmBf16Kernels& kernels, int64_t all) : k(all) {
    constexpr int64_t kUnit = 32;
    const int64_t most = CeilDiv(k, kernels.chunk);
    size = most <= 1 ? k : RoundUp(CeilDiv(k, most), kUnit);
    count = k == 0 ? 0 : CeilDiv(k, size);
    padded = RoundUp(size, kernels.k_multiple);
  }
  int64_t Begin(int64_t i) const { return i * size; }
  int64_t Size(int64_t i) const { return std::min(size, k - i * size); }

  int64_t k, size, count;
  int64_t padded;  // size rounded up to whole multiples
};

// What the table wants around a thread's multiplies.
ThreadSetup SetupOf(const GemmBf16Kernels& kernels) { return {kernels.begin, kernels.end}; }

char* Scratch(const GemmBf16Kernels& kernels, ScratchUse use, int64_t elements) {
  return GetScratch<char>(use, elements * kernels.element_bytes);
}

template <class B, class C>
void PackPanels(const GemmBf16Kernels& kernels, const Problem<B, C>& x, void* out) {
  if constexpr (std::is_same_v<B, float>) {
    kernels.pack_b_f32(x.k, x.n, x.b, x.b_row_stride, x.b_col_stride, out);
  } else {
    kernels.pack_b(x.k, x.n, x.b, x.b_row_stride, x.b_col_stride, out);
  }
}

// sums (+)= A B for one chunk of k whose packed B is given.
template <class B, class C>
void MultiplyChunk(const GemmBf16Kernels& kernels, const Problem<B, C>& x, const void* b,
                   float* sums, int64_t stride, bool accumulate) {
  GemmBf16Block block;
  block.m = x.m;
  block.n = x.n;
  block.k = RoundUp(x.k, kernels.k_multiple);
  block.a_packed = block.k != x.k || !kernels.reads_a(x.a, x.a_row_stride, x.a_col_stride);
  block.a = x.a;
  block.a_row_stride = x.a_row_stride;
  if (block.a_packed) {
    char* packed = Scratch(kernels, ScratchUse::kTask, RoundUp(x.m, kernels.rows) * block.k);
    kernels.pack_a(x.m, x.k, x.a, x.a_row_stride, x.a_col_stride, packed);
    block.a = packed;
  }
  block.b = b;
  block.c = sums;
  block.c_row_stride = stride;
  block.accumulate = accumulate;
  kernels.multiply(block);
}

template <class B, class C>
void Finish(const GemmBf16Kernels& kernels, const Problem<B, C>& x, float* sums, int64_t stride) {
  if constexpr (std::is_same_v<C, float>) {
    kernels.finish_f32(x.m, x.n, sums, stride, x.beta, x.c, x.c_row_stride, x.epilogue);
  } else {
    kernels.finish_bf16(x.m, x.n, sums, stride, x.beta, x.c, x.c_row_stride, x.epilogue);
  }
}

// Some chunks of k: those of B that are packed at the same time.
struct Depths {
  int64_t first, last;
};

// B's chunks, one after the other, each as panels; made by all threads where there are many.
template <class B, class C>
const char* PackSharedB(const GemmBf16Kernels& kernels, const Problem<B, C>& x,
                        const Chunks& chunks, Depths depths) {
  const int64_t panels = CeilDiv(x.n, kernels.cols), panel = kernels.cols * chunks.padded;
  const int64_t count = (depths.last - depths.first) * panels;
  char* packed = Scratch(kernels, ScratchUse::kShared, count * panel);
  constexpr int64_t kTaskElements = 8 * 1024;
  ParallelFor(
      count, std::max<int64_t>(1, kTaskElements / std::max<int64_t>(1, panel)),
      [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const int64_t chunk = depths.first + i / panels, j = i % panels * kernels.cols;
          const int64_t k = chunks.Size(chunk);
          const int64_t at = i / panels * panels * panel + j * RoundUp(k, kernels.k_multiple);
          PackPanels(
              kernels,
              x.Depth(chunks.Begin(chunk), k).Columns(j, std::min<int64_t>(kernels.cols, x.n - j)),
              packed + at * kernels.element_bytes);
        }
      });
  return packed;
}

// Rows of a block: whole tiles whose sums stay near.
template <class B, class C>
int64_t BlockRows(const GemmBf16Kernels& kernels, const Problem<B, C>& x, int64_t stride) {
  const int64_t tiles = std::max<int64_t>(1, kBlockSums / stride / kernels.rows);
  // A last block of few rows is added to the one before.
  const int64_t rows = tiles * kernels.rows;
  return x.m <= rows + rows / 2 ? RoundUp(x.m, kernels.rows) : rows;
}

// Blocks for one task: enough work, several tasks for each thread where there is enough.
template <class B, class C>
int64_t TaskBlocks(const Problem<B, C>& x, int64_t rows, int64_t blocks) {
  constexpr int64_t kTasks = 16;
  const int64_t depth = std::max<int64_t>(1, x.k);
  const int64_t work = x.m * x.n * (depth + kElementWork);
  if (work < 4 * kGemmTaskProducts) return CeilDiv(blocks, work < 2 * kHalfWork ? 1 : 2);
  return std::max(CeilDiv(kGemmTaskProducts, rows * x.n * depth), CeilDiv(blocks, kTasks));
}

// The rows of C from some chunks of k. `kept` holds the sums of all rows between the calls for
// different chunks, or is null if these are all chunks.
template <class B, class C>
void MultiplyRows(const GemmBf16Kernels& kernels, const Problem<B, C>& x, const Chunks& chunks,
                  Depths depths, float* kept) {
  const char* b = PackSharedB(kernels, x, chunks, depths);
  const int64_t stride = RoundUp(x.n, kernels.cols), chunk_elements = stride * chunks.padded;
  const int64_t rows = BlockRows(kernels, x, stride), blocks = CeilDiv(x.m, rows);
  const int64_t grain = TaskBlocks(x, rows, blocks);
  ParallelFor(blocks, grain, SetupOf(kernels), [&](int64_t begin, int64_t end) {
    float* own = kept == nullptr ? GetScratch<float>(ScratchUse::kNarrow, rows * stride) : nullptr;
    for (int64_t i = begin; i < end; ++i) {
      const Problem<B, C> part = x.Rows(i * rows, std::min(rows, x.m - i * rows));
      float* sums = kept == nullptr ? own : kept + i * rows * stride;
      if (chunks.count == 0) std::fill_n(sums, part.m * stride, 0.0f);
      for (int64_t c = depths.first; c < depths.last; ++c) {
        const char* panels = b + (c - depths.first) * chunk_elements * kernels.element_bytes;
        MultiplyChunk(kernels, part.Depth(chunks.Begin(c), chunks.Size(c)), panels, sums, stride,
                      c > 0);
      }
      if (depths.last == chunks.count) Finish(kernels, part, sums, stride);
    }
  });
}

template <class B, class C>
void MultiplyColumns(const GemmBf16Kernels& kernels, const Problem<B, C>& x, const Chunks& chunks) {
  const int64_t stride = RoundUp(x.n, kernels.cols);
  const int64_t together =
      std::max<int64_t>(1, kSharedElements / std::max<int64_t>(1, stride * chunks.padded));
  if (chunks.count <= together) {
    return MultiplyRows(kernels, x, chunks, {0, chunks.count}, nullptr);
  }
  for (int64_t row = 0; row < x.m; row += kKeptRows) {
    const Problem<B, C> part = x.Rows(row, std::min(kKeptRows, x.m - row));
    const int64_t rows = BlockRows(kernels, part, stride);
    float* kept = GetScratch<float>(ScratchUse::kParts, RoundUp(part.m, rows) * stride);
    for (int64_t c = 0; c < chunks.count; c += together) {
      MultiplyRows(kernels, part, chunks, {c, std::min(chunks.count, c + together)}, kept);
    }
  }
}

// sums (+)= chunk i of k, from copies of its own.
template <class B, class C>
void MultiplyDeepChunk(const GemmBf16Kernels& kernels, const Problem<B, C>& x, const Chunks& chunks,
                       int64_t i, float* sums, bool accumulate) {
  const Problem<B, C> part = x.Depth(chunks.Begin(i), chunks.Size(i));
  const int64_t stride = RoundUp(x.n, kernels.cols);
  char* b = Scratch(kernels, ScratchUse::kShared, stride * chunks.padded);
  PackPanels(kernels, part, b);
  MultiplyChunk(kernels, part, b, sums, stride, accumulate);
}

// A small C and many chunks of k, several at the same time into sums of their own that are then
// added up in order: exactly what one chunk after the other does.
template <class B, class C>
void MultiplyDeep(const GemmBf16Kernels& kernels, const Problem<B, C>& x, const Chunks& chunks) {
  const int64_t stride = RoundUp(x.n, kernels.cols);
  const int64_t size = RoundUp(x.m, kernels.rows) * stride;
  const bool alone = NumThreads() == 1 || InParallelRegion();
  float* parts = GetScratch<float>(ScratchUse::kParts, (alone ? 1 : kSplitChunks + 1) * size);
  if (alone) {
    // One task, in order.
    ParallelFor(chunks.count, chunks.count, SetupOf(kernels), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) MultiplyDeepChunk(kernels, x, chunks, i, parts, i > 0);
    });
    return Finish(kernels, x, parts, stride);
  }
  float* sums = parts + kSplitChunks * size;
  for (int64_t first = 0; first < chunks.count; first += kSplitChunks) {
    const int64_t count = std::min(kSplitChunks, chunks.count - first);
    ParallelFor(count, 1, SetupOf(kernels), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        MultiplyDeepChunk(kernels, x, chunks, first + i, parts + i * size, false);
      }
    });
    constexpr int64_t kGrain = 2048;
    ParallelFor(x.m * stride, kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = 0; i < count; ++i) {
        const float* part = parts + i * size;
        if (first + i == 0) {
          std::copy(part + begin, part + end, sums + begin);
        } else {
          for (int64_t q = begin; q < end; ++q) sums[q] += part[q];
        }
      }
    });
  }
  Finish(kernels, x, sums, stride);
}

template <class B, class C>
void Multiply(const Problem<B, C>& x) {
  if (x.m <= 0 || x.n <= 0) return;
  const GemmBf16Kernels& kernels = ActiveGemmBf16Kernels();
  const Chunks chunks(kernels, x.k);
  if (x.m * x.n <= kSplitElements && chunks.count > 1) return MultiplyDeep(kernels, x, chunks);
  for (int64_t column = 0; column < x.n; column += kGroupCols) {
    MultiplyColumns(kernels, x.Columns(column, std::min(kGroupCols, x.n - column)), chunks);
  }
}

}  // namespace

void GemmBf16(int64_t m, int64_t n, int64_t k, const BFloat16* a, int64_t a_row_stride,
              int64_t a_col_stride, const BFloat16* b, int64_t b_row_stride, int64_t b_col_stride,
              float beta, BFloat16* c, int64_t c_row_stride,
              const GemmBf16Epilogue<BFloat16>& epilogue) {
  Multiply<BFloat16, BFloat16>({m, n, k, a, a_row_stride, a_col_stride, b, b_row_stride,
                                b_col_stride, beta, c, c_row_stride, epilogue});
}

void GemmBf16(int64_t m, int64_t n, int64_t k, const BFloat16* a, int64_t a_row_stride,
              int64_t a_col_stride, const float* b, int64_t b_row_stride, int64_t b_col_stride,
              float beta, BFloat16* c, int64_t c_row_stride,
              const GemmBf16Epilogue<BFloat16>& epilogue) {
  Multiply<float, BFloat16>({m, n, k, a, a_row_stride, a_col_stride, b, b_row_stride, b_col_stride,
                             beta, c, c_row_stride, epilogue});
}

void GemmBf16(int64_t m, int64_t n, int64_t k, const BFloat16* a, int64_t a_row_stride,
              int64_t a_col_stride, const BFloat16* b, int64_t b_row_stride, int64_t b_col_stride,
              float beta, float* c, int64_t c_row_stride, const GemmBf16Epilogue<float>& epilogue) {
  Multiply<BFloat16, float>({m, n, k, a, a_row_stride, a_col_stride, b, b_row_stride, b_col_stride,
                             beta, c, c_row_stride, epilogue});
}

void GemmBf16(int64_t m, int64_t n, int64_t k, const BFloat16* a, int64_t a_row_stride,
              int64_t a_col_stride, const float* b, int64_t b_row_stride, int64_t b_col_stride,
              float beta, float* c, int64_t c_row_stride, const GemmBf16Epilogue<float>& epilogue) {
  Multiply<float, float>({m, n, k, a, a_row_stride, a_col_stride, b, b_row_stride, b_col_stride,
                          beta, c, c_row_stride, epilogue});
}

void BatchedGemmBf16(int64_t batch, int64_t m, int64_t n, int64_t k, const BFloat16* a,
                     int64_t a_batch_stride, int64_t a_row_stride, int64_t a_col_stride,
                     const BFloat16* b, int64_t b_batch_stride, int64_t b_row_stride,
                     int64_t b_col_stride, float beta, BFloat16* c, int64_t c_batch_stride,
                     int64_t c_row_stride) {
  if (batch <= 0 || m <= 0 || n <= 0) return;
  if (IsStacked(m, a_batch_stride, a_row_stride, b_batch_stride, c_batch_stride, c_row_stride)) {
    return GemmBf16(batch * m, n, k, a, a_row_stride, a_col_stride, b, b_row_stride, b_col_stride,
                    beta, c, c_row_stride);
  }
  ForEachProduct(batch, m, n, k, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      GemmBf16(m, n, k, a + i * a_batch_stride, a_row_stride, a_col_stride, b + i * b_batch_stride,
               b_row_stride, b_col_stride, beta, c + i * c_batch_stride, c_row_stride);
    }
  });
}

}  // namespace autograd::kernels
