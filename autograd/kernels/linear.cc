#include "autograd/kernels/linear.h"

#include <algorithm>
#include <cstdint>

#include "autograd/kernels/convert.h"
#include "autograd/kernels/gemm.h"
#include "autograd/kernels/gemm_bf16.h"
#include "autograd/kernels/gemm_bf16_kernels.h"
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

// The type of weights and their gradients, and of the activation's argument.
template <class T>
struct ParameterOf {
  using Type = T;
};
template <>
struct ParameterOf<BFloat16> {
  using Type = float;
};
template <class T>
using Parameter = typename ParameterOf<T>::Type;

// C = A B + beta C.
template <class T>
void Product(int64_t m, int64_t n, int64_t k, const T* a, int64_t a_row_stride,
             int64_t a_col_stride, const T* b, int64_t b_row_stride, int64_t b_col_stride, T beta,
             T* c) {
  Gemm(m, n, k, T(1), a, a_row_stride, a_col_stride, b, b_row_stride, b_col_stride, beta, c, n);
}
template <class B, class C>
void Product(int64_t m, int64_t n, int64_t k, const BFloat16* a, int64_t a_row_stride,
             int64_t a_col_stride, const B* b, int64_t b_row_stride, int64_t b_col_stride,
             float beta, C* c) {
  GemmBf16(m, n, k, a, a_row_stride, a_col_stride, b, b_row_stride, b_col_stride, beta, c, n);
}

// out[n] = the column sums of x[m, n], whose rows lie x_row_stride apart.
template <class T>
void SumRows(int64_t m, int64_t n, const T* x, int64_t x_row_stride, T* out) {
  ActiveGemmKernels(T()).sum_rows(m, n, x, x_row_stride, out);
}
void SumRows(int64_t m, int64_t n, const BFloat16* x, int64_t x_row_stride, float* out) {
  ActiveGemmBf16Kernels().sum_rows(m, n, x, x_row_stride, out);
}

// dz[i] = dy[i] f'(.), computed from saved[i].
template <class T>
void ActivationGradient(const LinearActivation<T>& activation, const T* dy, const T* saved, T* dz,
                        int64_t n) {
  activation.backward(dy, saved, dz, n, activation.parameter);
}
void ActivationGradient(const LinearActivation<float>& activation, const BFloat16* dy,
                        const BFloat16* saved, BFloat16* dz, int64_t n) {
  constexpr int64_t kCount = 1024;
  float grad[kCount], from[kCount];
  const CastFn widen = GetCast(CastType::kBf16, CastType::kF32);
  const CastFn round = GetCast(CastType::kF32, CastType::kBf16);
  for (int64_t i = 0; i < n; i += kCount) {
    const int64_t count = std::min(kCount, n - i);
    widen(dy + i, grad, count);
    widen(saved + i, from, count);
    activation.backward(grad, from, grad, count, activation.parameter);
    round(grad, dz + i, count);
  }
}

template <class T>
struct Layer {
  using P = Parameter<T>;
  LinearSize size;
  const T* x;
  const P* w;
  LinearActivation<P> activation;
  const T* saved;
  const T* dy;
  T* dx;
  P* dw;
  P* db;

  // Rows [begin, end) of dz go to dz, which has out columns.
  void InputGradient(int64_t begin, int64_t end, T* dz) const {
    const int64_t at = begin * size.out;
    ActivationGradient(activation, dy + at, saved + at, dz, (end - begin) * size.out);
  }

  // dx = dz W for rows [begin, end), whose dz is given.
  void DataGradient(int64_t begin, int64_t end, const T* dz) const {
    Product(end - begin, size.in, size.out, dz, size.out, 1, w, size.in, 1, P(0),
            dx + begin * size.in);
  }

