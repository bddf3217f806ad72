#include "nn/data/prefetcher.h"

#include <algorithm>
#include <utility>

#include "autograd/grad_mode.h"
#include "autograd/parallel/parallel.h"

namespace nn::internal {

Prefetcher::Prefetcher(std::function<Batch()> make, size_t capacity)
    : make_(std::move(make)),
      capacity_(std::max<size_t>(1, capacity)),
      thread_([this] { Run(); }) {}

Prefetcher::~Prefetcher() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

Prefetcher::Batch Prefetcher::Next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !ready_.empty() || error_ != nullptr; });
  if (ready_.empty()) std::rethrow_exception(error_);
  Batch batch = std::move(ready_.front());
  ready_.pop_front();
  lock.unlock();
  changed_.notify_all();
  return batch;
}

void Prefetcher::Run() {
  const autograd::SerialScope serial;
  const autograd::NoGrad no_grad;
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stop_ || ready_.size() < capacity_; });
    if (stop_) return;
    lock.unlock();
    Batch batch;
    std::exception_ptr error;
    try {
      batch = make_();
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    if (error != nullptr) {
      error_ = std::move(error);
    } else {
      ready_.push_back(std::move(batch));
    }
    changed_.notify_all();
    if (error_ != nullptr) return;
  }
}

}  // namespace nn::internal
