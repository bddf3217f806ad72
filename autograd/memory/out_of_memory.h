// The one place that words the error for memory that ran out.
#ifndef AUTOGRAD_MEMORY_OUT_OF_MEMORY_H_
#define AUTOGRAD_MEMORY_OUT_OF_MEMORY_H_

#include <cstddef>
#include <cstdint>

namespace autograd::internal {

// Throws OutOfMemoryError; all in bytes, limit 0 for none.
[[noreturn]] void ThrowOutOfMemory(size_t wanted, int64_t live, int64_t cached, int64_t limit);

}  // namespace autograd::internal

#endif  // AUTOGRAD_MEMORY_OUT_OF_MEMORY_H_
