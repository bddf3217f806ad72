// Times to train at: how often a velocity model sees each part of the path from noise (t = 0) to
// data (t = 1).
//
// Uniform times weigh all of them alike. The others put more of the batch where the regression is
// hard: logit-normal, mode and cosmap times in the middle (Esser et al. 2403.03206, section 3.1,
// whose noise level is 1 - t), EDM's near the data (Karras et al. 2206.00364, table 1).
//
// All functions return n independent times [n], f32 or f64, computed in double and rounded once;
// time i depends on the generator's state and i alone. They throw std::invalid_argument naming the
// function and the argument for n < 0, another dtype, or a parameter out of its range. A model has
// to be sampled at times on this same scale.
//
// Example:
//   Generator generator(0);
//   Tensor t = LogitNormalTimes(256, 0, 1, generator);
//   t = ClampTimes(t, VPScheduler().training_times());  // this path is singular at t = 1
//   Tensor steps = DiscreteUniformTimes(256, 1000, generator);  // 0, .001, ..., .999
#ifndef FLOWMATCH_TIME_TIME_SAMPLER_H_
#define FLOWMATCH_TIME_TIME_SAMPLER_H_

#include <cstdint>

#include "autograd/dtype.h"
#include "autograd/random/philox.h"
#include "autograd/tensor.h"
#include "flowmatch/path/scheduler.h"

namespace flowmatch {

using autograd::Tensor;

// Uniform on [range.first, range.last): for training, scheduler.training_times(), which keeps off
// singular ends. Throws std::invalid_argument unless first < last, both finite.
Tensor UniformTimes(int64_t n, const TimeRange& range, autograd::Generator& generator,
                    autograd::DType dtype = autograd::DType::kF32);

// k / steps, with k uniform on 0 ... steps - 1: the times of a model trained on that many discrete
// steps. Throws std::invalid_argument unless 1 <= steps <= 2^24.
Tensor DiscreteUniformTimes(int64_t n, int64_t steps, autograd::Generator& generator,
                            autograd::DType dtype = autograd::DType::kF32);

// t = 1 - sigmoid(z) with z ~ N(mean, scale^2): the noise level 1 - t is logit-normal (Esser et
// al.). mean > 0 leans towards the noise. 0 or 1 only by rounding. Throws
// std::invalid_argument unless mean is finite and scale > 0.
Tensor LogitNormalTimes(int64_t n, double mean, double scale, autograd::Generator& generator,
                        autograd::DType dtype = autograd::DType::kF32);

// Noise level 1 - t = 1 - u - scale (cos(pi u / 2)^2 - 1 + u) with u uniform (Esser et al.,
// who use 1.29). scale > 0 favours the middle, scale < 0 the ends, and 0 is uniform.
// 1 only by rounding. Throws std::invalid_argument unless -1 <= scale <= 2 / (pi - 2), where the
// level falls with u.
Tensor ModeTimes(int64_t n, double scale, autograd::Generator& generator,
                 autograd::DType dtype = autograd::DType::kF32);

// t = 1 / (1 + sigma), at least 1e-4, with ln sigma ~ N(-1.2, 1.2^2), the noise levels of EDM's
// training.
Tensor EdmSkewedTimes(int64_t n, autograd::Generator& generator,
                      autograd::DType dtype = autograd::DType::kF32);

// t = 1 - 1 / (tan(pi u / 2) + 1) with u uniform: the signal to noise ratio of the cosine path, on
// straight ones (Esser et al.). Its density is 2 / (pi (1 - 2 t + 2 t^2)).
Tensor CosmapTimes(int64_t n, autograd::Generator& generator,
                   autograd::DType dtype = autograd::DType::kF32);

// Times of any shape moved into a closed range, whose ends stay inside when rounded to their dtype.
// Throws std::invalid_argument unless t is f32 or f64 and first < last, both finite.
Tensor ClampTimes(const Tensor& t, const TimeRange& range);

}  // namespace flowmatch

#endif  // FLOWMATCH_TIME_TIME_SAMPLER_H_
