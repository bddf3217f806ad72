#include "autograd/kernels/linear.h"

#include <algorithm>
#include <cstdint>

#include "autograd/kernels/gemm.h"
#include "autograd/kernels/gemm_kernels.h"
#include "autograd/kernels/gemm_scratch.h"
#include "autograd/parallel/parallel.h"

namespace autograd::kernels {
namespace {

// Multiply-adds that are worth a thread of their own; an element of dz counts as kElementWork of
// them.
constexpr int64_t kTaskWork = 1 << 16;
constexpr int64_t kElementWork = 8;

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

template <class T>
struct Layer {
  LinearSize size;
  const T* x;
  const T* w;
  LinearActivation<T> activation;
  const T* saved;
  const T* dy;
  T* dx;
  T* dw;
  T* db;

  // Rows [begin, end) of dz go to dz, which has out columns.
  void InputGradient(int64_t begin, int64_t end, T* dz) const {
    const int64_t at = begin * size.out;
    activation.backward(dy + at, saved + at, dz, (end - begin) * size.out, activation.parameter);
  }

  // dx = dz W for rows [begin, end), whose dz is given.
  void DataGradient(int64_t begin, int64_t end, const T* dz) const {
    Gemm(end - begin, size.in, size.out, T(1), dz, size.out, 1, w, size.in, 1, T(0),
         dx + begin * size.in, size.in);
  }

  // to_w = dz^T x + beta to_w from rows [begin, end).
  void WeightGradient(int64_t begin, int64_t end, const T* dz, T beta, T* to_w) const {
    Gemm(size.out, size.in, end - begin, T(1), dz, 1, size.out, x + begin * size.in, size.in, 1,
         beta, to_w, size.in);
  }
};

// How BackwardByRows cuts the rows: into chunks, whose shares of dw are added up in order, and
// those into pieces whose x and dz stay in the nearest cache, each of which adds to its chunk's
// share. Derived from the size alone, so that the order of every sum is.
struct RowCuts {
  int64_t chunk, chunks, piece, pieces;  // pieces is a chunk's number of them
};

template <class T>
RowCuts CutRowsOf(const LinearSize& s) {
  constexpr int64_t kNearBytes = 32 * 1024, kLeast = 32, kFewRows = 1024;
  RowCuts cuts;
  cuts.chunk = s.rows <= kFewRows ? 128 : 512;
  cuts.chunks = CeilDiv(s.rows, cuts.chunk);
  const int64_t near =
      kNearBytes / (static_cast<int64_t>(sizeof(T)) * std::max<int64_t>(1, s.in + s.out));
  cuts.piece = std::min(cuts.chunk, std::max(kLeast, near / kLeast * kLeast));
  cuts.pieces = CeilDiv(cuts.chunk, cuts.piece);
  return cuts;
}

// One chunk: dx, a share of dw (or null), and for each piece a share of db (or null).
template <class T>
void BackwardOfChunk(const Layer<T>& layer, const RowCuts& cuts, int64_t chunk, T* dw, T* db) {
  const LinearSize& s = layer.size;
  const int64_t first = chunk * cuts.chunk, last = std::min(s.rows, first + cuts.chunk);
  T* made = nullptr;
  if (layer.activation.backward != nullptr) {
    made = GetScratch<T>(ScratchUse::kGradient, cuts.piece * s.out);
  }
  for (int64_t i = 0; i < cuts.pieces; ++i) {
    const int64_t begin = std::min(last, first + i * cuts.piece);
    const int64_t end = std::min(last, begin + cuts.piece);
    const T* dz = layer.dy + begin * s.out;
    if (made != nullptr) {
      layer.InputGradient(begin, end, made);
      dz = made;
    }
    if (layer.dx != nullptr) layer.DataGradient(begin, end, dz);
    if (dw != nullptr && (i == 0 || begin < end)) {
      layer.WeightGradient(begin, end, dz, T(i == 0 ? 0 : 1), dw);
    }
    if (db != nullptr) {
      ActiveGemmKernels(T()).sum_rows(end - begin, s.out, dz, s.out, db + i * s.out);
    }
  }
}

// A small weight: one parallel loop over chunks of rows makes everything while dz is in the cache.
template <class T>
void BackwardByRows(const Layer<T>& layer) {
  const LinearSize& s = layer.size;
  const RowCuts cuts = CutRowsOf<T>(s);
  const int64_t weights = s.in * s.out, biases = cuts.pieces * s.out;
  T* dw = GetScratch<T>(ScratchUse::kGradientParts, cuts.chunks * (weights + biases));
  T* db = dw + cuts.chunks * weights;
  // A chunk of little work is not worth handing to another thread.
  const int64_t work = cuts.chunk * (2 * weights + kElementWork * s.out);
  const int64_t grain = std::max<int64_t>(1, kTaskWork / std::max<int64_t>(1, work));
  ParallelFor(cuts.chunks, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      BackwardOfChunk(layer, cuts, i, layer.dw == nullptr ? nullptr : dw + i * weights,
                      layer.db == nullptr ? nullptr : db + i * biases);
    }
  });
  const auto& kernels = ActiveGemmKernels(T());
  if (layer.dw != nullptr) kernels.sum_rows(cuts.chunks, weights, dw, weights, layer.dw);
  if (layer.db != nullptr) {
    kernels.sum_rows(cuts.chunks * cuts.pieces, s.out, db, s.out, layer.db);
  }
}

