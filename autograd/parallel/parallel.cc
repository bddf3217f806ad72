#include "autograd/parallel/parallel.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <limits>
#include <mutex>
#include <stdexcept>
#include <string>

#include "absl/cleanup/cleanup.h"
#include "autograd/parallel/backend.h"
#include "autograd/parallel/cpu_limit.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace autograd {
namespace internal {

// What threads share stands on a cache line of its own. Not under AddressSanitizer, where gcc 12
// gives local objects no more than 32 bytes of alignment, and UndefinedBehaviorSanitizer notices.
#ifdef __SANITIZE_ADDRESS__
constexpr size_t kCacheLine = alignof(std::max_align_t);
#else
constexpr size_t kCacheLine = 64;
#endif

// A barrier that can be broken. state_ is twice the number of rounds completed, plus 1 once
// somebody has left, so a member that waits for its round learns of either from the same word.
class alignas(kCacheLine) TeamBarrier {
 public:
  // `size` is the number of members, the same in every call.
  void Wait(int size) {
    const uint32_t before = state_.load();
    if ((before & kBroken) != 0) throw TeamAborted();
    if (arrived_.fetch_add(1) + 1 == size) {
      arrived_.store(0);
      state_.fetch_add(kRound);
      state_.notify_all();
      return;
    }
    uint32_t now = state_.load();
    for (int i = 0; now == before && i < Spins(); ++i, now = state_.load()) Pause();
    for (; now == before; now = state_.load()) state_.wait(before);
    // A round that was completed counts, even if somebody has left since.
    if (now / kRound == before / kRound) throw TeamAborted();
  }

  // A member that has thrown or returned attends no further round.
  void Leave() {
    state_.fetch_or(kBroken);
    state_.notify_all();
  }

 private:
  static constexpr uint32_t kBroken = 1, kRound = 2;

  // Some 30 microseconds, unless spinning would only keep the processor from the member that is
  // waited for.
  static int Spins() {
    static const int cpus = AvailableCpus();
    return NumThreads() <= cpus ? 1000 : 10;
  }

  static void Pause() {
#ifdef __x86_64__
    _mm_pause();
#endif
  }

  std::atomic<int> arrived_{0};
  std::atomic<uint32_t> state_{0};
};

namespace {

std::atomic<int> num_threads{0};         // 0 until it is first asked for.
std::atomic<bool> region_active{false};  // Some thread of this process is inside a region.
std::atomic<bool> forked{false};         // This process has lost the workers of its parent.
thread_local bool serial_here = false;

int InitialNumThreads() {
  const int wanted = ParseOmpNumThreads(std::getenv("OMP_NUM_THREADS"), kMaxThreads);
  return wanted > 0 ? wanted : std::min(AvailableCpus(), kMaxThreads);
}

// Keeps the exception of the lowest place; those raised because another member had failed give way
// to any other.
class FirstException {
 public:
  void Capture(int64_t place, bool is_consequence) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const int64_t order = is_consequence ? kConsequence : place;
    if (exception_ != nullptr && order >= order_.load(std::memory_order_relaxed)) return;
    exception_ = std::current_exception();
    order_.store(order, std::memory_order_relaxed);
  }
  // Whether an exception from this place would be kept.
  bool IsBefore(int64_t place) const { return place < order_.load(std::memory_order_relaxed); }
  void Rethrow() {
    if (exception_ != nullptr) std::rethrow_exception(exception_);
  }

 private:
  static constexpr int64_t kConsequence = std::numeric_limits<int64_t>::max();

  std::mutex mutex_;
  std::atomic<int64_t> order_{kConsequence};
  std::exception_ptr exception_;
};

// The right to enter a region; held by at most one thread of the process.
class RegionLock {
 public:
  RegionLock() {
    if (serial_here || forked.load(std::memory_order_relaxed) || InForeignRegion()) return;
    held_ = !region_active.exchange(true, std::memory_order_acquire);
    if (held_) RegisterForkHandler();
  }
  ~RegionLock() {
    if (held_) region_active.store(false, std::memory_order_release);
  }
  RegionLock(const RegionLock&) = delete;
  RegionLock& operator=(const RegionLock&) = delete;

  bool held() const { return held_; }

