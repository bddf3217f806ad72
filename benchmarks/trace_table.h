// A trace of operations (autograd/trace/trace.h) summed up by operation: time, calls, and an
// estimate of the bytes that had to be moved.
//
// The time of an operation is its own: what operations inside it took counts as theirs. Bytes of a
// forward event are those of its inputs, which the trace names, and of its result, which is taken
// to be what the inputs make of it: for a convolution an image of the weight's first axis, for
// Concat their sum, for reductions to a scalar nothing, otherwise the size of the largest input. A
// derivative is taken to read the result's gradient and the inputs and to write the inputs'
// gradients; its events carry no shapes, so each gets the mean over the forward events of its
// operation. Exact for elementwise operations and norms, an estimate elsewhere.
#ifndef BENCHMARKS_TRACE_TABLE_H_
#define BENCHMARKS_TRACE_TABLE_H_

#include <cstdint>
#include <string>
#include <vector>

namespace benchmarks {

struct OperationTime {
  std::string name;  // "Conv2d", "Conv2d backward"
  int64_t calls = 0;
  double milliseconds = 0;
  double bytes = 0;
};

// The operations of a trace, the longest first. Throws std::invalid_argument if the text is no
// trace.
std::vector<OperationTime> SumByOperation(const std::string& trace);

// Bytes of tensors as the trace describes them: "[2, 3] f32 [4] bf16" has 32. What is no tensor
// counts as nothing.
std::vector<double> TensorBytes(const std::string& shapes);

}  // namespace benchmarks

#endif  // BENCHMARKS_TRACE_TABLE_H_
