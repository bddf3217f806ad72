// The driver of the matrix product: how a problem is cut into blocks, what is packed, and which
// thread does what. The arithmetic is in the tables of gemm_kernels.h.
//
// The scheme is that of Goto and van de Geijn (Anatomy of high-performance matrix multiplication,
// 2008): k is cut into chunks; of a chunk of B all threads share one packed copy, and each thread
// packs blocks of A that stay in its second-level cache. Copies are made only where they pay.
#include "autograd/kernels/gemm.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "autograd/kernels/gemm_kernels.h"
#include "autograd/kernels/gemm_problem.h"
#include "autograd/kernels/gemm_scratch.h"
#include "autograd/parallel/parallel.h"

namespace autograd::kernels {
namespace {

// A problem too small for several tasks is cut in two if a half is worth this much, an element of C
// counting as kElementWork multiply-adds (its store and its activation): what a thread has made in
// one layer is then near when it reads it in the next.
constexpr int64_t kHalfWork = 1 << 16;
constexpr int64_t kElementWork = 8;
// The share of the second-level cache that a thread's own packed block takes.
constexpr int64_t kBlockBytes = 512 * 1024;
// Columns of B packed at a time, so that the shared copy stays in the last-level cache.
constexpr int64_t kSharedCols = 4096;
// The largest result of which several chunks of k are computed at the same time, and how many.
constexpr int64_t kSplitElements = 128 * 128;
constexpr int64_t kSplitChunks = 32;

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

template <class T>
using Problem = GemmProblem<T, T, T, T, GemmEpilogue<T>>;

// Chunk [begin, begin + count) of k: beta belongs to the first one, bias and activation to the
// last.
template <class T>
Problem<T> Chunk(const Problem<T>& x, int64_t begin, int64_t count) {
  Problem<T> part = x.Depth(begin, count);
  if (begin > 0) part.beta = 1;
  if (begin + count < x.k) part.epilogue = GemmEpilogue<T>();
  return part;
}

// Whether tiles may read B where it is. Copying costs about as much as the products of a few rows,
// and rows of B that lie far apart fall into the same sets of the cache.
template <class T>
bool ReadsBInPlace(const GemmKernels<T>& kernels, const Problem<T>& x) {
  constexpr int64_t kNearBytes = 32 * 1024, kNearRow = 1024;
  const int64_t size = static_cast<int64_t>(sizeof(T));
  // Tiles load whole vectors, and the last columns are either a whole tile or a single vector.
  const int64_t rest = x.n % kernels.cols;
  return x.b_col_stride == 1 && (rest == 0 || rest == kernels.lanes) &&
         (x.m <= 3 * kernels.rows ||
          (x.k * x.n * size <= kNearBytes && x.b_row_stride * size <= kNearRow));
}

// Whether tiles may read A where it is: each of its elements is used once for each panel of B.
template <class T>
bool ReadsAInPlace(const GemmKernels<T>& kernels, const Problem<T>& x) {
  if (x.n <= 2 * kernels.cols) return true;
  constexpr int64_t kFar = 2048;
  const int64_t far = kFar / static_cast<int64_t>(sizeof(T));
  const bool near = (x.a_row_stride == 1 && x.a_col_stride < far) ||
                    (x.a_col_stride == 1 && x.a_row_stride < far);
  return near && x.n <= 4 * kernels.cols;
}

template <class T>
GemmBlock<T> BlockOf(const GemmKernels<T>& kernels, const Problem<T>& x) {
  GemmBlock<T> block;
  block.m = x.m;
  block.n = x.n;
  block.k = x.k;
  block.a = x.a;
  block.a_row_stride = x.a_row_stride;
  block.a_col_stride = x.a_col_stride;
  block.a_packed = false;
  block.a_tile_stride = 0;
  block.b = x.b;
  block.b_row_stride = x.b_row_stride;
  block.b_panel_stride = kernels.cols;
  block.alpha = x.alpha;
  block.beta = x.beta;
  block.c = x.c;
  block.c_row_stride = x.c_row_stride;
  block.epilogue = x.epilogue;
  return block;
}

template <class T>
T* PackA(const GemmKernels<T>& kernels, const Problem<T>& x, ScratchUse use) {
  T* packed = GetScratch<T>(use, CeilDiv(x.m, kernels.rows) * kernels.rows * x.k);
  kernels.pack_a(x.m, x.k, x.a, x.a_row_stride, x.a_col_stride, packed);
  return packed;
}

template <class T>
void UsePackedA(const GemmKernels<T>& kernels, const T* packed, GemmBlock<T>* block) {
  block->a = packed;
  block->a_packed = true;
  block->a_tile_stride = kernels.rows * block->k;
}

template <class T>
void UsePackedB(const GemmKernels<T>& kernels, const T* packed, GemmBlock<T>* block) {
  block->b = packed;
  block->b_row_stride = kernels.cols;
  block->b_panel_stride = kernels.cols * block->k;
}

template <class T>
const T* PackTaskB(const GemmKernels<T>& kernels, const Problem<T>& x) {
  const int64_t size = CeilDiv(x.n, kernels.cols) * kernels.cols * x.k;
  T* packed = GetScratch<T>(ScratchUse::kTask, size);
  kernels.pack_b(x.k, x.n, x.b, x.b_row_stride, x.b_col_stride, packed);
  return packed;
}

// The shared copy of B, made by all threads where it is large.
template <class T>
const T* PackSharedB(const GemmKernels<T>& kernels, const Problem<T>& x) {
  const int64_t panels = CeilDiv(x.n, kernels.cols);
  T* packed = GetScratch<T>(ScratchUse::kShared, panels * kernels.cols * x.k);
  constexpr int64_t kTaskElements = 32 * 1024;
  const int64_t grain =
      std::max<int64_t>(1, kTaskElements / (kernels.cols * std::max<int64_t>(1, x.k)));
  ParallelFor(panels, grain, [&](int64_t begin, int64_t end) {
    const int64_t first = begin * kernels.cols;
    const int64_t count = std::min(end * kernels.cols, x.n) - first;
    kernels.pack_b(x.k, count, x.b + first * x.b_col_stride, x.b_row_stride, x.b_col_stride,
                   packed + first * x.k);
  });
  return packed;
}

// Rows (columns) for one task: enough work, a block of A (B) that stays near, several tasks for
// each thread where there is enough work, all of about the same size.
template <class T>
int64_t TaskSize(int64_t size, int64_t other, int64_t k, int64_t unit) {
  constexpr int64_t kTasks = 16;
  const int64_t depth = std::max<int64_t>(1, k);
  const int64_t work = size * other * (depth + kElementWork);
  if (work < 4 * kGemmTaskProducts) {
    const int64_t halves = work < 2 * kHalfWork ? 1 : 2;
    return CeilDiv(CeilDiv(size, halves), unit) * unit;
  }
  const int64_t enough = CeilDiv(kGemmTaskProducts, other * depth);
  const int64_t near = kBlockBytes / (static_cast<int64_t>(sizeof(T)) * depth);
  const int64_t wanted = std::min(near, std::max(enough, CeilDiv(size, kTasks)));
  const int64_t tasks = CeilDiv(size, std::max(unit, wanted));
  return CeilDiv(CeilDiv(size, tasks), unit) * unit;
}

// One chunk of k, cut along the rows of A; all tasks share B.
template <class T>
void ByRows(const GemmKernels<T>& kernels, const Problem<T>& x) {
  const bool b_in_place = ReadsBInPlace(kernels, x);
  const bool a_in_place = ReadsAInPlace(kernels, x);
  // Any number of rows will do: a task cuts its own into tiles of about the same size.
  const int64_t grain = TaskSize<T>(x.m, x.n, x.k, 1);
  // For few tasks, packing a small B again in each costs less than fetching another core's copy.
  constexpr int64_t kOwnElements = 8 * 1024, kFewTasks = 4;
  const bool packs_own = x.k * x.n <= kOwnElements && x.m <= kFewTasks * grain;
  const T* b = b_in_place || packs_own ? nullptr : PackSharedB(kernels, x);
  ParallelFor(x.m, grain, [&](int64_t begin, int64_t end) {
    const Problem<T> part = x.Rows(begin, end - begin);
    GemmBlock<T> block = BlockOf(kernels, part);
    if (!b_in_place) {
      UsePackedB(kernels, packs_own ? PackSharedB(kernels, x) : b, &block);
    }
    if (!a_in_place) UsePackedA(kernels, PackA(kernels, part, ScratchUse::kTask), &block);
    kernels.multiply(block);
  });
}

// One chunk of k, cut along the columns of B; all tasks share A.
template <class T>
void ByColumns(const GemmKernels<T>& kernels, const Problem<T>& x) {
  const bool a_in_place = ReadsAInPlace(kernels, x);
  const T* a = a_in_place ? nullptr : PackA(kernels, x, ScratchUse::kShared);
  const int64_t grain = TaskSize<T>(x.n, x.m, x.k, kernels.cols);
  ParallelFor(x.n, grain, [&](int64_t begin, int64_t end) {
    const Problem<T> part = x.Columns(begin, end - begin);
    GemmBlock<T> block = BlockOf(kernels, part);
    if (!a_in_place) UsePackedA(kernels, a, &block);
    if (!ReadsBInPlace(kernels, part)) UsePackedB(kernels, PackTaskB(kernels, part), &block);
    kernels.multiply(block);
  });
}

// Whether a vector along the rows of A does more of the work than one along the few columns of B.
template <class T>
bool IsNarrow(const GemmKernels<T>& kernels, const Problem<T>& x) {
  const int64_t few = kernels.lanes / (x.a_row_stride == 1 ? 2 : 4);
  return x.n <= few && x.m >= 2 * kernels.lanes;
}

// x.c from the transposed product, sums[n, m], which has as many elements of scratch behind it.
template <class T>
void FinishTurned(const GemmKernels<T>& kernels, const Problem<T>& x, T* sums) {
  T* rows = sums + x.m * x.n;
  for (int64_t i = 0; i < x.m; ++i) {
    for (int64_t j = 0; j < x.n; ++j) rows[i * x.n + j] = sums[j * x.m + i];
  }
  const GemmEpilogue<T>& e = x.epilogue;
  if (x.c_row_stride != x.n ||
      (e.pre_activation != nullptr && e.pre_activation_row_stride != x.n)) {
    return kernels.finish(x.m, x.n, x.alpha, rows, x.n, x.beta, x.c, x.c_row_stride, e);
  }
  // C has no gaps: one long row, with the bias repeated, instead of many that fill no vector.
  GemmEpilogue<T> flat = e;
  if (e.bias != nullptr) {
    for (int64_t i = 0; i < x.m; ++i) std::copy_n(e.bias, x.n, sums + i * x.n);
    flat.bias = sums;
  }
  const int64_t size = x.m * x.n;
  kernels.finish(1, size, x.alpha, rows, size, x.beta, x.c, size, flat);
}

// One chunk of k with few columns: the transposed product B^T A^T into scratch memory, and from
// there to C. The same multiply-adds in the same order.
template <class T>
void Narrow(const GemmKernels<T>& kernels, const Problem<T>& x) {
  const int64_t grain = TaskSize<T>(x.m, x.n, x.k, kernels.cols);
  ParallelFor(x.m, grain, [&](int64_t begin, int64_t end) {
    const Problem<T> part = x.Rows(begin, end - begin);
    Problem<T> turned = part;
    std::swap(turned.m, turned.n);
    turned.a = part.b;
    turned.a_row_stride = part.b_col_stride;
    turned.a_col_stride = part.b_row_stride;
    turned.b = part.a;
    turned.b_row_stride = part.a_col_stride;
    turned.b_col_stride = part.a_row_stride;
    turned.alpha = 1;
    turned.beta = 0;
    turned.epilogue = GemmEpilogue<T>();
    T* result = GetScratch<T>(ScratchUse::kNarrow, 2 * part.m * part.n);
    turned.c = result;
    turned.c_row_stride = part.m;
    GemmBlock<T> block = BlockOf(kernels, turned);
    if (!ReadsBInPlace(kernels, turned)) UsePackedB(kernels, PackTaskB(kernels, turned), &block);
    kernels.multiply(block);
    FinishTurned(kernels, part, result);
  });
}

// One chunk of k.
template <class T>
void MultiplyChunk(const GemmKernels<T>& kernels, const Problem<T>& x) {
  if (IsNarrow(kernels, x)) return Narrow(kernels, x);
  constexpr int64_t kFewRows = 512;
  if (x.m <= kFewRows && x.m < x.n / 2) return ByColumns(kernels, x);
  for (int64_t column = 0; column < x.n; column += kSharedCols) {
    ByRows(kernels, x.Columns(column, std::min(kSharedCols, x.n - column)));
  }
}

// Several chunks of k at the same time, into results of their own that are then added up in order:
// exactly what one chunk after the other does.
template <class T>
void SplitDepth(const GemmKernels<T>& kernels, const Problem<T>& x, int64_t chunk) {
  const int64_t chunks = CeilDiv(x.k, chunk);
  T* parts = GetScratch<T>(ScratchUse::kParts, kSplitChunks * x.m * x.n);
  for (int64_t first = 0; first < chunks; first += kSplitChunks) {
    const int64_t count = std::min(kSplitChunks, chunks - first);
    ParallelFor(count, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t p = (first + i) * chunk;
        Problem<T> part = Chunk(x, p, std::min(chunk, x.k - p));
        part.alpha = 1;
        part.beta = 0;
        part.c = parts + i * x.m * x.n;
        part.c_row_stride = x.n;
        part.epilogue = GemmEpilogue<T>();
        MultiplyChunk(kernels, part);
      }
    });
    for (int64_t i = 0; i < count; ++i) {
      const int64_t p = (first + i) * chunk;
      const Problem<T> part = Chunk(x, p, std::min(chunk, x.k - p));
      kernels.finish(x.m, x.n, x.alpha, parts + i * x.m * x.n, x.n, part.beta, x.c, x.c_row_stride,
                     part.epilogue);
    }
  }
}

