// Parallel loops and teams of threads, with results that do not depend on how many threads there
// are.
//
// ParallelFor cuts the range [0, n) into chunks of `grain` elements. Where the cuts are depends on
// n and grain alone, so a loop that writes one partial sum for each chunk, added up in chunk order
// afterwards, gives the same bytes on one thread and on sixteen. ParallelTeam runs one function on
// several threads that may wait for each other at barriers, for fused kernels that would otherwise
// pay for several regions.
//
// A warm region costs about a microsecond: choose the grain so that a chunk is worth several. Loops
// of one chunk, loops inside another parallel loop, and everything under a SerialScope run on the
// calling thread without entering a region. So do loops started while another thread of the program
// is inside a region: one region at a time keeps the machine from being oversubscribed, and the
// results are the same.
//
// The number of threads is OMP_NUM_THREADS where that is set, otherwise the number of processors
// this process may use (its affinity mask and the CPU quota of its cgroup).
//
// After fork(), a child of a process that had entered a region runs everything on the calling
// thread, because the worker threads did not survive the fork.
//
// Example:
//   std::vector<double> x(1000000, 0.5), partial((x.size() + 65535) / 65536);
//   ParallelFor(static_cast<int64_t>(x.size()), 65536, [&](int64_t begin, int64_t end) {
//     double sum = 0;
//     for (int64_t i = begin; i < end; ++i) sum += x[static_cast<size_t>(i)];
//     partial[static_cast<size_t>(begin / 65536)] = sum;
//   });
//   double total = 0;
//   for (double sum : partial) total += sum;
//   std::cout << total << " on " << NumThreads() << " threads\n";  // always 500000
#ifndef AUTOGRAD_PARALLEL_PARALLEL_H_
#define AUTOGRAD_PARALLEL_PARALLEL_H_

#include <cstdint>
#include <stdexcept>

#include "absl/functional/function_ref.h"

namespace autograd {

// The largest number SetNumThreads and OMP_NUM_THREADS can ask for.
inline constexpr int kMaxThreads = 256;

// The number of threads a parallel loop uses at most, the calling one included; at least 1.
int NumThreads();

// Sets NumThreads() for the whole process, from the next region on. More threads than processors
// are allowed. Throws std::invalid_argument unless 1 <= threads <= kMaxThreads.
void SetNumThreads(int threads);

// Calls body(begin, end) once for each chunk [i * grain, min(n, (i + 1) * grain)), i = 0 ... ceil(n
// / grain) - 1. A thread goes through a contiguous run of chunks in ascending order, and then
// through what slower threads have left, from their runs' ends; different chunks run in any order
// or at the same time. Does nothing for n == 0.
//
// If chunks throw, the exception of the lowest such chunk is rethrown to the caller once every
// thread has stopped; which of the later chunks have run by then is not specified. Throws
// std::invalid_argument if n < 0 or grain < 1.
void ParallelFor(int64_t n, int64_t grain, absl::FunctionRef<void(int64_t, int64_t)> body);

// What a thread does before its first chunk and after its last one, whether or not chunks throw:
// for state of the processor that the body needs and that takes as long to set up as a small chunk.
// Either may be null; neither may throw.
struct ThreadSetup {
  void (*begin)() = nullptr;
  void (*end)() = nullptr;
};

// As above, each thread that takes part within a `setup`. Not for bodies with inner loops of the
// same setup, whose end would be that of the outer one too.
void ParallelFor(int64_t n, int64_t grain, const ThreadSetup& setup,
                 absl::FunctionRef<void(int64_t, int64_t)> body);

// Thrown by Team::Barrier when the barrier can never be reached by everyone, because another member
// threw or returned. A body that catches it must return soon. ParallelTeam rethrows it only if no
// member threw anything else, which means that the members did not all pass the same number of
// barriers.
class TeamAborted : public std::runtime_error {
 public:
  TeamAborted();
};

namespace internal {
class TeamBarrier;
}  // namespace internal

// One member's view of a team of threads.
class Team {
 public:
  // barrier is null in a team of one.
  Team(int rank, int size, internal::TeamBarrier* barrier)
      : rank_(rank), size_(size), barrier_(barrier) {}

  // 0 ... size() - 1; rank 0 is the thread that called ParallelTeam.
  int rank() const { return rank_; }
  int size() const { return size_; }

  // Waits until every member has called Barrier as often as this one; what they wrote before is
  // visible after. Throws TeamAborted.
  void Barrier();

 private:
  int rank_;
  int size_;
  internal::TeamBarrier* barrier_;
};

// Calls body(team) once on each of team.size() threads, 1 <= team.size() <= max(1,
// min(threads_wanted, NumThreads())). The size may be smaller than wanted for any of the reasons
// given above, so results must not depend on it: divide the work by its size, and let member r take
// the pieces r, r + size, r + 2 size ...
//
// If a member throws, the others get TeamAborted from their next barrier, and the exception of the
// lowest rank is rethrown to the caller (TeamAborted only if there is no other). Throws
// std::invalid_argument if threads_wanted < 1.
void ParallelTeam(int threads_wanted, absl::FunctionRef<void(Team&)> body);

// True on a thread that is inside ParallelFor or ParallelTeam, or under a SerialScope: loops
// started here are serial.
bool InParallelRegion();

// While one lives, loops and teams started on this thread run on this thread alone. For threads
// that work in the background, such as one that prepares the next batch, so that they leave the
// processors to the training step.
class SerialScope {
 public:
  SerialScope();
  ~SerialScope();
  SerialScope(const SerialScope&) = delete;
  SerialScope& operator=(const SerialScope&) = delete;

 private:
  bool before_;
};

}  // namespace autograd

#endif  // AUTOGRAD_PARALLEL_PARALLEL_H_
