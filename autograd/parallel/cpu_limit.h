// How many processors this process may use.
#ifndef AUTOGRAD_PARALLEL_CPU_LIMIT_H_
#define AUTOGRAD_PARALLEL_CPU_LIMIT_H_

#include <string>

namespace autograd::internal {

// The number of processors in the affinity mask, at most CgroupCpuLimit(""); at least 1.
int AvailableCpus();

// The CPU quota of this process's cgroup and those above it, versions 1 and 2, in processors
// rounded up; 0 if there is no limit. Reads root + "/proc/self/cgroup" and below root +
// "/sys/fs/cgroup"; root is for tests.
int CgroupCpuLimit(const std::string& root);

// The first number of OMP_NUM_THREADS's value ("4" or "4,2"), at most `max`; 0 if value is null or
// not such a number.
int ParseOmpNumThreads(const char* value, int max);

}  // namespace autograd::internal

#endif  // AUTOGRAD_PARALLEL_CPU_LIMIT_H_