  // to_w = dz^T x + beta to_w from rows [begin, end).
  void WeightGradient(int64_t begin, int64_t end, const T* dz, P beta, P* to_w) const {
    Product(size.out, size.in, end - begin, dz, 1, size.out, x + begin * size.in, size.in, 1, beta,
            to_w);
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
  // A piece of bf16 has its weights packed, which pays for more rows than the nearest cache holds.
  constexpr int64_t kNearBytes = (sizeof(T) == 2 ? 128 : 32) * 1024;
  constexpr int64_t kLeast = 32, kFewRows = 1024, kUnit = 8;
  RowCuts cuts;
  // About an even number of chunks of the same size, so that two threads have the same to do.
  const int64_t wanted = CeilDiv(s.rows, s.rows <= kFewRows ? 128 : 512);
  const int64_t even = wanted <= 1 ? 1 : CeilDiv(wanted, 2) * 2;
  cuts.chunk = std::max(kUnit, CeilDiv(CeilDiv(s.rows, even), kUnit) * kUnit);
  cuts.chunks = CeilDiv(s.rows, cuts.chunk);
  const int64_t near =
      kNearBytes / (static_cast<int64_t>(sizeof(T)) * std::max<int64_t>(1, s.in + s.out));
  cuts.piece = std::min(cuts.chunk, std::max(kLeast, near / kLeast * kLeast));
  cuts.pieces = CeilDiv(cuts.chunk, cuts.piece);
  return cuts;
}

// One chunk: dx, a share of dw (or null), and for each piece a share of db (or null).
template <class T>
void BackwardOfChunk(const Layer<T>& layer, const RowCuts& cuts, int64_t chunk, Parameter<T>* dw,
                     Parameter<T>* db) {
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
      layer.WeightGradient(begin, end, dz, Parameter<T>(i == 0 ? 0 : 1), dw);
    }
    if (db != nullptr) {
      SumRows(end - begin, s.out, dz, s.out, db + i * s.out);
    }
  }
}

// A small weight: one parallel loop over chunks of rows makes everything while dz is in the cache.
template <class T>
void BackwardByRows(const Layer<T>& layer) {
  const LinearSize& s = layer.size;
  const RowCuts cuts = CutRowsOf<T>(s);
  const int64_t weights = s.in * s.out, biases = cuts.pieces * s.out;
  using P = Parameter<T>;
  P* dw = GetScratch<P>(ScratchUse::kGradientParts, cuts.chunks * (weights + biases));
  P* db = dw + cuts.chunks * weights;
  // A chunk of little work is not worth handing to another thread.
  const int64_t work = cuts.chunk * (2 * weights + kElementWork * s.out);
  const int64_t grain = std::max<int64_t>(1, kTaskWork / std::max<int64_t>(1, work));
  ParallelFor(cuts.chunks, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      BackwardOfChunk(layer, cuts, i, layer.dw == nullptr ? nullptr : dw + i * weights,
                      layer.db == nullptr ? nullptr : db + i * biases);
    }
  });
  if (layer.dw != nullptr) SumRows(cuts.chunks, weights, dw, weights, layer.dw);
  if (layer.db != nullptr) SumRows(cuts.chunks * cuts.pieces, s.out, db, s.out, layer.db);
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
  if (layer.dw != nullptr) layer.WeightGradient(0, s.rows, dz, Parameter<T>(0), layer.dw);
  if (layer.db == nullptr) return;
  constexpr int64_t kColumns = 256;
  ParallelFor(s.out, kColumns, [&](int64_t first, int64_t last) {
    SumRows(s.rows, last - first, dz + first, s.out, layer.db + first);
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

template <class Epilogue, class T>
Epilogue EpilogueOf(const LinearSize& s, const Parameter<T>* bias,
                    const LinearActivation<Parameter<T>>& activation, T* pre_activation) {
  Epilogue epilogue;
  epilogue.bias = bias;
  epilogue.activation = activation.forward;
  epilogue.parameter = activation.parameter;
  epilogue.pre_activation = pre_activation;
  epilogue.pre_activation_row_stride = s.out;
  return epilogue;
}

template <class T>
void Forward(const LinearSize& s, const T* x, const T* w, const T* bias,
             const LinearActivation<T>& activation, T* y, T* pre_activation) {
  const auto epilogue = EpilogueOf<GemmEpilogue<T>>(s, bias, activation, pre_activation);
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

void LinearForward(const LinearSize& s, const BFloat16* x, const float* w, const float* bias,
                   const LinearActivation<float>& activation, BFloat16* y,
                   BFloat16* pre_activation) {
  GemmBf16(s.rows, s.out, s.in, x, s.in, 1, w, 1, s.in, 0.0f, y, s.out,
           EpilogueOf<GemmBf16Epilogue<BFloat16>>(s, bias, activation, pre_activation));
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

void LinearBackward(const LinearSize& size, const BFloat16* x, const float* w,
                    const LinearActivation<float>& activation, const BFloat16* saved,
                    const BFloat16* dy, BFloat16* dx, float* dw, float* db) {
  Backward<BFloat16>({size, x, w, activation, saved, dy, dx, dw, db});
}

}  // namespace autograd::kernels
