// A thread that makes batches before they are asked for.
#ifndef NN_DATA_PREFETCHER_H_
#define NN_DATA_PREFETCHER_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "autograd/tensor.h"

namespace nn::internal {

class Prefetcher {
 public:
  using Batch = std::vector<autograd::Tensor>;

  // Starts the thread, which calls `make` again and again, records no graphs and enters no parallel
  // region. At most `capacity` batches, at least 1, wait or are being made.
  Prefetcher(std::function<Batch()> make, size_t capacity);
  // Waits for the batch being made, if there is one, and drops it with those that wait.
  ~Prefetcher();
  Prefetcher(const Prefetcher&) = delete;
  Prefetcher& operator=(const Prefetcher&) = delete;

  // The next batch, in the order they were made; waits for it. Once those made before an exception
  // have been handed out, rethrows it, at every call. For one thread at a time.
  Batch Next();

 private:
  void Run();

  const std::function<Batch()> make_;
  const size_t capacity_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  std::deque<Batch> ready_;
  std::exception_ptr error_;
  bool stop_ = false;
  // Last, so that everything it uses is there when it starts.
  std::thread thread_;
};

}  // namespace nn::internal

#endif  // NN_DATA_PREFETCHER_H_
