#include "autograd/kernels/linear.h"

#include <algorithm>
#include <cstdint>

#include "autograd/kernels/gemm.h"
#include "autograd/kernels/gemm_kernels.h"
#include "autograd/kernels/gemm_scratch.h"
#include "autograd/parallel/parallel.h"

namespace autograd::kernels {
namespace {

// Multiply-adds that are worth a thread of their own.
constexpr int64_t kTaskProducts = 1 << 19;

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

  // Outputs [first, last) of dw = dz^T x and of db, from rows [begin, end) of x and their dz. The
  // results are dw[out, in] and db[out] or null.
  void WeightGradient(int64_t begin, int64_t end, const T* dz, int64_t first, int64_t last, T* to_w,
                      T* to_b) const {
    if (to_w != nullptr) {
      Gemm(last - first, size.in, end - begin, T(1), dz + first, 1, size.out, x + begin * size.in,
           size.in, 1, T(0), to_w + first * size.in, size.in);
    }
    if (to_b != nullptr) {
      ActiveGemmKernels(T()).sum_rows(end - begin, last - first, dz + first, size.out,
                                      to_b + first);
    }
  }
};

// Few rows: one team makes dz and dx by rows, then dw and db by outputs.
template <class T>
void BackwardInTeam(const Layer<T>& layer) {
  const LinearSize& s = layer.size;
  T* made = nullptr;
  if (layer.activation.backward != nullptr) {
    made = GetScratch<T>(ScratchUse::kGradient, s.rows * s.out);
  }
  const T* dz = made != nullptr ? made : layer.dy;
  const int64_t products = 2 * s.rows * s.in * s.out;
  const int64_t wanted = std::clamp<int64_t>(products / kTaskProducts, 1, kMaxThreads);
  ParallelTeam(static_cast<int>(wanted), [&](Team& team) {
    const int64_t begin = s.rows * team.rank() / team.size();
    const int64_t end = s.rows * (team.rank() + 1) / team.size();
    const int64_t first = s.out * team.rank() / team.size();
    const int64_t last = s.out * (team.rank() + 1) / team.size();
    if (made != nullptr) layer.InputGradient(begin, end, made + begin * s.out);
    if (layer.dx != nullptr) layer.DataGradient(begin, end, dz + begin * s.out);
    if (layer.dw == nullptr && layer.db == nullptr) return;
    team.Barrier();
    layer.WeightGradient(0, s.rows, dz, first, last, layer.dw, layer.db);
  });
}

// Many rows and a small weight: each chunk of rows yields its dx and its share of dw and db while
// its dz is in the cache; the shares are added up in order.
template <class T>
void BackwardByChunks(const Layer<T>& layer, int64_t chunk) {
  const LinearSize& s = layer.size;
  const int64_t chunks = CeilDiv(s.rows, chunk);
  const int64_t share = (s.in + 1) * s.out;  // dw and db
  T* shares = GetScratch<T>(ScratchUse::kGradientParts, chunks * share);
  ParallelFor(chunks, 1, [&](int64_t i, int64_t) {
    const int64_t begin = i * chunk, end = std::min(s.rows, begin + chunk);
    const T* dz = layer.dy + begin * s.out;
    if (layer.activation.backward != nullptr) {
      T* made = GetScratch<T>(ScratchUse::kGradient, chunk * s.out);
      layer.InputGradient(begin, end, made);
      dz = made;
    }
    if (layer.dx != nullptr) layer.DataGradient(begin, end, dz);
    T* dw = shares + i * share;
    layer.WeightGradient(begin, end, dz, 0, s.out, layer.dw == nullptr ? nullptr : dw,
                         layer.db == nullptr ? nullptr : dw + s.in * s.out);
  });
  const auto& kernels = ActiveGemmKernels(T());
  if (layer.dw != nullptr) {
    kernels.sum_rows(chunks, s.in * s.out, shares, share, layer.dw);
  }
  if (layer.db != nullptr) {
    kernels.sum_rows(chunks, s.out, shares + s.in * s.out, share, layer.db);
  }
}

// Large products, each of which occupies all threads by itself.
template <class T>
void BackwardOneByOne(const Layer<T>& layer) {
  const LinearSize& s = layer.size;
  const T* dz = layer.dy;
  if (layer.activation.backward != nullptr) {
    T* made = GetScratch<T>(ScratchUse::kGradient, s.rows * s.out);
    const int64_t grain = CeilDiv(1 << 15, s.out);
    ParallelFor(s.rows, grain, [&](int64_t begin, int64_t end) {
      layer.InputGradient(begin, end, made + begin * s.out);
    });
    dz = made;
  }
  if (layer.dx != nullptr) layer.DataGradient(0, s.rows, dz);
  if (layer.dw != nullptr) layer.WeightGradient(0, s.rows, dz, 0, s.out, layer.dw, nullptr);
  if (layer.db == nullptr) return;
  constexpr int64_t kColumns = 256;
  ParallelFor(s.out, kColumns, [&](int64_t first, int64_t last) {
    layer.WeightGradient(0, s.rows, dz, first, last, nullptr, layer.db);
  });
}

// Which way depends on the size alone, so that the order of every sum does.
template <class T>
void Backward(const Layer<T>& layer) {
  const LinearSize& s = layer.size;
  if (s.out == 0) {
    if (layer.dx != nullptr) std::fill_n(layer.dx, s.rows * s.in, T(0));
    return;
  }
  constexpr int64_t kSmallWeight = 128 * 128, kSmallProducts = 1 << 23;
  const int64_t chunk = GemmChunk(s.rows);
  const bool small = s.rows * s.in * s.out <= kSmallProducts;
  if (s.rows <= chunk && small) return BackwardInTeam(layer);
  if (s.rows > chunk && s.in * s.out <= kSmallWeight) return BackwardByChunks(layer, chunk);
  BackwardOneByOne(layer);
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
