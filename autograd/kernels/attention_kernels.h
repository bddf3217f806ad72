// What each instruction set provides to attention.cc: the attention of one batch entry and head.
#ifndef AUTOGRAD_KERNELS_ATTENTION_KERNELS_H_
#define AUTOGRAD_KERNELS_ATTENTION_KERNELS_H_

#include <stdint.h>

#include "autograd/kernels/attention.h"

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
  AttentionMath<T> scale;
  VectorList<const T> q, k, v;
  VectorList<T> out;
  AttentionMath<T>* log_sum_exp;  // [queries], or null
};

template <class T>
struct AttentionHeadBackward {
  AttentionHeadSize size;
  AttentionMath<T> scale;
  VectorList<const T> q, k, v, out, out_grad;
  const AttentionMath<T>* log_sum_exp;
  VectorList<T> dq, dk, dv;  // not written where data is null
};

// There is at least one query and one key. scratch has as many elements as the function of that
// name says and starts at a multiple of 64 bytes.
template <class T>
struct AttentionKernels {
  int64_t (*forward_scratch)(const AttentionHeadSize& size);
  void (*forward)(const AttentionHead<T>& head, AttentionMath<T>* scratch);
  int64_t (*backward_scratch)(const AttentionHeadSize& size);
  void (*backward)(const AttentionHeadBackward<T>& head, AttentionMath<T>* scratch);
};

struct AttentionTable {
  AttentionKernels<float> f32;
  AttentionKernels<double> f64;
  AttentionKernels<BFloat16> bf16;
};

namespace avx2 {
extern const AttentionTable kAttention;
}
namespace avx512 {
extern const AttentionTable kAttention;
}
namespace avx512_bf16 {
extern const AttentionKernels<BFloat16> kAttentionBf16;
}
extern const AttentionKernels<BFloat16> kAttentionBf16Amx;
extern const AttentionKernels<BFloat16> kAttentionBf16AmxEmulated;  // linked into tests only

// From now on attention of bf16 uses `kernels`.
void SetAttentionBf16KernelsForTest(const AttentionKernels<BFloat16>& kernels);

}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_ATTENTION_KERNELS_H_