template <class T>
void Multiply(const Problem<T>& x) {
  if (x.m <= 0 || x.n <= 0) return;
  const GemmKernels<T>& kernels = ActiveGemmKernels(T());
  // A rest of a vector would have all of B copied for its padding; copy only the rest.
  const int64_t rest = x.n % kernels.lanes;
  if (rest != 0 && x.n > kernels.lanes) {
    const Problem<T> whole = x.Columns(0, x.n - rest);
    if (ReadsBInPlace(kernels, whole)) {
      Multiply(whole);
      Multiply(x.Columns(x.n - rest, rest));
      return;
    }
  }
  const int64_t chunk = GemmChunk(x.k);
  if (x.k <= chunk) return MultiplyChunk(kernels, x);
  if (x.m * x.n <= kSplitElements && NumThreads() > 1 && !InParallelRegion()) {
    return SplitDepth(kernels, x, chunk);
  }
  for (int64_t p = 0; p < x.k; p += chunk) {
    MultiplyChunk(kernels, Chunk(x, p, std::min(chunk, x.k - p)));
  }
}

template <class T>
void MultiplyBatch(int64_t batch, const Problem<T>& x, int64_t a_batch_stride,
                   int64_t b_batch_stride, int64_t c_batch_stride) {
  if (batch <= 0 || x.m <= 0 || x.n <= 0) return;
  if (IsStacked(x.m, a_batch_stride, x.a_row_stride, b_batch_stride, c_batch_stride,
                x.c_row_stride)) {
    Problem<T> stacked = x;
    stacked.m *= batch;
    return Multiply(stacked);
  }
  ForEachProduct(batch, x.m, x.n, x.k, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      Problem<T> one = x;
      one.a += i * a_batch_stride;
      one.b += i * b_batch_stride;
      one.c += i * c_batch_stride;
      Multiply(one);
    }
  });
}

}  // namespace

