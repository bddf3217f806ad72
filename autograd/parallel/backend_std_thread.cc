// A pool of std::threads in OpenMP's place (--define=parallel=std_thread). ThreadSanitizer sees
// every synchronisation here, which it does not inside libgomp.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <system_error>
#include <thread>

#include "autograd/parallel/backend.h"

namespace autograd::internal {
namespace {

// Workers sleep on epoch_, and each epoch runs one member function. Everything else is written only
// between epochs.
class Pool {
 public:
  // Starts workers until there are `count`, or until the system refuses one. Returns how many there
  // are.
  int Grow(int count) {
    try {
      for (; workers_ < count; ++workers_) {
        // The epoch is passed along because a worker may start running only after the next one has
        // begun.
        std::thread([this, rank = workers_ + 1, epoch = epoch_.load()] {
          Work(rank, epoch);
        }).detach();
      }
    } catch (const std::system_error&) {
    }
    return workers_;
  }

  void Run(int size, void (*member)(void*, int, int), void* context) {
    member_ = member;
    context_ = context;
    size_ = size;
    running_.store(workers_);
    epoch_.fetch_add(1);
    epoch_.notify_all();
    member(context, 0, size);
    for (int left = running_.load(); left != 0; left = running_.load()) running_.wait(left);
  }

 private:
  [[noreturn]] void Work(int rank, uint32_t epoch) {
    for (;;) {
      epoch_.wait(epoch);
      ++epoch;
      if (rank < size_) member_(context_, rank, size_);
      if (running_.fetch_sub(1) == 1) running_.notify_one();
    }
  }

  int workers_ = 0;
  int size_ = 0;
  void (*member_)(void*, int, int) = nullptr;
  void* context_ = nullptr;
  std::atomic<uint32_t> epoch_{0};
  std::atomic<int> running_{0};
};

}  // namespace

void RunOnThreads(int threads, void (*member)(void*, int, int), void* context) {
  static Pool* const pool = new Pool;  // Never destroyed: its threads outlive main().
  pool->Run(std::min(threads, pool->Grow(threads - 1) + 1), member, context);
}

bool InForeignRegion() { return false; }

}  // namespace autograd::internal
