// Marks the run of one operation, for the trace (trace.h) and for errors that name the operation.
#ifndef AUTOGRAD_TRACE_OP_SCOPE_H_
#define AUTOGRAD_TRACE_OP_SCOPE_H_

#include <atomic>
#include <initializer_list>
#include <span>

#include "autograd/memory/operation_scope.h"
#include "autograd/tensor.h"

namespace autograd {
namespace internal {
struct TraceEvent;
inline std::atomic<bool> trace_enabled = false;
// An event that began now; EndTraceEvent writes it down.
TraceEvent* BeginTraceEvent(const char* name, bool backward, std::span<const Tensor* const> inputs);
void EndTraceEvent(TraceEvent* event);
}  // namespace internal

// Declare one at the head of an operation: const OpScope scope("Add", {&a, &b}). Next to free while
// nothing is traced.
class OpScope {
 public:
  enum class Pass { kForward, kBackward };

  OpScope(const char* name, std::initializer_list<const Tensor*> inputs)
      : OpScope(name, std::span<const Tensor* const>(inputs.begin(), inputs.size())) {}
  OpScope(const char* name, std::span<const Tensor* const> inputs) : scope_(name) {
    if (internal::trace_enabled.load(std::memory_order_relaxed)) [[unlikely]] {
      event_ = internal::BeginTraceEvent(name, false, inputs);
    }
  }
  OpScope(const char* name, Pass pass) : scope_(name) {
    if (internal::trace_enabled.load(std::memory_order_relaxed)) [[unlikely]] {
      event_ = internal::BeginTraceEvent(name, pass == Pass::kBackward, {});
    }
  }
  ~OpScope() {
    if (event_ != nullptr) [[unlikely]]
      internal::EndTraceEvent(event_);
  }
  OpScope(const OpScope&) = delete;
  OpScope& operator=(const OpScope&) = delete;

 private:
  OperationScope scope_;
  internal::TraceEvent* event_ = nullptr;
};

}  // namespace autograd

#endif  // AUTOGRAD_TRACE_OP_SCOPE_H_
