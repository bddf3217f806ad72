// Every operation case through the same examinations: slow reference, finite differences of first
// and second order, fused against differentiable rule, Jvp against Vjp, strided and misaligned
// inputs, thread counts, texts of errors; in bf16, forward and fused gradients against what f64
// gives at the rounded inputs; and that no node type lacks a case.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <random>
#include <set>

#include "autograd/grad.h"
#include "autograd/grad_mode.h"
#include "autograd/gradcheck.h"
#include "autograd/graph_walk.h"
#include "autograd/node.h"
#include "autograd/ops/cast.h"
#include "autograd/ops/inplace.h"
#include "autograd/parallel/parallel.h"
#include "tests/autograd/ops/cases/op_case.h"

namespace autograd::testing {
namespace {

double Draw(const Input& input, std::mt19937_64& random, int64_t i, int64_t n,
            const std::vector<int64_t>& order) {
  const double width = input.high - input.low;
  const double unit = std::uniform_real_distribution<double>(0, 1)(random);
  double x = input.low + width * unit;
  if (input.distinct) {
    x = input.low + width * (static_cast<double>(order[static_cast<size_t>(i)]) + .25 + .5 * unit) /
                        static_cast<double>(n);
  }
  for (const double point : input.avoid) {
    if (std::abs(x - point) < .05) x = point + (x < point ? -.05 : .05) * (1 + unit);
  }
  // f64 and f32 see the same values.
  return static_cast<double>(static_cast<float>(x));
}

Tensor MakeInput(const Input& input, const Shape& shape, DType dtype, uint64_t seed) {
  std::mt19937_64 random(seed);
  const int64_t n = shape.numel();
  std::vector<int64_t> order(static_cast<size_t>(input.distinct ? n : 0));
  std::iota(order.begin(), order.end(), int64_t{0});
  std::shuffle(order.begin(), order.end(), random);
  const DType actual = input.dtype == DType::kF64 ? dtype : input.dtype;
  Tensor x = Tensor::Empty(shape, actual);
  for (int64_t i = 0; i < n; ++i) {
    const auto integer = [&] {
      return std::uniform_int_distribution<int64_t>(static_cast<int64_t>(input.low),
                                                    static_cast<int64_t>(input.high))(random);
    };
    switch (actual) {
      case DType::kF32:
        x.raw<float>()[i] = static_cast<float>(Draw(input, random, i, n, order));
        break;
      case DType::kF64:
        x.raw<double>()[i] = Draw(input, random, i, n, order);
        break;
      case DType::kBF16:
        x.raw<BFloat16>()[i] = ToBFloat16(static_cast<float>(Draw(input, random, i, n, order)));
        break;
      case DType::kI32:
        x.raw<int32_t>()[i] = static_cast<int32_t>(integer());
        break;
      case DType::kI64:
        x.raw<int64_t>()[i] = integer();
        break;
      case DType::kU8:
        x.raw<uint8_t>()[i] = static_cast<uint8_t>(integer());
        break;
      case DType::kBool:
        x.raw<bool>()[i] = integer() != 0;
        break;
    }
  }
  return x;
}

// Inputs in the dtype, but for those that stay f32 where that is bf16.
std::vector<Tensor> MakeInputs(const OpCase& line, DType dtype, bool large = false) {
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < line.inputs.size(); ++i) {
    const Shape& shape = large ? line.large[i] : line.inputs[i].shape;
    const bool parameter = std::count(line.bf16_parameters.begin(), line.bf16_parameters.end(), i);
    const DType actual = dtype == DType::kBF16 && parameter ? DType::kF32 : dtype;
    inputs.push_back(MakeInput(line.inputs[i], shape, actual, 1234 + i));
  }
  return inputs;
}

// The same values in f64 where they are in bf16 or f32.
std::vector<Tensor> Widened(const std::vector<Tensor>& tensors) {
  std::vector<Tensor> wide;
  for (const Tensor& x : tensors) {
    wide.push_back(IsFloating(x.dtype()) ? Cast(x.Detach(), DType::kF64) : x);
  }
  return wide;
}

// The same values in memory with gaps and another order of axes.
Tensor Strided(const Tensor& x) {
  Shape reversed;
  for (int axis = x.rank() - 1; axis >= 0; --axis) reversed.push_back(x.shape()[axis]);
  if (x.rank() > 0) reversed[x.rank() - 1] *= 2;
  const Strides dense = ContiguousStrides(reversed);
  Tensor memory = Tensor::Empty({std::max<int64_t>(1, reversed.numel()) + 1}, x.dtype());
  std::memset(memory.raw<char>(), 0x5a, static_cast<size_t>(memory.numel()) * ItemSize(x.dtype()));
  Strides strides;
  for (int axis = 0; axis < x.rank(); ++axis) {
    strides.push_back(dense[x.rank() - 1 - axis] * (axis == 0 ? 2 : 1));
  }
  Tensor view = memory.ViewAs(x.shape(), strides, 1);
  CopyInPlace(view, x);
  return view;
}

// The same values, dense, but off the allocator's alignment.
Tensor Misaligned(const Tensor& x) {
  Tensor view =
      Tensor::Empty({x.numel() + 1}, x.dtype()).ViewAs(x.shape(), ContiguousStrides(x.shape()), 1);
  CopyInPlace(view, x);
  return view;
}

using Arrange = Tensor (*)(const Tensor&);
Tensor AsIs(const Tensor& x) { return x; }

std::vector<Tensor> Leaves(const std::vector<Tensor>& inputs, Arrange arrange = AsIs) {
  std::vector<Tensor> leaves;
  for (const Tensor& input : inputs) {
    leaves.push_back(arrange(input).Detach());
    if (IsFloating(input.dtype())) leaves.back().set_requires_grad(true);
  }
  return leaves;
}

Tensor Cotangent(const Tensor& output, uint64_t seed) {
  return MakeInput({output.shape()}, output.shape(), output.dtype(), seed);
}

struct Gradients {
  std::vector<Tensor> outputs;
  std::vector<Tensor> cotangents;
  std::vector<Tensor> gradients;  // undefined for inputs without any
};

// Outputs, and gradients of all floating-point inputs for the given or, if there are none, for
// fixed cotangents.
Gradients Differentiate(const OpCase& line, const std::vector<Tensor>& leaves, bool create_graph,
                        Arrange arrange = AsIs, std::vector<Tensor> cotangents = {}) {
  Gradients result;
  result.outputs = line.function(leaves);
  const bool given = !cotangents.empty();
  std::vector<Tensor> outputs, sources;
  for (const Tensor& output : result.outputs) {
    if (!output.requires_grad()) continue;
    outputs.push_back(output);
    if (!given) cotangents.push_back(arrange(Cotangent(output, 77 + outputs.size())));
  }
  result.cotangents = cotangents;
  for (const Tensor& leaf : leaves) {
    if (leaf.requires_grad()) sources.push_back(leaf);
  }
  if (outputs.empty()) return result;
  result.gradients =
      Grad(outputs, sources,
           {.grad_outputs = cotangents, .create_graph = create_graph, .allow_unused = true});
  return result;
}

std::string Bytes(const Tensor& x) {
  if (!x.defined()) return "undefined";
  const Tensor dense = Clone(x);
  return std::string(dense.raw<char>(),
                     static_cast<size_t>(dense.numel()) * ItemSize(dense.dtype()));
}

void ExpectSameBytes(const Gradients& a, const Gradients& b, const std::string& what) {
  for (size_t i = 0; i < a.outputs.size(); ++i) {
    EXPECT_EQ(a.outputs[i].shape(), b.outputs[i].shape()) << what;
    EXPECT_TRUE(Bytes(a.outputs[i]) == Bytes(b.outputs[i])) << what << ": output " << i;
  }
  for (size_t i = 0; i < a.gradients.size(); ++i) {
    EXPECT_TRUE(Bytes(a.gradients[i]) == Bytes(b.gradients[i])) << what << ": gradient " << i;
  }
}

double At(const Tensor& dense, int64_t i) { return dense.ViewAs({}, {}, i).item(); }

void ExpectNear(const Tensor& found, const std::vector<double>& wanted, double tolerance,
                const std::string& what) {
  ASSERT_EQ(static_cast<size_t>(found.numel()), wanted.size()) << what;
  const Tensor dense = Clone(found);
  for (int64_t i = 0; i < dense.numel(); ++i) {
    const double value = At(dense, i), reference = wanted[static_cast<size_t>(i)];
    if (value == reference || (std::isnan(value) && std::isnan(reference))) continue;
    ASSERT_LE(std::abs(value - reference), tolerance * (1 + std::abs(reference)))
        << what << ", element " << i << ": " << value << " instead of " << reference;
  }
}

std::vector<double> ToDoubles(const Tensor& x) {
  std::vector<double> values;
  const Tensor dense = Clone(x);
  for (int64_t i = 0; i < x.numel(); ++i) values.push_back(At(dense, i));
  return values;
}

bool HasFloatingInputs(const OpCase& line) {
  return std::any_of(line.inputs.begin(), line.inputs.end(),
                     [](const Input& input) { return IsFloating(input.dtype); });
}

std::vector<DType> FloatingTypes(const OpCase& line) {
  std::vector<DType> types = {DType::kF64, DType::kF32};
  if (HasFloatingInputs(line) && line.no_bf16.empty()) types.push_back(DType::kBF16);
  return types;
}

double Tolerance(const OpCase& line, DType dtype) {
  return dtype == DType::kF64   ? line.tolerance_f64
         : dtype == DType::kF32 ? line.tolerance_f32
                                : line.tolerance_bf16;
}

class OpSuite : public ::testing::TestWithParam<OpCase> {};

TEST_P(OpSuite, MatchesTheReference) {
  const OpCase& line = GetParam();
  for (const DType dtype : FloatingTypes(line)) {
    const std::vector<Tensor> inputs = MakeInputs(line, dtype);
    std::vector<Array> arrays;
    for (const Tensor& input : inputs) arrays.push_back({input.shape(), ToDoubles(input)});
    const std::vector<Array> wanted = line.reference(arrays);
    const std::vector<Tensor> found = line.function(inputs);
    ASSERT_EQ(found.size(), wanted.size());
    for (size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i].shape(), wanted[i].shape)
          << found[i].shape().ToString() << " instead of " << wanted[i].shape.ToString();
      if (dtype == DType::kBF16 && IsFloating(found[i].dtype())) {
        EXPECT_EQ(found[i].dtype(), line.bf16_result) << DTypeName(found[i].dtype());
      }
      ExpectNear(found[i], wanted[i].values, Tolerance(line, dtype),
                 std::string(DTypeName(dtype)) + " output " + std::to_string(i));
    }
  }
}