// Large products, each of which occupies all threads by itself.
template <class T>
void BackwardOneByOne(const Layer<T>& layer) {
  const LinearSize& s = layer.size;
  const T* dz = layer.dy;
  if (layer.activation.backward != nullptr) {
    T* made = GetScratch<T>(ScratchUse::kGradient, s.rows * s.out);
    constexpr int64_t kTaskElements = 1 << 15;
    const int64_t grain = CeilDiv(kTaskElements, s.out);
    ParallelFor(s.rows, grain, [&](int64_t begin, int64_t end) {
      layer.InputGradient(begin, end, made + begin * s.out);
    });
    dz = made;
  }
  if (layer.dx != nullptr) layer.DataGradient(0, s.rows, dz);
  if (layer.dw != nullptr) layer.WeightGradient(0, s.rows, dz, T(0), layer.dw);
  if (layer.db == nullptr) return;
  constexpr int64_t kColumns = 256;
  ParallelFor(s.out, kColumns, [&](int64_t first, int64_t last) {
    ActiveGemmKernels(T()).sum_rows(s.rows, last - first, dz + first, s.out, layer.db + first);
  });
}

// Which way depends on the size alone, so that the order of every sum does.
template <class T>
void Backward(const Layer<T>& layer) {
  constexpr int64_t kSmallWeight = 128 * 128;
  const LinearSize& s = layer.size;
  if (s.in * s.out <= kSmallWeight) {
    BackwardByRows(layer);
  } else {
    BackwardOneByOne(layer);
  }
}

template <class T>
void Forward(const LinearSize& s, const T* x, const T* w, const T* bias,
             const LinearActivation<T>& activation, T* y, T* pre_activation) {
  GemmEpilogue<T> epilogue;
  epilogue.bias = bias;
  epilogue.activation = activation.forward;
  epilogue.parameter = activation.parameter;
  epilogue.pre_activation = pre_activation;
  epilogue.pre_activation_row_stride = s.out;
  Gemm(s.rows, s.out, s.in, T(1), x, s.in, 1, w, 1, s.in, T(0), y, s.out, epilogue);
}

}  // namespace

void LinearForward(const LinearSize& size, const float* x, const float* w, const float* bias,
                   const LinearActivation<float>& activation, float* y, float* pre_activation) {
  Forward(size, x, w, bias, activation, y, pre_activation);
}

void LinearForward(const LinearSize& size, const double* x, const double* w, const double* bias,
                   const LinearActivation<double>& activation, double* y, double* pre_activation) {
  Forward(size, x, w, bias, activation, y, pre_activation);
}

void LinearBackward(const LinearSize& size, const float* x, const float* w,
                    const LinearActivation<float>& activation, const float* saved, const float* dy,
                    float* dx, float* dw, float* db) {
  Backward<float>({size, x, w, activation, saved, dy, dx, dw, db});
}

void LinearBackward(const LinearSize& size, const double* x, const double* w,
                    const LinearActivation<double>& activation, const double* saved,
                    const double* dy, double* dx, double* dw, double* db) {
  Backward<double>({size, x, w, activation, saved, dy, dx, dw, db});
}

}  // namespace autograd::kernels