 private:
  static void RegisterForkHandler() {
    static const int result = pthread_atfork(
        nullptr, nullptr, +[] { forked.store(true, std::memory_order_relaxed); });
    static_cast<void>(result);
  }

  bool held_ = false;
};

// A thread's part of a loop with a setup.
class SetupScope {
 public:
  explicit SetupScope(const ThreadSetup& setup) : setup_(setup) {
    if (setup_.begin != nullptr) setup_.begin();
  }
  ~SetupScope() {
    if (setup_.end != nullptr) setup_.end();
  }
  SetupScope(const SetupScope&) = delete;
  SetupScope& operator=(const SetupScope&) = delete;

 private:
  const ThreadSetup setup_;
};

// The chunks of a loop.
struct Chunks {
  int64_t n, grain;
  ThreadSetup setup;
  absl::FunctionRef<void(int64_t, int64_t)> body;

  int64_t count() const { return n / grain + (n % grain != 0); }
  void Run(int64_t chunk) const {
    const int64_t begin = chunk * grain;
    body(begin, n - begin < grain ? n : begin + grain);
  }
  void RunAll() const {
    if (n == 0) return;
    const SetupScope scope(setup);
    const int64_t all = count();
    for (int64_t chunk = 0; chunk < all; ++chunk) Run(chunk);
  }
};

// The chunks that are left of a thread's run. Its owner takes them from the front, and others, when
// they have nothing left of their own, from the back: so a thread whose processor is slower or
// shared with another program delays nobody by more than a chunk, and the others keep to what is
// near in their caches.
class alignas(kCacheLine) ChunkRun {
 public:
  static constexpr int64_t kMaxChunks = int64_t{1} << 32;  // one less can be counted

  void Set(int64_t first, int64_t last) {
    left_.store(Pack(first, last), std::memory_order_relaxed);
  }
  // Returns -1 if none is left.
  int64_t TakeFirst() {
    return Take(Pack(1, 0), [](uint64_t run) { return First(run); });
  }
  int64_t TakeLast() {
    return Take(~uint64_t{0}, [](uint64_t run) { return Last(run) - 1; });
  }

 private:
  static uint64_t Pack(int64_t first, int64_t last) {
    return static_cast<uint64_t>(first) << 32 | static_cast<uint64_t>(last);
  }
  static int64_t First(uint64_t run) { return static_cast<int64_t>(run >> 32); }
  static int64_t Last(uint64_t run) { return static_cast<int64_t>(run & 0xffffffff); }

  // Adds `change` to a run that is not empty; what the chunks wrote is made visible by the end of
  // the region.
  template <class Taken>
  int64_t Take(uint64_t change, Taken taken) {
    uint64_t run = left_.load(std::memory_order_relaxed);
    do {
      if (First(run) >= Last(run)) return -1;
    } while (!left_.compare_exchange_weak(run, run + change, std::memory_order_relaxed));
    return taken(run);
  }

  std::atomic<uint64_t> left_{0};
};

// One for each thread of a region, of which there is only one at a time.
ChunkRun chunk_runs[kMaxThreads];

void CutIntoRuns(int64_t chunks, int runs) {
  const int64_t each = chunks / runs, extra = chunks % runs;
  for (int64_t i = 0, first = 0; i < runs; ++i) {
    const int64_t last = first + each + (i < extra);
    chunk_runs[i].Set(first, last);
    first = last;
  }
}

// What thread `rank` does of `runs` runs. After an exception only chunks before it still matter.
void TakeChunks(const Chunks& chunks, int rank, int runs, FirstException& exception) {
  const SetupScope scope(chunks.setup);
  const auto run = [&](int64_t chunk) {
    if (!exception.IsBefore(chunk)) return;
    try {
      chunks.Run(chunk);
    } catch (...) {
      exception.Capture(chunk, false);
    }
  };
  int64_t chunk;
  while ((chunk = chunk_runs[rank].TakeFirst()) >= 0) run(chunk);
  for (int i = 1; i < runs; ++i) {
    ChunkRun& other = chunk_runs[(rank + i) % runs];
    while ((chunk = other.TakeLast()) >= 0) run(chunk);
  }
}

// All that the threads of a region read, together so that it takes one cache line to them.
template <class Member>
struct alignas(internal::kCacheLine) Region {
  int wanted;
  Member member;
  FirstException exception;

