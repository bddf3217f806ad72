// Ctrl-C as a question a training loop asks, so that it can save what it has.
//
// Example:
//   examples::InterruptGuard guard;
//   while (!guard.interrupted()) break;  // one step of training
#ifndef EXAMPLES_COMMON_INTERRUPT_H_
#define EXAMPLES_COMMON_INTERRUPT_H_

#include <signal.h>

namespace examples {

// What a shell reports of a program ended by Ctrl-C.
inline constexpr int kInterruptedExitCode = 130;

// While it lives, SIGINT and SIGTERM only set a flag; a second one ends the program at once. One at
// a time.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  bool interrupted() const;

 private:
  struct sigaction before_int_, before_term_;
};

}  // namespace examples

#endif  // EXAMPLES_COMMON_INTERRUPT_H_
