#include "autograd/ops/elementwise_loop.h"

#include <algorithm>
#include <cstring>

#include "autograd/kernels/stream.h"
#include "autograd/parallel/parallel.h"

namespace autograd::internal {
namespace {

// Elements a piece is worth a thread for, at cost 1: about 10 microseconds of work.
constexpr int64_t kGrain = 32768;
// Elements packed at once; four operands of them stay in the first-level cache.
constexpr int64_t kBlock = 512;
// Rows shorter than this are packed together instead of being handed to the kernel one by one.
constexpr int64_t kShortRow = 64;
constexpr int kMaxOperands = kMaxElementwiseInputs + 1;

// The output (operand 0) and the inputs over common axes. Neighbouring axes that every operand
// walks as one are merged.
struct Plan {
  int operands = 0;
  int rank = 0;
  int64_t sizes[kMaxRank];
  int64_t strides[kMaxOperands][kMaxRank];
  char* data[kMaxOperands];
  int64_t item[kMaxOperands];
  int64_t numel = 1;
};

void AppendAxis(Plan& plan, int64_t size, const int64_t* strides) {
  if (size == 1) return;
  bool mergeable = plan.rank > 0;
  for (int k = 0; k < plan.operands && mergeable; ++k) {
    mergeable = plan.strides[k][plan.rank - 1] == strides[k] * size;
  }
  if (!mergeable) ++plan.rank;
  const int axis = plan.rank - 1;
  plan.sizes[axis] = mergeable ? plan.sizes[axis] * size : size;
  for (int k = 0; k < plan.operands; ++k) plan.strides[k][axis] = strides[k];
}

Plan MakePlan(const Tensor& output, std::span<const Tensor* const> inputs) {
  Plan plan;
  plan.operands = static_cast<int>(inputs.size()) + 1;
  plan.numel = output.numel();
  const int rank = output.rank();
  for (int k = 0; k < plan.operands; ++k) {
    const Tensor& operand = k == 0 ? output : *inputs[static_cast<size_t>(k - 1)];
    plan.data[k] = operand.raw<char>();
    plan.item[k] = static_cast<int64_t>(ItemSize(operand.dtype()));
  }
  for (int axis = 0; axis < rank; ++axis) {
    int64_t strides[kMaxOperands] = {output.strides()[axis]};
    for (int k = 1; k < plan.operands; ++k) {
      const Tensor& input = *inputs[static_cast<size_t>(k - 1)];
      const int own = axis - (rank - input.rank());
      strides[k] = own < 0 || input.shape()[own] == 1 ? 0 : input.strides()[own];
    }
    AppendAxis(plan, output.shape()[axis], strides);
  }
  return plan;
}

// Copies n elements whose distance is `stride` elements to or from dense memory.
template <class T>
void Gather(const char* from, int64_t stride, int64_t n, char* to) {
  const T* source = reinterpret_cast<const T*>(from);
  T* target = reinterpret_cast<T*>(to);
  for (int64_t i = 0; i < n; ++i) target[i] = source[i * stride];
}
template <class T>
void Scatter(const char* from, int64_t stride, int64_t n, char* to) {
  const T* source = reinterpret_cast<const T*>(from);
  T* target = reinterpret_cast<T*>(to);
  for (int64_t i = 0; i < n; ++i) target[i * stride] = source[i];
}
void GatherAny(int64_t item, const char* from, int64_t stride, int64_t n, char* to) {
  switch (item) {
    case 1:
      return Gather<uint8_t>(from, stride, n, to);
    case 2:
      return Gather<uint16_t>(from, stride, n, to);
    case 4:
      return Gather<uint32_t>(from, stride, n, to);
    default:
      return Gather<uint64_t>(from, stride, n, to);
  }
}
void ScatterAny(int64_t item, const char* from, int64_t stride, int64_t n, char* to) {
  switch (item) {
    case 1:
      return Scatter<uint8_t>(from, stride, n, to);
    case 2:
      return Scatter<uint16_t>(from, stride, n, to);
    case 4:
      return Scatter<uint32_t>(from, stride, n, to);
    default:
      return Scatter<uint64_t>(from, stride, n, to);
  }
}

// Where row number `row` (over all axes but the last) of an operand starts.
int64_t RowOffset(const Plan& plan, int operand, int64_t row) {
  int64_t offset = 0;
  for (int axis = plan.rank - 2; axis >= 0; --axis) {
    offset += row % plan.sizes[axis] * plan.strides[operand][axis];
    row /= plan.sizes[axis];
  }
  return offset * plan.item[operand];
}

using Kernel = absl::FunctionRef<void(int64_t, void*, const ElementwiseArg*)>;

// The part [begin, end) of one row, whose elements are dense or one and the same in every operand.
void RunDirect(const Plan& plan, int64_t row, int64_t begin, int64_t end, Kernel kernel) {
  const int last = plan.rank - 1;
  ElementwiseArg args[kMaxElementwiseInputs];
  char* out = nullptr;
  for (int k = 0; k < plan.operands; ++k) {
    const int64_t stride = plan.rank == 0 ? 0 : plan.strides[k][last];
    char* data = plan.data[k] + RowOffset(plan, k, row) + begin * stride * plan.item[k];
    if (k == 0) {
      out = data;
    } else {
      args[k - 1] = {data, stride == 0};
    }
  }
  kernel(end - begin, out, args);
}

// Elements [begin, end) in row-major order, at most kBlock of them, packed.
void RunPacked(const Plan& plan, int64_t begin, int64_t end, Kernel kernel) {
  alignas(64) char buffers[kMaxOperands][kBlock * 8];
  const int last = plan.rank - 1;
  const int64_t row_size = plan.sizes[last];
  const auto for_each_piece = [&](int k, auto&& copy) {
    for (int64_t i = begin; i < end;) {
      const int64_t row = i / row_size, column = i % row_size;
      const int64_t n = std::min(row_size - column, end - i);
      char* data =
          plan.data[k] + RowOffset(plan, k, row) + column * plan.strides[k][last] * plan.item[k];
      copy(data, n, buffers[k] + (i - begin) * plan.item[k]);
      i += n;
    }
  };
  ElementwiseArg args[kMaxElementwiseInputs];
  for (int k = 1; k < plan.operands; ++k) {
    for_each_piece(k, [&](const char* data, int64_t n, char* buffer) {
      GatherAny(plan.item[k], data, plan.strides[k][last], n, buffer);
    });
    args[k - 1] = {buffers[k], false};
  }
  kernel(end - begin, buffers[0], args);
  for_each_piece(0, [&](char* data, int64_t n, const char* buffer) {
    ScatterAny(plan.item[0], buffer, plan.strides[0][last], n, data);
  });
}

bool RowsAreDense(const Plan& plan) {
  const int last = plan.rank - 1;
  if (plan.strides[0][last] != 1) return false;
  for (int k = 1; k < plan.operands; ++k) {
    if (plan.strides[k][last] != 0 && plan.strides[k][last] != 1) return false;
  }
  return true;
}

// args, moved on by `begin` elements.
void Advance(const ElementwiseArg* args, std::span<const Tensor* const> inputs, int64_t begin,
             ElementwiseArg* moved) {
  for (size_t k = 0; k < inputs.size(); ++k) {
    const int64_t item = static_cast<int64_t>(ItemSize(inputs[k]->dtype()));
    moved[k] = {args[k].as<char>() + (args[k].scalar ? 0 : begin * item), args[k].scalar};
  }
}

// The common case without a plan: everything dense, each input of the output's shape or one
// element. Returns false if that is not so.
bool RunDense(const Tensor& output, std::span<const Tensor* const> inputs, Kernel kernel,
              int64_t grain) {
  if (!output.is_contiguous()) return false;
  ElementwiseArg args[kMaxElementwiseInputs];
  for (size_t k = 0; k < inputs.size(); ++k) {
    const Tensor& input = *inputs[k];
    const bool scalar = input.numel() == 1;
    if (!scalar && !(input.is_contiguous() && input.shape() == output.shape())) return false;
    args[k] = {input.raw<char>(), scalar};
  }
  const int64_t n = output.numel();
  if (n <= grain) {
    kernel(n, output.raw<char>(), args);
    return true;
  }
  const int64_t item = static_cast<int64_t>(ItemSize(output.dtype()));
  const bool streaming = kernels::WorthStreaming(n * item);
  ParallelFor(n, grain, [&](int64_t begin, int64_t end) {
    char* out = output.raw<char>() + begin * item;
    ElementwiseArg moved[kMaxElementwiseInputs];
    if (!streaming) {
      Advance(args, inputs, begin, moved);
      return kernel(end - begin, out, moved);
    }
    kernels::Stream(out, (end - begin) * item, [&](int64_t byte, int64_t bytes, char* buffer) {
      Advance(args, inputs, begin + byte / item, moved);
      kernel(bytes / item, buffer, moved);
    });
  });
  return true;
}

// Repeats one element.
void FillAny(size_t item, const void* from, int64_t n, char* to) {
  for (int64_t i = 0; i < n; ++i) std::memcpy(to + static_cast<size_t>(i) * item, from, item);
}

}  // namespace

void ElementwiseLoop(Tensor& output, std::span<const Tensor* const> inputs, Kernel kernel,
                     int cost) {
  if (output.numel() == 0) return;
  const int64_t grain = std::max<int64_t>(kBlock, kGrain / cost / kBlock * kBlock);
  if (RunDense(output, inputs, kernel, grain)) return;
  const Plan plan = MakePlan(output, inputs);
  if (plan.rank == 0) return RunDirect(plan, 0, 0, 1, kernel);
  const int64_t row_size = plan.sizes[plan.rank - 1];
  if (RowsAreDense(plan) && plan.rank == 1) {
    if (plan.numel <= grain) return RunDirect(plan, 0, 0, plan.numel, kernel);
    return ParallelFor(plan.numel, grain,
                       [&](int64_t begin, int64_t end) { RunDirect(plan, 0, begin, end, kernel); });
  }
  if (RowsAreDense(plan) && row_size >= kShortRow) {
    const int64_t rows = plan.numel / row_size;
    return ParallelFor(rows, std::max<int64_t>(1, grain / row_size),
                       [&](int64_t begin, int64_t end) {
                         for (int64_t row = begin; row < end; ++row) {
                           RunDirect(plan, row, 0, row_size, kernel);
                         }
                       });
  }
  ParallelFor(plan.numel, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += kBlock) {
      RunPacked(plan, i, std::min(end, i + kBlock), kernel);
    }
  });
}