int64_t GemmChunk(int64_t k) {
  constexpr int64_t kLargest = 384, kUnit = 8;
  if (k <= kLargest) return std::max<int64_t>(k, 1);
  return CeilDiv(CeilDiv(k, CeilDiv(k, kLargest)), kUnit) * kUnit;
}

void Gemm(int64_t m, int64_t n, int64_t k, float alpha, const float* a, int64_t a_row_stride,
          int64_t a_col_stride, const float* b, int64_t b_row_stride, int64_t b_col_stride,
          float beta, float* c, int64_t c_row_stride, const GemmEpilogue<float>& epilogue) {
  Multiply<float>({m, n, k, a, a_row_stride, a_col_stride, b, b_row_stride, b_col_stride, beta, c,
                   c_row_stride, epilogue, alpha});
}

void Gemm(int64_t m, int64_t n, int64_t k, double alpha, const double* a, int64_t a_row_stride,
          int64_t a_col_stride, const double* b, int64_t b_row_stride, int64_t b_col_stride,
          double beta, double* c, int64_t c_row_stride, const GemmEpilogue<double>& epilogue) {
  Multiply<double>({m, n, k, a, a_row_stride, a_col_stride, b, b_row_stride, b_col_stride, beta, c,
                    c_row_stride, epilogue, alpha});
}

