// A small conditional velocity model, of the kernels that large ones are made of.
#ifndef TESTS_FLOWMATCH_GUIDANCE_CONDITIONAL_NETWORK_H_
#define TESTS_FLOWMATCH_GUIDANCE_CONDITIONAL_NETWORK_H_

#include <cstdint>
#include <vector>

#include "autograd/ops/activation.h"
#include "autograd/ops/concat.h"
#include "autograd/ops/shape.h"
#include "flowmatch/guidance/classifier_free_guidance.h"
#include "nn/embedding.h"
#include "nn/linear.h"

namespace flowmatch {

// Linear, SiLU, Linear on [x, t, embedding of the label]: x [B, 3], labels 0 ... 5. Records the
// size of the batch and the times of every call.
class ConditionalNetwork {
 public:
  explicit ConditionalNetwork(autograd::DType dtype = autograd::DType::kF64)
      : generator_(1),
        embedding_(6, 4, generator_, dtype),
        hidden_(8, 16, generator_, {.dtype = dtype}),
        output_(16, 3, generator_, {.dtype = dtype}) {}

  Tensor Forward(const Tensor& x, const Tensor& t, const Tensor& labels) const {
    batches.push_back(x.size(0));
    times.push_back(t);
    const Tensor joined = autograd::Concat({x, Unsqueeze(t, 1), embedding_.Forward(labels)}, 1);
    return output_.Forward(Silu(hidden_.Forward(joined)));
  }

  ConditionalVelocity Velocity() const {
    return [this](const Tensor& x, const Tensor& t, const Tensor& labels) {
      return Forward(x, t, labels);
    };
  }

  const Tensor& embedding() const { return embedding_.weight(); }

  mutable std::vector<int64_t> batches;
  mutable std::vector<Tensor> times;

 private:
  autograd::Generator generator_;
  nn::Embedding embedding_;
  nn::Linear hidden_, output_;
};

}  // namespace flowmatch

#endif  // TESTS_FLOWMATCH_GUIDANCE_CONDITIONAL_NETWORK_H_
