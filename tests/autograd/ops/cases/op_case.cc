#include "tests/autograd/ops/cases/op_case.h"

namespace autograd::testing {
namespace {

Reference Broadcasting(int count, std::function<double(const double*)> f) {
  return [count, f](const std::vector<Array>& in) {
    Shape shape = in[0].shape;
    for (const Array& array : in) shape = BroadcastShapes("reference", shape, array.shape);
    Array out{shape, {}};
    ForEachIndex(shape, [&](const Dims& index) {
      double arguments[4];
      for (int k = 0; k < count; ++k) {
        const Array& array = in[static_cast<size_t>(k)];
        arguments[k] = array.values[static_cast<size_t>(Position(array.shape, index))];
      }
      out.values.push_back(f(arguments));
    });
    return std::vector<Array>{out};
  };
}

}  // namespace

Function Unary(std::function<Tensor(const Tensor&)> function) {
  return [function](const std::vector<Tensor>& in) { return std::vector<Tensor>{function(in[0])}; };
}
Function Binary(std::function<Tensor(const Tensor&, const Tensor&)> function) {
  return [function](const std::vector<Tensor>& in) {
    return std::vector<Tensor>{function(in[0], in[1])};
  };
}
Function Ternary(std::function<Tensor(const Tensor&, const Tensor&, const Tensor&)> function) {
  return [function](const std::vector<Tensor>& in) {
    return std::vector<Tensor>{function(in[0], in[1], in[2])};
  };
}

Reference ElementwiseReference(std::function<double(double)> f) {
  return Broadcasting(1, [f](const double* x) { return f(x[0]); });
}
Reference ElementwiseReference(std::function<double(double, double)> f) {
  return Broadcasting(2, [f](const double* x) { return f(x[0], x[1]); });
}
Reference ElementwiseReference(std::function<double(double, double, double)> f) {
  return Broadcasting(3, [f](const double* x) { return f(x[0], x[1], x[2]); });
}

void ForEachIndex(const Shape& shape, const std::function<void(const Dims& index)>& visit) {
  Dims index = Dims::Filled(shape.rank(), 0);
  const int64_t count = shape.numel();
  for (int64_t i = 0; i < count; ++i) {
    visit(index);
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
}

int64_t Position(const Shape& shape, const Dims& index) {
  int64_t position = 0;
  const int missing = index.rank() - shape.rank();
  for (int axis = 0; axis < shape.rank(); ++axis) {
    position = position * shape[axis] + (shape[axis] == 1 ? 0 : index[missing + axis]);
  }
  return position;
}

}  // namespace autograd::testing
