// What each instruction set provides to attention.cc: the attention of one batch entry and head.
#ifndef AUTOGRAD_KERNELS_ATTENTION_KERNELS_H_
#define AUTOGRAD_KERNELS_ATTENTION_KERNELS_H_

#include <stdint.h>

namespace autograd::kernels {

// Dense vectors, `stride` elements apart.
template <class T>
struct VectorList {
  T* data;
  int64_t stride;

  T* operator[](int64_t i) const { return data + i * stride; }
};

struct AttentionHeadSize {
  int64_t queries, keys;
  int64_t head, value;
  bool causal;
};

template <class T>
struct AttentionHead {
  AttentionHeadSize size;
  T scale;
  VectorList<const T> q, k, v;
  VectorList<T> out;
  T* log_sum_exp;  // [queries], or null
};

template <class T>
struct AttentionHeadBackward {
  AttentionHeadSize size;
  T scale;
  VectorList<const T> q, k, v, out, out_grad;
  const T* log_sum_exp;
  VectorList<T> dq, dk, dv;  // not written where data is null
};

// There is at least one query and one key. scratch has as many elements as the function of that
// name says and starts at a multiple of 64 bytes.
template <class T>
struct AttentionKernels {
  int64_t (*forward_scratch)(const AttentionHeadSize& size);
  void (*forward)(const AttentionHead<T>& head, T* scratch);
  int64_t (*backward_scratch)(const AttentionHeadSize& size);
  void (*backward)(const AttentionHeadBackward<T>& head, T* scratch);
};

namespace avx2 {
extern const AttentionKernels<float> kAttentionF32;
extern const AttentionKernels<double> kAttentionF64;
}  // namespace avx2
namespace avx512 {
extern const AttentionKernels<float> kAttentionF32;
extern const AttentionKernels<double> kAttentionF64;
}  // namespace avx512

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_ATTENTION_KERNELS_H_
