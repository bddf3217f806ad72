#include "autograd/memory/out_of_memory.h"

#include <string>

#include "autograd/errors.h"
#include "autograd/memory/operation_scope.h"

namespace autograd::internal {

void ThrowOutOfMemory(size_t wanted, int64_t live, int64_t cached, int64_t limit) {
  const char* const operation = CurrentOperation();
  throw OutOfMemoryError(
      std::string(operation != nullptr ? operation : "Allocate") + ": cannot allocate " +
      std::to_string(wanted) + " bytes: " + std::to_string(live) + " bytes are in use and " +
      std::to_string(cached) + " cached, " +
      (limit != 0 ? "the limit set by SetMemoryLimit is " + std::to_string(limit) + " bytes"
                  : std::string("and the system has no more")));
}

}  // namespace autograd::internal