  static void Run(void* context, int rank, int available) {
    auto* const region = static_cast<Region*>(context);
    const int size = std::min(region->wanted, available);
    if (rank >= size) return;
    const SerialScope nested_loops_are_serial;
    try {
      region->member(rank, size, region->exception);
    } catch (const TeamAborted&) {
      region->exception.Capture(rank, true);
    } catch (...) {
      region->exception.Capture(rank, false);
    }
  }
};

// Calls prepare() and then member(rank, size, exception) on up to `wanted` threads, and rethrows
// the exception that was kept; or returns false at once if the caller may not enter a region now.
// The region always has NumThreads() threads, and those not wanted return at once: libgomp ends and
// restarts its threads when the size of a team changes.
template <class Prepare, class Member>
bool TryRegion(int wanted, Prepare prepare, const Member& member) {
  Region<Member> region{wanted, member, {}};
  {
    const RegionLock lock;
    if (!lock.held()) return false;
    prepare();
    RunOnThreads(NumThreads(), &Region<Member>::Run, &region);
  }
  region.exception.Rethrow();
  return true;
}

}  // namespace
}  // namespace internal

TeamAborted::TeamAborted()
    : std::runtime_error(
          "Team::Barrier: another member of the team threw or returned before this barrier") {}

void Team::Barrier() {
  if (barrier_ != nullptr) barrier_->Wait(size_);
}

int NumThreads() {
  int threads = internal::num_threads.load(std::memory_order_relaxed);
  if (threads > 0) return threads;
  const int initial = internal::InitialNumThreads();
  // Another thread may have set it meanwhile; what was set counts.
  return internal::num_threads.compare_exchange_strong(threads, initial) ? initial : threads;
}

void SetNumThreads(int threads) {
  if (threads < 1 || threads > kMaxThreads) {
    throw std::invalid_argument("SetNumThreads: threads = " + std::to_string(threads) +
                                ", expected 1 to " + std::to_string(kMaxThreads));
  }
  internal::num_threads.store(threads, std::memory_order_relaxed);
}

void ParallelFor(int64_t n, int64_t grain, absl::FunctionRef<void(int64_t, int64_t)> body) {
  ParallelFor(n, grain, ThreadSetup(), body);
}

void ParallelFor(int64_t n, int64_t grain, const ThreadSetup& setup,
                 absl::FunctionRef<void(int64_t, int64_t)> body) {
  if (n < 0 || grain < 1) {
    throw std::invalid_argument("ParallelFor: n = " + std::to_string(n) + ", grain = " +
                                std::to_string(grain) + ", expected n >= 0 and grain >= 1");
  }
  const internal::Chunks chunks{n, grain, setup, body};
  const int wanted = static_cast<int>(std::min<int64_t>(NumThreads(), chunks.count()));
  if (wanted <= 1 || chunks.count() >= internal::ChunkRun::kMaxChunks) return chunks.RunAll();
  const bool done = internal::TryRegion(
      wanted, [&] { internal::CutIntoRuns(chunks.count(), wanted); },
      [&](int rank, int, internal::FirstException& exception) {
        internal::TakeChunks(chunks, rank, wanted, exception);
      });
  if (!done) chunks.RunAll();
}

void ParallelTeam(int threads_wanted, absl::FunctionRef<void(Team&)> body) {
  if (threads_wanted < 1) {
    throw std::invalid_argument("ParallelTeam: threads_wanted = " + std::to_string(threads_wanted) +
                                ", expected at least 1");
  }
  Team alone(0, 1, nullptr);
  const int wanted = std::min(NumThreads(), threads_wanted);
  if (wanted <= 1) return body(alone);
  internal::TeamBarrier barrier;
  const bool done = internal::TryRegion(
      wanted, [] {},
      [body, &barrier](int rank, int size, internal::FirstException&) {
        const auto leave = absl::MakeCleanup([&] { barrier.Leave(); });
        Team team(rank, size, &barrier);
        body(team);
      });
  if (!done) body(alone);
}

bool InParallelRegion() { return internal::serial_here; }

SerialScope::SerialScope() : before_(internal::serial_here) { internal::serial_here = true; }
SerialScope::~SerialScope() { internal::serial_here = before_; }

}  // namespace autograd
