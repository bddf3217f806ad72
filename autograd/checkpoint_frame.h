// How a checkpointed region stands in for saved tensors. See checkpoint.h.
#ifndef AUTOGRAD_CHECKPOINT_FRAME_H_
#define AUTOGRAD_CHECKPOINT_FRAME_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "autograd/intrusive_ptr.h"
#include "autograd/tensor.h"

namespace autograd::internal {

// While a region runs under a frame, saved tensors are numbered, and kept no longer than the region
// runs. The first one asked for later runs the region again, and each is then found by its number.
class CheckpointFrame {
 public:
  explicit CheckpointFrame(std::function<void()> run_again) : run_again_(std::move(run_again)) {}

  // Notes one more saved tensor and returns its number.
  int64_t Save(const Tensor& value);
  // Drops the values: the region has run for the first time.
  void EndFirstRun();
  // Saved tensor number `slot`, running the region again if that was not done yet.
  // Throws std::invalid_argument if the second run saved other tensors than the first or changed
  // one in place after it was saved, and what the region throws; it runs anew the next time.
  Tensor Load(int64_t slot);
  void Drop(int64_t slot);

 private:
  enum class Phase { kFirst, kIdle, kAgain };
  struct Slot {
    Tensor value;
    Shape shape;
    DType dtype;
    uint32_t version;  // of the value when it was saved
  };
  void RunAgain();
  void DropAll();

  std::function<void()> run_again_;
  std::vector<Slot> slots_;
  size_t replayed_ = 0;
  Phase phase_ = Phase::kFirst;
};

// The frame saved tensors go to in this thread; null: they are kept.
std::shared_ptr<CheckpointFrame>& ActiveCheckpointFrame();

// Sets the active frame while it lives.
class CheckpointFrameGuard {
 public:
  explicit CheckpointFrameGuard(std::shared_ptr<CheckpointFrame> frame)
      : previous_(std::exchange(ActiveCheckpointFrame(), std::move(frame))) {}
  ~CheckpointFrameGuard() { ActiveCheckpointFrame() = std::move(previous_); }
  CheckpointFrameGuard(const CheckpointFrameGuard&) = delete;
  CheckpointFrameGuard& operator=(const CheckpointFrameGuard&) = delete;

 private:
  std::shared_ptr<CheckpointFrame> previous_;
};

// What a SavedTensor remembers in place of its value.
struct CheckpointedTensor {
  std::shared_ptr<CheckpointFrame> frame;
  int64_t slot = 0;
  // Where the value came from in the graph, for an input that is not a leaf.
  IntrusivePtr<Node> producer;
  uint32_t producer_output = 0;
};

}  // namespace autograd::internal

#endif  // AUTOGRAD_CHECKPOINT_FRAME_H_
