// One line of the table of operation cases: an operation, the inputs to try it on, and a slow
// reference.
//
// op_suite_test.cc runs every case through the same examinations (see there). Each family of
// operations has a file <family>_cases.cc; all_cases.cc lists the families. A node type that no
// case covers fails the suite.
#ifndef TESTS_AUTOGRAD_OPS_CASES_OP_CASE_H_
#define TESTS_AUTOGRAD_OPS_CASES_OP_CASE_H_

#include <cmath>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "autograd/shape.h"
#include "autograd/tensor.h"

namespace autograd::testing {

// A dense row-major array of doubles: what references compute with.
struct Array {
  Shape shape;
  std::vector<double> values;
};

// How an input is drawn.
struct Input {
  Shape shape;
  double low = -2;
  double high = 2;
  // Values stay this far away from each of these points (kinks).
  std::vector<double> avoid = {};
  // All values differ by at least (high - low) / (2 numel).
  bool distinct = false;
  // kF64 stands for "the floating-point type under test" (f64, f32, bf16). Other dtypes are taken
  // as they are: integers uniform in [low, high], never differentiated.
  DType dtype = DType::kF64;
};

using Function = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;
using Reference = std::function<std::vector<Array>(const std::vector<Array>&)>;

// A misuse that must throw std::invalid_argument with all these texts in its message.
struct Misuse {
  std::function<void()> run;
  std::vector<std::string> message;
};

struct OpCase {
  // Unique: "Mul/broadcast".
  std::string name;
  Function function;
  std::vector<Input> inputs;
  Reference reference;
  // Shapes in place of the inputs' for the examination on 1, 2, 3 and 16 threads; large enough to
  // be split. Each node type needs a case that has them, or is_view.
  std::vector<Shape> large = {};
  // Misuses. Each node type needs a case that has some, or cannot_fail.
  std::vector<Misuse> misuses = {};
  // The operation moves no data, so there is nothing to split among threads.
  bool is_view = false;
  // Every combination of inputs is accepted.
  bool cannot_fail = false;
  // False for operations with integer or bool results, or derivatives that are zero everywhere.
  bool differentiable = true;
  // Largest error against the reference in f64 and f32, and between fused and differentiable rule:
  // |x - reference| <= tolerance * (1 + |reference|).
  double tolerance_f64 = 1e-12;
  double tolerance_f32 = 2e-5;
  // The same in bf16, against the reference and the gradients in f64 at the rounded inputs.
  double tolerance_bf16 = 2e-2;
  // Inputs that stay f32 where the others are bf16: weights and other parameters.
  std::vector<int> bf16_parameters = {};
  // Dtype of the floating-point results where the inputs are bf16.
  DType bf16_result = DType::kBF16;
  // Why the operation refuses bf16, as it then must, with an error that names it.
  std::string no_bf16 = {};
  // Tolerance of GradCheck and GradGradCheck.
  double gradcheck_tolerance = 1e-7;
};

// Every case there is.
const std::vector<OpCase>& AllCases();

// Adapters from operations of one, two or three tensors.
Function Unary(std::function<Tensor(const Tensor&)> function);
Function Binary(std::function<Tensor(const Tensor&, const Tensor&)> function);
Function Ternary(std::function<Tensor(const Tensor&, const Tensor&, const Tensor&)> function);

// References of element-wise operations: f(x), f(x, y) and f(x, y, z) with NumPy broadcasting.
Reference ElementwiseReference(std::function<double(double)> f);
Reference ElementwiseReference(std::function<double(double, double)> f);
Reference ElementwiseReference(std::function<double(double, double, double)> f);

// Calls visit(index) for every multi-index of a shape, in row-major order.
void ForEachIndex(const Shape& shape, const std::function<void(const Dims& index)>& visit);
// Position of a multi-index in a row-major array; axes of size 1 are broadcast.
int64_t Position(const Shape& shape, const Dims& index);

}  // namespace autograd::testing

#endif  // TESTS_AUTOGRAD_OPS_CASES_OP_CASE_H_
