#include "autograd/kernels/attention.h"

#include <algorithm>
#include <limits>
#include <type_traits>

#include "autograd/kernels/attention_kernels.h"
#include "autograd/kernels/attention_scalar.h"
#include "autograd/kernels/gemm_scratch.h"
#include "autograd/kernels/isa.h"
#include "autograd/parallel/parallel.h"

namespace autograd::kernels {
namespace {

// Multiply-adds that are worth a thread of their own, and what an exponential counts for.
constexpr int64_t kTaskWork = 1 << 16;
constexpr int64_t kExponentialWork = 16;

constexpr AttentionTable kScalar = {ScalarAttention<float>::Make(), ScalarAttention<double>::Make(),
                                    WidenedAttention<ScalarBf16Lanes>::Make()};

const AttentionTable& Table() {
#ifdef AUTOGRAD_X86
  if (ActiveIsa() >= Isa::kAvx512) return avx512::kAttention;
  if (ActiveIsa() >= Isa::kAvx2) return avx2::kAttention;
#endif
  return kScalar;
}

const AttentionKernels<BFloat16>* bf16_kernels_for_test = nullptr;

const AttentionKernels<BFloat16>& Bf16Kernels() {
  if (bf16_kernels_for_test != nullptr) return *bf16_kernels_for_test;
#ifdef AUTOGRAD_X86
  if (ActiveIsa() >= Isa::kAmx) return kAttentionBf16Amx;
  if (ActiveIsa() >= Isa::kAvx512Bf16) return avx512_bf16::kAttentionBf16;
#endif
  return Table().bf16;
}

template <class T>
const AttentionKernels<T>& Kernels() {
  if constexpr (std::is_same_v<T, BFloat16>) {
    return Bf16Kernels();
  } else if constexpr (std::is_same_v<T, float>) {
    return Table().f32;
  } else {
    return Table().f64;
  }
}

// Calls run(b, h) for each batch entry and head.
template <class Run>
void ForEachHead(const AttentionSize& size, Run run) {
  const double scores = static_cast<double>(size.queries) * static_cast<double>(size.keys);
  const double work = scores * static_cast<double>(size.head + size.value + kExponentialWork);
  const int64_t grain = std::max<int64_t>(1, static_cast<int64_t>(kTaskWork / (work + 1)));
  ParallelFor(size.batch * size.heads, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) run(i / size.heads, i % size.heads);
  });
}

template <class T>
VectorList<T> Head(const HeadVectors<T>& vectors, int64_t b, int64_t h) {
  if (vectors.data == nullptr) return {nullptr, 0};
  return {vectors.data + b * vectors.batch + h * vectors.head, vectors.token};
}

AttentionHeadSize SizeOfHead(const AttentionSpec& spec) {
  return {spec.size.queries, spec.size.keys, spec.size.head, spec.size.value, spec.causal};
}

// Zeros for `count` vectors of n elements.
template <class T>
void Clear(const VectorList<T>& vectors, int64_t count, int64_t n) {
  if (vectors.data == nullptr) return;
  for (int64_t i = 0; i < count; ++i) std::fill_n(vectors[i], n, T{});
}

}  // namespace

void SetAttentionBf16KernelsForTest(const AttentionKernels<BFloat16>& kernels) {
  bf16_kernels_for_test = &kernels;
}

template <class T>
void AttentionForward(const AttentionSpec& spec, const AttentionInputs<T>& in,
                      const HeadVectors<T>& out, AttentionMath<T>* log_sum_exp) {
  const AttentionHeadSize size = SizeOfHead(spec);
  if (size.queries == 0) return;
  const AttentionKernels<T>& kernels = Kernels<T>();
  ForEachHead(spec.size, [&](int64_t b, int64_t h) {
    AttentionMath<T>* sums = log_sum_exp;
    if (sums != nullptr) sums += (b * spec.size.heads + h) * size.queries;
    const VectorList<T> to = Head(out, b, h);
    if (size.keys == 0) {
      Clear(to, size.queries, size.value);
      if (sums != nullptr)
        std::fill_n(sums, size.queries, -std::numeric_limits<AttentionMath<T>>::infinity());
      return;
    }
    const AttentionHead<T> head = {size,
                                   static_cast<AttentionMath<T>>(spec.scale),
                                   Head(in.q, b, h),
                                   Head(in.k, b, h),
                                   Head(in.v, b, h),
                                   to,
                                   sums};
    kernels.forward(head,
                    GetScratch<AttentionMath<T>>(ScratchUse::kTask, kernels.forward_scratch(size)));
  });
}

template <class T>
void AttentionBackward(const AttentionSpec& spec, const AttentionInputs<T>& in,
                       const HeadVectors<const T>& out, const AttentionMath<T>* log_sum_exp,
                       const HeadVectors<const T>& out_grad, const AttentionGradients<T>& grads) {
  const AttentionHeadSize size = SizeOfHead(spec);
  const AttentionKernels<T>& kernels = Kernels<T>();
  ForEachHead(spec.size, [&](int64_t b, int64_t h) {
    const VectorList<T> dq = Head(grads.q, b, h), dk = Head(grads.k, b, h),
                        dv = Head(grads.v, b, h);
    if (size.queries == 0 || size.keys == 0) {
      Clear(dq, size.queries, size.head);
      Clear(dk, size.keys, size.head);
      Clear(dv, size.keys, size.value);
      return;
    }
    const AttentionHeadBackward<T> head = {size,
                                           static_cast<AttentionMath<T>>(spec.scale),
                                           Head(in.q, b, h),
                                           Head(in.k, b, h),
                                           Head(in.v, b, h),
                                           Head(out, b, h),
                                           Head(out_grad, b, h),
                                           log_sum_exp + (b * spec.size.heads + h) * size.queries,
                                           dq,
                                           dk,
                                           dv};
    kernels.backward(
        head, GetScratch<AttentionMath<T>>(ScratchUse::kTask, kernels.backward_scratch(size)));
  });
}

template void AttentionForward(const AttentionSpec&, const AttentionInputs<float>&,
                               const HeadVectors<float>&, float*);
template void AttentionBackward(const AttentionSpec&, const AttentionInputs<float>&,
                                const HeadVectors<const float>&, const float*,
                                const HeadVectors<const float>&, const AttentionGradients<float>&);
template void AttentionForward(const AttentionSpec&, const AttentionInputs<double>&,
                               const HeadVectors<double>&, double*);
template void AttentionBackward(const AttentionSpec&, const AttentionInputs<double>&,
                                const HeadVectors<const double>&, const double*,
                                const HeadVectors<const double>&,
                                const AttentionGradients<double>&);
template void AttentionForward(const AttentionSpec&, const AttentionInputs<BFloat16>&,
                               const HeadVectors<BFloat16>&, float*);
template void AttentionBackward(const AttentionSpec&, const AttentionInputs<BFloat16>&,
                                const HeadVectors<const BFloat16>&, const float*,
                                const HeadVectors<const BFloat16>&,
                                const AttentionGradients<BFloat16>&);

}  // namespace autograd::kernels
