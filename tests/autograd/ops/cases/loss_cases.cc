#include "autograd/ops/loss.h"

#include "autograd/ops/cast.h"
#include "autograd/ops/creation.h"
#include "tests/autograd/ops/cases/families.h"

namespace autograd::testing {
namespace {

double Reduced(const std::vector<double>& losses, Reduction reduction) {
  double sum = 0;
  for (const double loss : losses) sum += loss;
  return reduction == Reduction::kMean ? sum / static_cast<double>(losses.size()) : sum;
}

Array ReducedArray(const Shape& shape, const std::vector<double>& losses, Reduction reduction) {
  if (reduction == Reduction::kNone) return {shape, losses};
  return {{}, {Reduced(losses, reduction)}};
}

OpCase MseLine(const std::string& name, Reduction reduction) {
  return {.name = "MseLoss/" + name,
          .function =
              Binary([=](const Tensor& a, const Tensor& b) { return MseLoss(a, b, reduction); }),
          .inputs = {{{3, 4}}, {{3, 4}}},
          .reference =
              [=](const std::vector<Array>& in) {
                std::vector<double> losses;
                for (size_t i = 0; i < in[0].values.size(); ++i) {
                  const double difference = in[0].values[i] - in[1].values[i];
                  losses.push_back(difference * difference);
                }
                return std::vector<Array>{ReducedArray(in[0].shape, losses, reduction)};
              },
          .large = {{131, 257}, {131, 257}},
          .misuses = {{[] { MseLoss(Ones({2}), Ones({1})); }, {"MseLoss", "[2] f32", "[1] f32"}},
                      {[] { MseLoss(Ones({2}), Ones({2}, DType::kF64)); },
                       {"MseLoss", "[2] f32", "[2] f64"}}}};
}

OpCase CrossEntropyLine(const std::string& name, Reduction reduction, const Shape& rows,
                        const Shape& large_rows) {
  const auto with_classes = [](Shape shape) {
    shape.push_back(5);
    return shape;
  };
  const auto reference = [=](const std::vector<Array>& in) {
    std::vector<double> losses;
    for (size_t row = 0; row < in[1].values.size(); ++row) {
      const double* x = &in[0].values[row * 5];
      double sum = 0;
      for (size_t i = 0; i < 5; ++i) sum += std::exp(x[i]);
      losses.push_back(std::log(sum) - x[static_cast<size_t>(in[1].values[row])]);
    }
    return std::vector<Array>{ReducedArray(in[1].shape, losses, reduction)};
  };
  return {
      .name = "CrossEntropy/" + name,
      .function =
          Binary([=](const Tensor& a, const Tensor& b) { return CrossEntropy(a, b, reduction); }),
      .inputs = {{with_classes(rows)}, {.shape = rows, .low = 0, .high = 4, .dtype = DType::kI64}},
      .reference = reference,
      .large = {with_classes(large_rows), large_rows},
      .misuses = {{[] {
                     CrossEntropy(Ones({2, 3}), Zeros({3}, DType::kI64));
                   },
                   {"CrossEntropy", "[2, 3] f32", "[3] i64"}},
                  {[] {
                     CrossEntropy(Ones({2, 3}), Full({2}, 3, DType::kI64));
                   },
                   {"CrossEntropy", "target 3", "[0, 3)"}},
                  {[] {
                     CrossEntropy(Ones({2, 3}), Ones({2}));
                   },
                   {"CrossEntropy", "[2] f32"}}}};
}

}  // namespace

std::vector<OpCase> LossCases() {
  std::vector<OpCase> cases = {
      MseLine("mean", Reduction::kMean),
      MseLine("sum", Reduction::kSum),
      MseLine("none", Reduction::kNone),
      CrossEntropyLine("mean", Reduction::kMean, {6}, {9000}),
      CrossEntropyLine("sum of images", Reduction::kSum, {2, 3}, {20, 500}),
      CrossEntropyLine("none", Reduction::kNone, {2, 3}, {20, 500}),
      CrossEntropyLine("one row", Reduction::kMean, {}, {}),
  };
  for (OpCase& line : cases) line.no_bf16 = "losses are computed in f32";
  return cases;
}

std::vector<OpCase> CastCases() {
  return {
      {.name = "Cast/integers",
       .function = Unary([](const Tensor& x) { return Cast(Cast(x, DType::kI64), DType::kU8); }),
       .inputs = {{.shape = {3, 4}, .low = 0, .high = 99, .dtype = DType::kI32}},
       .reference = ElementwiseReference([](double x) { return x; }),
       .large = {{131, 257}},
       .misuses = {{[] { Cast(Tensor(), DType::kF32); }, {"Cast", "undefined"}}},
       .differentiable = false},
      {.name = "Cast/wider",
       .function = Unary([](const Tensor& x) { return Cast(Cast(x, DType::kF64), x.dtype()); }),
       .inputs = {{{3, 4}}},
       .reference = ElementwiseReference([](double x) { return x; }),
       .large = {{131, 257}},
       .misuses = {{[] { Cast(Tensor(), DType::kF32); }, {"Cast", "undefined"}}}},
      {.name = "Cast/bf16 and back",
       // Detached: the gradient is rounded to bf16 on its way, which the examinations cannot
       // tolerate (ops_test looks at it).
       .function =
           Unary([](const Tensor& x) { return Cast(Cast(x.Detach(), DType::kBF16), x.dtype()); }),
       .inputs = {{{3, 4}}},
       .reference = ElementwiseReference([](double x) {
         // 8 bits of significand.
         int exponent;
         const double fraction = std::frexp(x, &exponent);
         return std::ldexp(std::nearbyint(fraction * 256) / 256, exponent);
       }),
       .large = {{131, 257}},
       .misuses = {{[] { Cast(Tensor(), DType::kF32); }, {"Cast", "undefined"}}},
       .differentiable = false},
  };
}

}  // namespace autograd::testing