TEST_P(OpSuite, GradientsMatchFiniteDifferences) {
  const OpCase& line = GetParam();
  if (!line.differentiable) return;
  const GradCheckOptions options = {.tolerance = line.gradcheck_tolerance};
  const std::vector<Tensor> inputs = MakeInputs(line, DType::kF64);
  const GradCheckReport first = GradCheck(line.function, inputs, options);
  EXPECT_TRUE(first.ok) << first.message;
  const GradCheckReport second = GradGradCheck(line.function, inputs, options);
  EXPECT_TRUE(second.ok) << "second order: " << second.message;
}

TEST_P(OpSuite, FusedRuleMatchesTheDifferentiableOne) {
  const OpCase& line = GetParam();
  for (const DType dtype : FloatingTypes(line)) {
    const std::vector<Tensor> leaves = Leaves(MakeInputs(line, dtype));
    const Gradients fused = Differentiate(line, leaves, false);
    const Gradients rule = Differentiate(line, leaves, true);
    ASSERT_EQ(fused.gradients.empty(), !line.differentiable);
    for (size_t i = 0; i < fused.gradients.size(); ++i) {
      ASSERT_EQ(fused.gradients[i].defined(), rule.gradients[i].defined());
      if (!fused.gradients[i].defined()) continue;
      EXPECT_FALSE(fused.gradients[i].requires_grad());
      ExpectNear(fused.gradients[i], ToDoubles(rule.gradients[i]), Tolerance(line, dtype),
                 "gradient " + std::to_string(i));
    }
  }
}

