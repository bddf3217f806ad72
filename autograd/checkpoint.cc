#include "autograd/checkpoint.h"

#include <stdexcept>
#include <string>

#include "autograd/checkpoint_frame.h"
#include "autograd/grad_mode.h"

namespace autograd {
namespace internal {
namespace {

[[noreturn]] void ThrowDifferent(const std::string& what) {
  throw std::invalid_argument("Checkpoint: the function did other operations the second time: " +
                              what);
}

}  // namespace

std::shared_ptr<CheckpointFrame>& ActiveCheckpointFrame() {
  thread_local std::shared_ptr<CheckpointFrame> active;
  return active;
}

int64_t CheckpointFrame::Save(const Tensor& value) {
  if (phase_ != Phase::kAgain) {
    slots_.push_back({value.Detach(), value.shape(), value.dtype(), value.version()});
    return static_cast<int64_t>(slots_.size()) - 1;
  }
  if (replayed_ == slots_.size()) ThrowDifferent("it saved more tensors");
  Slot& slot = slots_[replayed_];
  if (slot.shape != value.shape() || slot.dtype != value.dtype()) {
    ThrowDifferent("saved tensor " + std::to_string(replayed_) + " is " + Describe(value) +
                   ", it was " + slot.shape.ToString() + " " + DTypeName(slot.dtype));
  }
  slot.value = value.Detach();
  slot.version = value.version();
  return static_cast<int64_t>(replayed_++);
}

void CheckpointFrame::EndFirstRun() {
  DropAll();
  phase_ = Phase::kIdle;
}

Tensor CheckpointFrame::Load(int64_t slot) {
  Slot& saved = slots_[static_cast<size_t>(slot)];
  if (!saved.value.defined()) RunAgain();
  if (saved.value.version() != saved.version) {
    throw std::invalid_argument("Checkpoint: a saved tensor " + Describe(saved.value) +
                                " was changed in place: saved at version " +
                                std::to_string(saved.version) + ", now at version " +
                                std::to_string(saved.value.version()));
  }
  return saved.value;
}

void CheckpointFrame::RunAgain() {
  if (phase_ != Phase::kIdle) ThrowDifferent("it differentiates what the first run recorded");
  phase_ = Phase::kAgain;
  replayed_ = 0;
  try {
    run_again_();
    if (replayed_ < slots_.size()) ThrowDifferent("it saved fewer tensors");
  } catch (...) {
    // Whoever asks next runs it again, from the start.
    DropAll();
    phase_ = Phase::kIdle;
    throw;
  }
  phase_ = Phase::kIdle;
}

void CheckpointFrame::Drop(int64_t slot) {
  // Nodes of the second run are dropped at once, while the values are still wanted.
  if (phase_ != Phase::kAgain) slots_[static_cast<size_t>(slot)].value = Tensor();
}

void CheckpointFrame::DropAll() {
  for (Slot& slot : slots_) slot.value = Tensor();
}

}  // namespace internal

std::vector<Tensor> Checkpoint(
    std::function<std::vector<Tensor>(const std::vector<Tensor>&)> function,
    const std::vector<Tensor>& inputs) {
  if (!GradEnabled()) return function(inputs);
  using internal::CheckpointFrame;
  using internal::CheckpointFrameGuard;
  // The frame runs the function under itself; it must not own itself.
  auto self = std::make_shared<std::weak_ptr<CheckpointFrame>>();
  std::vector<uint32_t> versions;
  for (const Tensor& input : inputs) versions.push_back(input.defined() ? input.version() : 0);
  auto frame = std::make_shared<CheckpointFrame>([function, inputs, versions, self] {
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (!inputs[i].defined() || inputs[i].version() == versions[i]) continue;
      throw std::invalid_argument(
          "Checkpoint: input " + std::to_string(i) + " " + Describe(inputs[i]) +
          " was changed in place since the function ran: version " + std::to_string(versions[i]) +
          " then, now " + std::to_string(inputs[i].version()));
    }
    const CheckpointFrameGuard guard(self->lock());
    const EnableGrad recording;
    function(inputs);
  });
  *self = frame;
  const CheckpointFrameGuard guard(frame);
  std::vector<Tensor> outputs = function(inputs);
  frame->EndFirstRun();
  return outputs;
}

Tensor Checkpoint(std::function<Tensor(const Tensor&)> function, const Tensor& input) {
  return Checkpoint(
      [function = std::move(function)](const std::vector<Tensor>& inputs) {
        return std::vector<Tensor>{function(inputs[0])};
      },
      {input})[0];
}

}  // namespace autograd
