#include "autograd/ops/reduce.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "autograd/ops/creation.h"
#include "autograd/ops/softmax.h"
#include "tests/autograd/ops/cases/families.h"

namespace autograd::testing {
namespace {

using Values = std::vector<double>;
using Reducer = std::function<double(const Values&)>;
using Reduction = std::function<Tensor(const Tensor&, const Dims&, bool)>;

std::vector<bool> Marks(const Shape& shape, const Dims& axes) {
  std::vector<bool> reduced(static_cast<size_t>(shape.rank()), axes.rank() == 0);
  for (const int64_t axis : axes) {
    reduced[static_cast<size_t>(axis < 0 ? axis + shape.rank() : axis)] = true;
  }
  return reduced;
}

Reference ReduceReference(const Dims& axes, bool keepdim, const Reducer& reduce) {
  return [=](const std::vector<Array>& in) {
    const Shape& shape = in[0].shape;
    const std::vector<bool> reduced = Marks(shape, axes);
    Shape kept = shape, out;
    for (int i = 0; i < shape.rank(); ++i) {
      const bool gone = reduced[static_cast<size_t>(i)];
      if (gone) kept[i] = 1;
      if (!gone || keepdim) out.push_back(kept[i]);
    }
    std::vector<Values> groups(static_cast<size_t>(kept.numel()));
    size_t next = 0;
    ForEachIndex(shape, [&](const Dims& index) {
      groups[static_cast<size_t>(Position(kept, index))].push_back(in[0].values[next++]);
    });
    Array result{out, {}};
    for (const Values& group : groups) result.values.push_back(reduce(group));
    return std::vector<Array>{result};
  };
}

// What every reduction must refuse.
std::vector<Misuse> Misuses(const std::string& name, const Reduction& f) {
  return {
      {[f] {
         f(Ones({2, 3}), {2}, false);
       },
       {name, "axis 2", "[2, 3]"}},
      {[f] {
         f(Ones({2, 3}), {1, -1}, false);
       },
       {name, "[1, -1]", "[2, 3]", "twice"}},
      {[f] { f(Ones({2}, DType::kBool), {}, false); }, {name, "[2] bool"}},
  };
}

// A reduction over all axes, the last, the first, some in the middle and some apart.
std::vector<OpCase> Lines(const std::string& name, const Reduction& f, const Reducer& reduce,
                          Input input = {{2, 3, 4}}) {
  struct Variant {
    const char* name;
    Dims axes;
    bool keepdim;
    std::vector<Shape> large;
  };
  const std::vector<Variant> variants = {
      {"all", {}, false, {{41, 50, 34}}},     {"last", {-1}, true, {{50, 34, 41}}},
      {"rows", {0}, false, {{900, 7, 11}}},   {"columns", {0, 1}, false, {{3, 9, 2500}}},
      {"middle", {1}, true, {{40, 300, 6}}},  {"apart", {0, -1}, false, {{100, 2, 190}}},
      {"long", {-1}, false, {{2, 1, 35001}}},
  };
  std::vector<OpCase> lines;
  for (const Variant& variant : variants) {
    lines.push_back(
        {.name = name + "/" + variant.name,
         .function =
             Unary([f, variant](const Tensor& x) { return f(x, variant.axes, variant.keepdim); }),
         .inputs = {input},
         .reference = ReduceReference(variant.axes, variant.keepdim, reduce),
         // Sum alone has ways of its own for columns; the others see rows.
         .large = name == "Sum" || variant.axes.rank() == 2 ? variant.large : std::vector<Shape>(),
         .misuses = Misuses(name, f)});
  }
  return lines;
}

OpCase ArgLine(const std::string& name, const Reduction& f, const Dims& axes, bool keepdim,
               const Shape& large, const Reducer& reduce) {
  return {.name = name + "/" + axes.ToString(),
          .function = Unary([=](const Tensor& x) { return f(x, axes, keepdim); }),
          .inputs = {{{3, 4, 5}}},
          .reference = ReduceReference(axes, keepdim, reduce),
          .large = {large},
          .misuses = {{[f] {
                         f(Ones({2, 0}), {}, false);
                       },
                       {name, "[2, 0]"}},
                      {[f] {
                         f(Ones({2, 3}), {0, 1}, false);
                       },
                       {name, "one axis", "[2, 3]"}}},
          .differentiable = false};
}

double SumOf(const Values& v) { return std::accumulate(v.begin(), v.end(), 0.); }
double MeanOf(const Values& v) { return SumOf(v) / static_cast<double>(v.size()); }
double SquaresOf(const Values& v, double center) {
  double sum = 0;
  for (double x : v) sum += (x - center) * (x - center);
  return sum;
}
double LogSumExpOf(const Values& v) {
  double sum = 0;
  for (double x : v) sum += std::exp(x);
  return std::log(sum);
}

OpCase CumSumLine(int64_t axis, bool reverse, const Shape& large) {
  return {.name = "CumSum/" + std::to_string(axis) + (reverse ? " reverse" : ""),
          .function = Unary([=](const Tensor& x) { return CumSum(x, axis, reverse); }),
          .inputs = {{{2, 3, 4}}},
          .reference =
              [=](const std::vector<Array>& in) {
                Array out = in[0];
                const int along = static_cast<int>(axis < 0 ? axis + 3 : axis);
                size_t next = 0;
                ForEachIndex(out.shape, [&](Dims index) {
                  double sum = 0;
                  const int64_t at = index[along];
                  for (int64_t i = reverse ? at : 0; i < (reverse ? out.shape[along] : at + 1);
                       ++i) {
                    index[along] = i;
                    sum += in[0].values[static_cast<size_t>(Position(out.shape, index))];
                  }
                  out.values[next++] = sum;
                });
                return std::vector<Array>{out};
              },
          .large = {large},
          .misuses = {{[] {
                         CumSum(Ones({2, 3}), 2);
                       },
                       {"CumSum", "axis 2", "[2, 3]"}},
                      {[] { CumSum(Ones({2}, DType::kBool), 0); }, {"CumSum", "[2] bool"}}}};
}

Reference SoftmaxReference(int axis, bool log) {
  return [=](const std::vector<Array>& in) {
    const Array sums = ReduceReference({axis}, true, LogSumExpOf)(in)[0];
    Array out = in[0];
    size_t next = 0;
    ForEachIndex(out.shape, [&](const Dims& index) {
      const double y =
          in[0].values[next] - sums.values[static_cast<size_t>(Position(sums.shape, index))];
      out.values[next++] = log ? y : std::exp(y);
    });
    return std::vector<Array>{out};
  };
}

OpCase SoftmaxLine(const std::string& name, Tensor (*f)(const Tensor&, int64_t), int axis,
                   const Shape& large) {
  return {.name = name + "/" + std::to_string(axis),
          .function = Unary([=](const Tensor& x) { return f(x, axis); }),
          .inputs = {{{3, 4, 5}}},
          .reference = SoftmaxReference(axis, name == "LogSoftmax"),
          .large = {large},
          .misuses = {{[f] {
                         f(Ones({2, 3}), 2);
                       },
                       {name, "axis 2", "[2, 3]"}},
                      {[f] { f(Ones({2}, DType::kI32), 0); }, {name, "[2] i32"}}}};
}

}  // namespace

std::vector<OpCase> ReduceCases() {
  std::vector<OpCase> cases;
  const auto append = [&](std::vector<OpCase> lines) {
    std::move(lines.begin(), lines.end(), std::back_inserter(cases));
  };
  const Input distinct{.shape = {2, 3, 4}, .distinct = true};
  append(Lines("Sum", Sum, SumOf));
  append(Lines("Mean", Mean, MeanOf));
  append(Lines(
      "Var", [](const Tensor& x, const Dims& axes, bool keepdim) { return Var(x, axes, keepdim); },
      [](const Values& v) {
        return SquaresOf(v, MeanOf(v)) / (static_cast<double>(v.size()) - 1);
      }));
  append(Lines("Norm", Norm, [](const Values& v) { return std::sqrt(SquaresOf(v, 0)); }));
  append(Lines(
      "Max", Max, [](const Values& v) { return *std::max_element(v.begin(), v.end()); }, distinct));
  append(Lines(
      "Min", Min, [](const Values& v) { return *std::min_element(v.begin(), v.end()); }, distinct));
  append(Lines("LogSumExp", LogSumExp, LogSumExpOf));
  const Reducer first_max = [](const Values& v) {
    return static_cast<double>(std::max_element(v.begin(), v.end()) - v.begin());
  };
  const Reducer first_min = [](const Values& v) {
    return static_cast<double>(std::min_element(v.begin(), v.end()) - v.begin());
  };
  append({ArgLine("ArgMax", ArgMax, {}, false, {20, 50, 70}, first_max),
          ArgLine("ArgMax", ArgMax, {1}, true, {20, 50, 70}, first_max),
          ArgLine("ArgMin", ArgMin, {}, true, {20, 50, 70}, first_min),
          ArgLine("ArgMin", ArgMin, {-1}, false, {20, 50, 70}, first_min),
          CumSumLine(0, false, {120, 17, 20}), CumSumLine(-1, true, {10, 30, 170})});
  return cases;
}

std::vector<OpCase> SoftmaxCases() {
  return {SoftmaxLine("Softmax", Softmax, -1, {20, 50, 70}),
          SoftmaxLine("Softmax", Softmax, 1, {20, 50, 70}),
          SoftmaxLine("LogSoftmax", LogSoftmax, -1, {20, 50, 70}),
          SoftmaxLine("LogSoftmax", LogSoftmax, 0, {20, 50, 70})};
}

}  // namespace autograd::testing
