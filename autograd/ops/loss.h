// Losses.
//
// f32 and f64: a loss in bf16 would have lost what training is about, so Cast its inputs to f32
// first (the gradient is cast back). Throws std::invalid_argument naming the operation, shapes and
// dtypes where they do not match. Derivatives of any order; without create_graph fused rules.
//
// Example:
//   Tensor scores = Tensor::FromVector<float>({2, 1, 0, 3}, {2, 2});
//   Tensor classes = Tensor::FromVector<int64_t>({0, 1}, {2});
//   std::cout << CrossEntropy(scores, classes) << MseLoss(scores, scores + 1.0) << "\n";
#ifndef AUTOGRAD_OPS_LOSS_H_
#define AUTOGRAD_OPS_LOSS_H_

#include "autograd/tensor.h"

namespace autograd {

// What becomes of the losses of the elements (MseLoss) or rows (CrossEntropy).
enum class Reduction { kMean, kSum, kNone };

// (input - target)^2. Both have one shape and dtype; nothing is broadcast, which would hide
// mistakes. The mean of no elements is NaN.
Tensor MseLoss(const Tensor& input, const Tensor& target, Reduction reduction = Reduction::kMean);

// -log(Softmax(logits, -1)[..., target]): logits [..., classes], target [...] of i32 or i64 with
// values in [0, classes).
Tensor CrossEntropy(const Tensor& logits, const Tensor& target,
                    Reduction reduction = Reduction::kMean);

}  // namespace autograd

#endif  // AUTOGRAD_OPS_LOSS_H_
