// What parallel.cc needs from OpenMP or from std::thread: run a function on several threads at
// once.
#ifndef AUTOGRAD_PARALLEL_BACKEND_H_
#define AUTOGRAD_PARALLEL_BACKEND_H_

#include "absl/functional/function_ref.h"

namespace autograd::internal {

// Calls member(rank, size) on up to `threads` threads at once, rank 0 on the calling one, and
// returns when all have returned; size is the number of threads there really are. member must not
// throw. The caller sees to it that only one call is in progress in the process.
void RunOnThreads(int threads, absl::FunctionRef<void(int rank, int size)> member);

// Whether the caller is inside a region of the back end that this library did not start, where
// nesting would oversubscribe the machine.
bool InForeignRegion();

}  // namespace autograd::internal

#endif  // AUTOGRAD_PARALLEL_BACKEND_H_
