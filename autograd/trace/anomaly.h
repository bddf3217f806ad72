// Anomaly mode: stop at the first operation whose result or gradient is not finite.
//
// Off by default, since it reads every result once more. AUTOGRAD_ANOMALY=1 in the environment
// switches it on for a whole program.
//
// Example:
//   #include "autograd/errors.h"
//   #include "autograd/ops/creation.h"
//   #include "autograd/ops/unary.h"
//   AnomalyMode guard;
//   try {
//     Tensor x = Log(Zeros({2}).set_requires_grad(true));
//   } catch (const NumericalError& error) {
//     // Log: the result [2] f32 has a value that is not finite: -inf at index 0
//     std::cout << error.what() << "\n";
//   }
#ifndef AUTOGRAD_TRACE_ANOMALY_H_
#define AUTOGRAD_TRACE_ANOMALY_H_

#include "autograd/tensor.h"

namespace autograd {

// While one lives, in all threads, an operation whose result, or whose derivative for an input,
// holds an infinity or NaN throws NumericalError naming it: "Log: the result [2] f32 ...", or "in
// the derivative of Sqrt, Div: the result [2] f32 ..." for an operation of Sqrt's derivative. May
// be nested.
class AnomalyMode {
 public:
  AnomalyMode();
  ~AnomalyMode();
  AnomalyMode(const AnomalyMode&) = delete;
  AnomalyMode& operator=(const AnomalyMode&) = delete;
};

// True if no element is an infinity or NaN. Always true for integers and bool.
bool AllFinite(const Tensor& x);

}  // namespace autograd

#endif  // AUTOGRAD_TRACE_ANOMALY_H_