void BatchedGemm(int64_t batch, int64_t m, int64_t n, int64_t k, float alpha, const float* a,
                 int64_t a_batch_stride, int64_t a_row_stride, int64_t a_col_stride, const float* b,
                 int64_t b_batch_stride, int64_t b_row_stride, int64_t b_col_stride, float beta,
                 float* c, int64_t c_batch_stride, int64_t c_row_stride) {
  MultiplyBatch<float>(batch,
                       {m, n, k, a, a_row_stride, a_col_stride, b, b_row_stride, b_col_stride, beta,
                        c, c_row_stride, GemmEpilogue<float>(), alpha},
                       a_batch_stride, b_batch_stride, c_batch_stride);
}

void BatchedGemm(int64_t batch, int64_t m, int64_t n, int64_t k, double alpha, const double* a,
                 int64_t a_batch_stride, int64_t a_row_stride, int64_t a_col_stride,
                 const double* b, int64_t b_batch_stride, int64_t b_row_stride,
                 int64_t b_col_stride, double beta, double* c, int64_t c_batch_stride,
                 int64_t c_row_stride) {
  MultiplyBatch<double>(batch,
                        {m, n, k, a, a_row_stride, a_col_stride, b, b_row_stride, b_col_stride,
                         beta, c, c_row_stride, GemmEpilogue<double>(), alpha},
                        a_batch_stride, b_batch_stride, c_batch_stride);
}

}  // namespace autograd::kernels