TEST_P(OpSuite, Bf16GradientsMatchThoseOfF64) {
  const OpCase& line = GetParam();
  if (!HasFloatingInputs(line) || !line.no_bf16.empty()) return;
  const std::vector<Tensor> inputs = MakeInputs(line, DType::kBF16);
  const Gradients narrow = Differentiate(line, Leaves(inputs), false);
  const Gradients wide =
      Differentiate(line, Leaves(Widened(inputs)), false, AsIs, Widened(narrow.cotangents));
  ASSERT_EQ(narrow.gradients.size(), wide.gradients.size());
  for (size_t i = 0; i < wide.gradients.size(); ++i) {
    ASSERT_EQ(narrow.gradients[i].defined(), wide.gradients[i].defined());
    if (!wide.gradients[i].defined()) continue;
    ExpectNear(narrow.gradients[i], ToDoubles(wide.gradients[i]), line.tolerance_bf16,
               "gradient " + std::to_string(i));
  }
}

TEST_P(OpSuite, RefusesBf16WhereItHasNone) {
  const OpCase& line = GetParam();
  if (line.no_bf16.empty()) return;
  try {
    line.function(MakeInputs(line, DType::kBF16));
    ADD_FAILURE() << "bf16 was accepted, although " << line.no_bf16;
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string(error.what()).find("bf16"), std::string::npos) << error.what();
  }
}

