// The only file of the project that is compiled with OpenMP.
#include <omp.h>

#include "autograd/parallel/backend.h"

namespace autograd::internal {

void RunOnThreads(int threads, void (*member)(void*, int, int), void* context) {
#pragma omp parallel num_threads(threads)
  member(context, omp_get_thread_num(), omp_get_num_threads());
}

bool InForeignRegion() { return omp_in_parallel() != 0; }

}  // namespace autograd::internal
