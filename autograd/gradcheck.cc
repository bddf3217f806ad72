#include "autograd/gradcheck.h"

#include <cmath>
#include <stdexcept>

#include "autograd/grad_mode.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/inplace.h"

namespace autograd {
namespace {

// Dense copies, those in f64 as leaves.
std::vector<Tensor> Leaves(const std::vector<Tensor>& inputs) {
  std::vector<Tensor> leaves;
  for (const Tensor& input : inputs) {
    if (IsFloating(input.dtype()) && input.dtype() != DType::kF64) {
      throw std::invalid_argument("GradCheck: wants f64 inputs, got " + Describe(input));
    }
    leaves.push_back(Clone(input));
    if (input.dtype() == DType::kF64) leaves.back().set_requires_grad(true);
  }
  return leaves;
}

std::vector<Tensor> FloatingOnly(std::vector<Tensor> tensors) {
  std::erase_if(tensors, [](const Tensor& t) { return t.dtype() != DType::kF64; });
  return tensors;
}

// Numeric derivative of every output element with respect to one input element: flattened over all
// outputs.
std::vector<double> NumericColumn(const VectorFunction& function, std::vector<Tensor>& inputs,
                                  size_t input, int64_t element, double step) {
  const NoGrad guard;
  double* x = inputs[input].mutable_data<double>() + element;
  const double x0 = *x;
  std::vector<double> column;
  constexpr struct { double shift, weight; } kStencil[] = {{2, -1}, {1, 8}, {-1, -8}, {-2, 1}};
  for (const auto& point : kStencil) {
    *x = x0 + point.shift * step;
    size_t i = 0;
    for (const Tensor& output : FloatingOnly(function(inputs))) {
      for (const double value : output.ToVector<double>()) {
        if (i == column.size()) column.push_back(0);
        column[i++] += point.weight * value / (12 * step);
      }
    }
  }
  *x = x0;
  return column;
}

// Row `row` of the Jacobian: gradients of one output element with respect to all f64 inputs.
std::vector<Tensor> AnalyticRow(const std::vector<Tensor>& outputs, size_t output, int64_t element,
                                const std::vector<Tensor>& sources) {
  Tensor one = Zeros(outputs[output].shape(), DType::kF64);
  one.mutable_data<double>()[element] = 1;
  std::vector<Tensor> row =
      Grad({outputs[output]}, sources,
           {.grad_outputs = {one}, .retain_graph = true, .allow_unused = true});
  for (size_t i = 0; i < row.size(); ++i) {
    row[i] = row[i].defined() ? Clone(row[i]) : ZerosLike(sources[i]);
  }
  return row;
}

std::string Where(size_t output, int64_t row, size_t input, int64_t column, double analytic,
                  double numeric) {
  return "d(output " + std::to_string(output) + ")[" + std::to_string(row) + "]/d(input " +
         std::to_string(input) + ")[" + std::to_string(column) + "] is " +
         std::to_string(analytic) + ", finite differences give " + std::to_string(numeric);
}

void Compare(double analytic, double numeric, const GradCheckOptions& options,
             const std::string& where, GradCheckReport& report) {
  const double error = std::abs(analytic - numeric) / (1 + std::abs(numeric));
  if (error <= options.tolerance) {
    report.max_error = std::max(report.max_error, error);
    return;
  }
  if (report.ok) report.message = where;
  report.ok = false;
  report.max_error = std::isnan(error) ? error : std::max(report.max_error, error);
}

}  // namespace

GradCheckReport GradCheck(const VectorFunction& function, const std::vector<Tensor>& inputs,
                          const GradCheckOptions& options) {
  std::vector<Tensor> leaves = Leaves(inputs);
  std::vector<Tensor> outputs, sources;
  {
    const EnableGrad recording;
    outputs = FloatingOnly(function(leaves));
  }
  for (const Tensor& leaf : leaves) {
    if (leaf.requires_grad()) sources.push_back(leaf);
  }
  // analytic[row][source]: gradients of each output element.
  std::vector<std::vector<Tensor>> analytic;
  for (size_t k = 0; k < outputs.size(); ++k) {
    for (int64_t i = 0; i < outputs[k].numel(); ++i) {
      if (outputs[k].requires_grad()) {
        analytic.push_back(AnalyticRow(outputs, k, i, sources));
      } else {
        analytic.emplace_back();
        for (const Tensor& source : sources) analytic.back().push_back(ZerosLike(source));
      }
    }
  }
  GradCheckReport report;
  size_t source = 0;
  // Perturbing a leaf in place would be noticed by a graph; the function runs on copies.
  std::vector<Tensor> points;
  for (const Tensor& leaf : leaves) points.push_back(Clone(leaf));
  for (size_t k = 0; k < points.size(); ++k) {
    if (!leaves[k].requires_grad()) continue;
    for (int64_t i = 0; i < points[k].numel(); ++i) {
      const std::vector<double> numeric = NumericColumn(function, points, k, i, options.step);
      size_t row = 0;
      for (size_t out = 0; out < outputs.size(); ++out) {
        for (int64_t j = 0; j < outputs[out].numel(); ++j, ++row) {
          const double found = analytic[row][source].data<double>()[i];
          Compare(found, numeric[row], options, Where(out, j, k, i, found, numeric[row]), report);
        }
      }
    }
    ++source;
  }
  return report;
}

GradCheckReport GradGradCheck(const VectorFunction& function, const std::vector<Tensor>& inputs,
                              const GradCheckOptions& options) {
  std::vector<Tensor> all = inputs;
  const size_t count = inputs.size();
  {
    const NoGrad guard;
    for (const Tensor& output : FloatingOnly(function(inputs))) {
      // Cotangents of no particular pattern.
      Tensor cotangent = Tensor::Empty(output.shape(), DType::kF64);
      for (int64_t i = 0; i < output.numel(); ++i) {
        cotangent.mutable_data<double>()[i] = std::sin(1.0 + 2.3 * static_cast<double>(i));
      }
      all.push_back(cotangent);
    }
  }
  const VectorFunction gradient = [&](const std::vector<Tensor>& arguments) {
    const EnableGrad recording;
    std::vector<Tensor> leaves, outputs, cotangents, sources;
    for (size_t i = 0; i < count; ++i) {
      // Finite differences call this with tensors without a graph.
      leaves.push_back(arguments[i].dtype() == DType::kF64 && !arguments[i].requires_grad()
                           ? arguments[i].Detach().set_requires_grad(true)
                           : arguments[i]);
      if (leaves.back().requires_grad()) sources.push_back(leaves.back());
    }
    size_t next = count;
    for (const Tensor& output : FloatingOnly(function(leaves))) {
      const Tensor& cotangent = arguments[next++];
      if (!output.requires_grad()) continue;
      outputs.push_back(output);
      cotangents.push_back(cotangent);
    }
    std::vector<Tensor> grads = Grad(
        outputs, sources, {.grad_outputs = cotangents, .create_graph = true, .allow_unused = true});
    for (size_t i = 0; i < grads.size(); ++i) {
      if (!grads[i].defined()) grads[i] = ZerosLike(sources[i]);
    }
    return grads;
  };
  return GradCheck(gradient, all, options);
}

}  // namespace autograd