void DenseElementwiseLoop(Tensor& output, std::span<const Tensor* const> inputs,
                          absl::FunctionRef<void(int64_t, void*, const void* const*)> kernel,
                          int cost) {
  const auto run = [&](int64_t n, void* out, const ElementwiseArg* args) {
    const void* dense[kMaxElementwiseInputs];
    bool repeats = false;
    for (size_t k = 0; k < inputs.size(); ++k) {
      dense[k] = args[k].data;
      repeats = repeats || (args[k].scalar && n > 1);
    }
    if (!repeats) return kernel(n, out, dense);
    alignas(64) char buffers[kMaxElementwiseInputs][kBlock * 8];
    for (size_t k = 0; k < inputs.size(); ++k) {
      if (!args[k].scalar) continue;
      FillAny(ItemSize(inputs[k]->dtype()), args[k].data, std::min(n, kBlock), buffers[k]);
      dense[k] = buffers[k];
    }
    for (int64_t i = 0; i < n; i += kBlock) {
      const void* block[kMaxElementwiseInputs];
      for (size_t k = 0; k < inputs.size(); ++k) {
        const size_t item = ItemSize(inputs[k]->dtype());
        const size_t skip = args[k].scalar ? 0 : static_cast<size_t>(i) * item;
        block[k] = static_cast<const char*>(dense[k]) + skip;
      }
      const size_t item = ItemSize(output.dtype());
      kernel(std::min(n - i, kBlock), static_cast<char*>(out) + static_cast<size_t>(i) * item,
             block);
    }
  };
  ElementwiseLoop(output, inputs, run, cost);
}

}  // namespace autograd::internal
