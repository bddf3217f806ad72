// The name of the operation this thread is working on, for error messages from below that cannot
// know it otherwise: the allocator says "Matmul: out of memory", not just how many bytes it could
// not find.
//
// Costs one store to thread-local memory on the way in and one on the way out.
//
// Example:
//   const OperationScope scope("Matmul");
//   std::cout << CurrentOperation() << "\n";  // Matmul
#ifndef AUTOGRAD_MEMORY_OPERATION_SCOPE_H_
#define AUTOGRAD_MEMORY_OPERATION_SCOPE_H_

namespace autograd {

namespace internal {
inline constinit thread_local const char* current_operation = nullptr;
}  // namespace internal

// The name given to the innermost OperationScope that lives on this thread, or nullptr.
inline const char* CurrentOperation() { return internal::current_operation; }

class OperationScope {
 public:
  // `name` must live as long as the scope; a string literal does.
  explicit OperationScope(const char* name) : outer_(internal::current_operation) {
    internal::current_operation = name;
  }
  ~OperationScope() { internal::current_operation = outer_; }
  OperationScope(const OperationScope&) = delete;
  OperationScope& operator=(const OperationScope&) = delete;

 private:
  const char* outer_;
};

}  // namespace autograd

#endif  // AUTOGRAD_MEMORY_OPERATION_SCOPE_H_
