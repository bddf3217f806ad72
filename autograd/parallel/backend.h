// What parallel.cc needs from OpenMP or from std::thread: run a function on several threads at
// once.
#ifndef AUTOGRAD_PARALLEL_BACKEND_H_
#define AUTOGRAD_PARALLEL_BACKEND_H_

namespace autograd::internal {

// Calls member(context, rank, size) on up to `threads` threads at once, rank 0 on the calling one,
// and returns when all have returned; size is the number of threads there really are. member must
// not throw. The caller sees to it that only one call is in progress in the process.
//
// A plain function and a pointer, because each further object a worker has to read from the
// caller's stack costs it a transfer between processors, some 100 ns.
void RunOnThreads(int threads, void (*member)(void* context, int rank, int size), void* context);

// Whether the caller is inside a region of the back end that this library did not start, where
// nesting would oversubscribe the machine.
bool InForeignRegion();

}  // namespace autograd::internal

#endif  // AUTOGRAD_PARALLEL_BACKEND_H_
