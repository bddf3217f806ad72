// The time shift of Esser et al. 2403.03206, section 5.3.2: larger images keep more of their signal
// at the same noise level, so their times are moved towards the noise.
//
// With s = `shift`, the noise level sigma = 1 - t becomes s sigma / (1 + (s - 1) sigma): the ratio
// of signal to noise t / (1 - t) of straight paths is divided by s. s > 1 moves times towards the
// noise, 0 < s < 1 towards the data, and 1 leaves them. Some libraries state it by an exponent mu,
// with s = e^mu.
//
// Shifting is not idempotent: shifting by a and then by b is shifting by a b. Apply it once, to
// training times or to a grid for sampling (ShiftedTimeGrid in time_grid.h does it by itself).
//
// Example:
//   Generator generator(0);
//   Tensor t = ShiftTimes(Rand({256}, generator), 3);      // to train at
//   std::cout << ShiftTime(.5, 3) << "\n";                 // .25
//   std::cout << UnshiftTime(.25, 3) << "\n";              // .5
//   std::cout << ShiftTime(.5, ShiftOfExponent(1.1)) << "\n";  // 1 / (1 + e^1.1)
#ifndef FLOWMATCH_TIME_TIME_SHIFT_H_
#define FLOWMATCH_TIME_TIME_SHIFT_H_

#include "autograd/ops/creation.h"
#include "autograd/random/philox.h"
#include "autograd/tensor.h"

namespace flowmatch {

using autograd::Tensor;

// t / (t + shift (1 - t)); 0 and 1 stay exactly. Throws std::invalid_argument unless 0 <= t <= 1
// and shift > 0 is finite.
double ShiftTime(double t, double shift);

// Its inverse, shift t / (shift t + 1 - t). Throws as ShiftTime does.
double UnshiftTime(double t, double shift);

// The shift e^mu. Throws std::invalid_argument where it is not a positive finite number.
double ShiftOfExponent(double mu);

// ShiftTime of every element of t (f32 or f64, any shape), computed in double; not differentiable.
// Throws as ShiftTime does, and for another dtype.
Tensor ShiftTimes(const Tensor& t, double shift);

}  // namespace flowmatch

#endif  // FLOWMATCH_TIME_TIME_SHIFT_H_
