// The exceptions for what can go wrong although the program is right: a computation leaves the
// range of its numbers, or memory runs out. Misuse of the API throws std::invalid_argument, and
// files, flags and data return absl::Status.
//
// Example:
//   try {
//     throw OutOfMemoryError("Matmul: cannot allocate 8589934592 bytes");
//   } catch (const OutOfMemoryError& error) {
//     std::cout << error.what() << "\n";  // then use a smaller batch
//   }
#ifndef AUTOGRAD_ERRORS_H_
#define AUTOGRAD_ERRORS_H_

#include <stdexcept>

namespace autograd {

// A step size underflowed, an iteration did not converge, a loss or a gradient is not finite. The
// message names the operation, and the iteration or the parameter where there is one.
class NumericalError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The system has no more memory, or the limit of SetMemoryLimit would be exceeded. The message
// names the operation, the bytes it wanted, the bytes in use and the limit.
class OutOfMemoryError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace autograd

#endif  // AUTOGRAD_ERRORS_H_
