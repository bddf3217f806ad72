// Classifier-free guidance: samples that follow their label more closely than the data does (Ho and
// Salimans 2207.12598; for velocities, Zheng et al. 2311.13443).
//
// A model trained with some of its labels replaced by a null label (label_dropout.h) knows two
// velocities at a point: v_c, given the label, and v_u, given none. Sampling follows
//
//     v = v_u + scale (v_c - v_u),
//
// so that scale 0 is the unconditional model, 1 the conditional one, and more exaggerates what the
// label changes. Both come from one call of the model: the batch with its labels, and once more
// those of its samples that are guided. (Before a UNet first adds its label to an image, both
// halves are the same. That is 1.2 % of the multiplications of the one in examples/mnist, and one
// image written twice costs about as much, so it is computed twice.)
//
// Two refinements. Guidance only inside an interval of times, with plain v_c outside, keeps samples
// varied and saves calls (Kynkaanniemi et al. 2404.07724). Rescaling brings the spread of
// each sample's velocity back towards that of v_c, against washed-out results at large scales (Lin
// et al. 2305.08891, section 3.4): phi v std(v_c) / std(v) + (1 - phi) v, with std over the
// elements of a sample.
//
// Example:
//   // A model of two classes around -2 and 2, whose null label 0 knows only their middle.
//   auto model = [](const Tensor& x, const Tensor& t, const Tensor& labels) {
//     Tensor centres = Tensor::FromVector<float>({0, -2, 2}, {3, 1});
//     return IndexSelect(centres, 0, labels) - x;
//   };
//   Tensor labels = Tensor::FromVector<int64_t>({0, 1, 2}, {3});
//   ClassifierFreeGuidance guided(model, labels, {.scale = 4});
//   NoGrad guard;
//   Tensor x = SolveOde(guided, Zeros({3, 1}), {0, 1}, {.method = OdeMethod::kEuler}).x;
#ifndef FLOWMATCH_GUIDANCE_CLASSIFIER_FREE_GUIDANCE_H_
#define FLOWMATCH_GUIDANCE_CLASSIFIER_FREE_GUIDANCE_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "autograd/tensor.h"
#include "flowmatch/path/scheduler.h"
#include "flowmatch/solver/ode_solver.h"

namespace flowmatch {

// v(x, t, labels): x [B, ...], t [B] of x's dtype, labels [B]; the result has x's shape and dtype.
using ConditionalVelocity =
    std::function<Tensor(const Tensor& x, const Tensor& t, const Tensor& labels)>;

struct GuidanceOptions {
  double scale = 1;
  // The label that stands for none, as label dropout wrote it in training.
  int64_t null_label = 0;
  // Guidance acts at times first <= t <= last, rounded to t's dtype; elsewhere the scale is 1.
  TimeRange interval = {0, 1};
  // phi: 0 leaves the velocity, 1 gives each sample the spread of v_c.
  double rescale = 0;
};

// A VelocityField for the labels of one batch.
//
// What does not need both velocities is computed from one, and so exact to the bit: scale 1 and
// times outside the interval are v(x, t, labels), scale 0 is v(x, t, null label), rescaled or not.
// Samples whose label is the null label get v_c whatever the scale. Differentiable in x and in the
// model's parameters.
class ClassifierFreeGuidance {
 public:
  // labels: [B], i32 or i64, copied. Throws std::invalid_argument for an empty function, other
  // labels, a null label that their dtype does not hold, a scale that is not finite, an interval
  // that is empty or NaN, or a rescale outside [0, 1].
  ClassifierFreeGuidance(ConditionalVelocity v, const Tensor& labels,
                         const GuidanceOptions& options = {});

  // x [B, ...] (f32 or f64), t [B] of x's dtype; the result has x's shape. Calls v once, with B to
  // 2 B samples: the batch with its labels, then with null labels those that guidance acts on (not
  // where the label is the null label or the time is outside the interval).
  // Throws std::invalid_argument for another B or dtype, or if v returns another shape or dtype.
  Tensor operator()(const Tensor& x, const Tensor& t) const;

  const GuidanceOptions& options() const { return options_; }

 private:
  Tensor Evaluate(const Tensor& x, const Tensor& t, const Tensor& labels) const;
  Tensor Guide(const Tensor& x, const Tensor& t, const std::vector<bool>& rows) const;

  ConditionalVelocity v_;
  GuidanceOptions options_;
  Tensor labels_;
  Tensor null_labels_;      // [B]
  std::vector<bool> null_;  // which of labels_ are the null label
};

}  // namespace flowmatch

#endif  // FLOWMATCH_GUIDANCE_CLASSIFIER_FREE_GUIDANCE_H_