TEST_P(OpSuite, JvpAndVjpAreAdjoint) {
  const OpCase& line = GetParam();
  if (!line.differentiable) return;
  const std::vector<Tensor> inputs = MakeInputs(line, DType::kF64);
  std::vector<Tensor> tangents, cotangents;
  for (const Tensor& input : inputs) {
    tangents.push_back(IsFloating(input.dtype()) ? Cotangent(input, 5 + tangents.size()) : input);
  }
  const auto [outputs, pushed] = Jvp(line.function, inputs, tangents);
  for (const Tensor& output : outputs) {
    cotangents.push_back(IsFloating(output.dtype()) ? Cotangent(output, 50 + cotangents.size())
                                                    : output);
  }
  const auto [same, pulled] = Vjp(line.function, inputs, cotangents);
  double forward = 0, backward = 0, size = 1;
  const auto accumulate = [&](const Tensor& a, const Tensor& b, double& sum) {
    if (!IsFloating(a.dtype())) return;
    const std::vector<double> x = ToDoubles(a), y = ToDoubles(b);
    for (size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i], size += std::abs(x[i] * y[i]);
  };
  for (size_t i = 0; i < outputs.size(); ++i) accumulate(pushed[i], cotangents[i], forward);
  for (size_t i = 0; i < inputs.size(); ++i) accumulate(pulled[i], tangents[i], backward);
  EXPECT_NEAR(forward, backward, 1e-11 * size);
}

TEST_P(OpSuite, StridesAndAlignmentDoNotMatter) {
  const OpCase& line = GetParam();
  for (const DType dtype : FloatingTypes(line)) {
    for (const bool large : {false, true}) {
      if (large && line.large.empty()) continue;
      const std::vector<Tensor> inputs = MakeInputs(line, dtype, large);
      const Gradients dense = Differentiate(line, Leaves(inputs), false);
      ExpectSameBytes(dense, Differentiate(line, Leaves(inputs, Strided), false, Strided),
                      "strided");
      ExpectSameBytes(dense, Differentiate(line, Leaves(inputs, Misaligned), false, Misaligned),
                      "misaligned");
    }
  }
}

TEST_P(OpSuite, NumberOfThreadsDoesNotMatter) {
  const OpCase& line = GetParam();
  if (line.large.empty()) return;
  const int before = NumThreads();
  for (const DType dtype : FloatingTypes(line)) {
    const std::vector<Tensor> leaves = Leaves(MakeInputs(line, dtype, true));
    SetNumThreads(1);
    const Gradients one = Differentiate(line, leaves, false);
    for (const int threads : {2, 3, 16}) {
      SetNumThreads(threads);
      ExpectSameBytes(one, Differentiate(line, leaves, false),
                      std::to_string(threads) + " threads");
    }
  }
  SetNumThreads(before);
}

TEST_P(OpSuite, MisuseIsExplained) {
  for (const Misuse& misuse : GetParam().misuses) {
    try {
      misuse.run();
      ADD_FAILURE() << "nothing thrown; expected a message with " << misuse.message[0];
    } catch (const std::invalid_argument& error) {
      for (const std::string& part : misuse.message) {
        EXPECT_NE(std::string(error.what()).find(part), std::string::npos)
            << "'" << error.what() << "' lacks '" << part << "'";
      }
    }
  }
}

std::string TestName(const ::testing::TestParamInfo<OpCase>& info) {
  std::string name = info.param.name;
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return name;
}
INSTANTIATE_TEST_SUITE_P(All, OpSuite, ::testing::ValuesIn(AllCases()), TestName);

// Names of the node types behind the outputs of a case.
std::set<std::string> NodesOf(const OpCase& line) {
  std::set<std::string> names;
  const std::vector<Tensor> outputs = line.function(Leaves(MakeInputs(line, DType::kF64)));
  const GraphWalk walk(outputs);
  for (const GraphWalk::Visit& visit : walk.visits()) {
    if (!visit.node->is_leaf()) names.insert(visit.node->name());
  }
  return names;
}

TEST(OpTable, EveryNodeTypeHasCases) {
  std::set<std::string> examined, threaded, misused, names;
  for (const OpCase& line : AllCases()) {
    EXPECT_TRUE(names.insert(line.name).second) << "two cases are called " << line.name;
    for (const std::string& node : NodesOf(line)) {
      examined.insert(node);
      if (!line.large.empty() || line.is_view) threaded.insert(node);
      if (!line.misuses.empty() || line.cannot_fail) misused.insert(node);
    }
  }
  for (const std::string& node : internal::RegisteredNodeTypes()) {
    EXPECT_TRUE(examined.count(node)) << "no case covers the node type " << node;
    EXPECT_TRUE(threaded.count(node)) << "no case of " << node << " has large shapes";
    EXPECT_TRUE(misused.count(node)) << "no case of " << node << " has misuses";
  }
}

}  // namespace
}  // namespace autograd::testing
