// Whether operations are recorded for differentiation, in the current thread.
//
// Example:
//   #include "autograd/tensor.h"
//   Tensor w = Tensor::FromVector<float>({1, 2}, {2}).set_requires_grad(true);
//   {
//     NoGrad guard;  // nothing below is recorded until the guard goes
//     Tensor copy = w.Detach();
//   }
#ifndef AUTOGRAD_GRAD_MODE_H_
#define AUTOGRAD_GRAD_MODE_H_

namespace autograd {
namespace internal {
inline thread_local bool recording_enabled = true;
}  // namespace internal

// True unless a NoGrad is in force in this thread.
inline bool GradEnabled() { return internal::recording_enabled; }

// Sets recording to `enabled` while it lives, and restores what was before.
class GradModeGuard {
 public:
  explicit GradModeGuard(bool enabled) : previous_(internal::recording_enabled) {
    internal::recording_enabled = enabled;
  }
  ~GradModeGuard() { internal::recording_enabled = previous_; }
  GradModeGuard(const GradModeGuard&) = delete;
  GradModeGuard& operator=(const GradModeGuard&) = delete;

 private:
  bool previous_;
};

// Operations run without being recorded: no graph, no saved tensors. Also what in-place functions
// ask for.
class NoGrad : public GradModeGuard {
 public:
  NoGrad() : GradModeGuard(false) {}
};

// Recording on again inside a NoGrad.
class EnableGrad : public GradModeGuard {
 public:
  EnableGrad() : GradModeGuard(true) {}
};

}  // namespace autograd

#endif  // AUTOGRAD_GRAD_MODE_H_
