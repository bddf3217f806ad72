#include "autograd/kernels/gemm_scratch.h"

#include <cstdlib>
#include <new>

namespace autograd::kernels {
namespace {

struct Buffer {
  void* data = nullptr;
  int64_t size = 0;
};

struct Buffers {
  ~Buffers() {
    for (Buffer& buffer : of) std::free(buffer.data);
  }
  Buffer of[kScratchUses];
};

// The next power of two, so that slowly growing sizes do not allocate each time.
int64_t RoundUp(int64_t bytes) {
  int64_t size = 4096;
  while (size < bytes) size *= 2;
  return size;
}

}  // namespace

void* ScratchBytes(ScratchUse use, int64_t bytes) {
  static thread_local Buffers buffers;
  Buffer& buffer = buffers.of[static_cast<int>(use)];
  if (buffer.size < bytes) {
    std::free(buffer.data);
    buffer = Buffer();
    const int64_t size = RoundUp(bytes);
    void* data = std::aligned_alloc(64, static_cast<size_t>(size));
    if (data == nullptr) throw std::bad_alloc();
    buffer.data = data;
    buffer.size = size;
  }
  return buffer.data;
}

}  // namespace autograd::kernels
