// Label dropout: what lets one model learn both the conditional and the unconditional velocity that
// classifier-free guidance combines (Ho and Salimans 2207.12598, algorithm 1).
//
// Example:
//   Generator generator(0);
//   Tensor digits = Tensor::FromVector<int64_t>({7, 0, 3, 9}, {4});
//   // Labels 1 ... 10, and in a fifth of the samples 0 for "none".
//   Tensor labels = DropLabels(digits + 1, .2, 0, generator);
#ifndef FLOWMATCH_GUIDANCE_LABEL_DROPOUT_H_
#define FLOWMATCH_GUIDANCE_LABEL_DROPOUT_H_

#include <cstdint>

#include "autograd/ops/arithmetic.h"
#include "autograd/random/philox.h"
#include "autograd/tensor.h"

namespace flowmatch {

using autograd::Tensor;

// Each label replaced by null_label with the given probability, on its own. labels: [B], i32 or
// i64; the result is a new tensor of the same. Whether label i goes depends on the generator's
// state and i alone, and any probability moves the generator on equally far, so that what is drawn
// after it does not change with it. Throws std::invalid_argument for other labels, a null label
// that their dtype does not hold, or unless 0 <= probability <= 1.
Tensor DropLabels(const Tensor& labels, double probability, int64_t null_label,
                  autograd::Generator& generator);

}  // namespace flowmatch

#endif  // FLOWMATCH_GUIDANCE_LABEL_DROPOUT_H_
