// Resampling and pooling of images [B, H, W, C].
#include <algorithm>

#include "autograd/ops/creation.h"
#include "autograd/ops/pool.h"
#include "autograd/ops/resample.h"
#include "tests/autograd/ops/cases/families.h"

namespace autograd::testing {
namespace {

// weight(to, from) of pixels along an axis whose sizes are given, for rows and for columns.
struct Weights {
  std::function<double(int64_t to, int64_t from)> rows, columns;
};
using WeightsFor =
    std::function<Weights(int64_t height, int64_t width, int64_t new_height, int64_t new_width)>;

// The sum over all pixels, each times its weights; with `adjoint`, over the transposed weights.
Reference ImageReference(int64_t height, int64_t width, const WeightsFor& weights_for,
                         bool adjoint = false) {
  return [=](const std::vector<Array>& in) {
    const Shape& from = in[0].shape;
    const Weights weights = adjoint ? weights_for(height, width, from[1], from[2])
                                    : weights_for(from[1], from[2], height, width);
    Array out{{from[0], height, width, from[3]}, {}};
    ForEachIndex(out.shape, [&](const Dims& at) {
      double sum = 0;
      ForEachIndex({from[1], from[2]}, [&](const Dims& pixel) {
        const double weight =
            adjoint ? weights.rows(pixel[0], at[1]) * weights.columns(pixel[1], at[2])
                    : weights.rows(at[1], pixel[0]) * weights.columns(at[2], pixel[1]);
        sum +=
            weight *
            in[0].values[static_cast<size_t>(Position(from, {at[0], pixel[0], pixel[1], at[3]}))];
      });
      out.values.push_back(sum);
    });
    return std::vector<Array>{out};
  };
}

WeightsFor NearestWeights() {
  return [](int64_t height, int64_t width, int64_t new_height, int64_t new_width) {
    const auto axis = [](int64_t from, int64_t to) {
      return [=](int64_t i, int64_t source) { return i * from / to == source ? 1.0 : 0.0; };
    };
    return Weights{axis(height, new_height), axis(width, new_width)};
  };
}

// A hat of width 1 at the position of pixel i, which stays within the axis.
WeightsFor BilinearWeights(bool align_corners) {
  return [=](int64_t height, int64_t width, int64_t new_height, int64_t new_width) {
    const auto axis = [=](int64_t from, int64_t to) {
      return [=](int64_t i, int64_t source) {
        const double n = static_cast<double>(from), m = static_cast<double>(to);
        double at = align_corners ? (to == 1 ? 0 : static_cast<double>(i) * (n - 1) / (m - 1))
                                  : (static_cast<double>(i) + .5) * n / m - .5;
        at = std::clamp(at, 0.0, n - 1);
        return std::max(0.0, 1 - std::abs(at - static_cast<double>(source)));
      };
    };
    return Weights{axis(height, new_height), axis(width, new_width)};
  };
}

WeightsFor AverageWeights(const Pool2dOptions& options) {
  return [options](int64_t, int64_t, int64_t, int64_t) {
    const auto axis = [](int64_t kernel, int64_t stride, int64_t padding) {
      return [=, step = stride == 0 ? kernel : stride](int64_t i, int64_t source) {
        const int64_t in_window = source - (i * step - padding);
        return in_window >= 0 && in_window < kernel ? 1 / static_cast<double>(kernel) : 0.0;
      };
    };
    return Weights{axis(options.kernel[0], options.stride[0], options.padding[0]),
                   axis(options.kernel[1], options.stride[1], options.padding[1])};
  };
}

struct Resized {
  std::string name;
  Shape from;
  int64_t height, width;
};

const std::vector<Resized> kSizes = {{"doubled", {2, 2, 3, 2}, 4, 6},
                                     {"larger", {1, 2, 3, 1}, 5, 7},
                                     {"smaller", {1, 5, 4, 2}, 2, 3},
                                     {"to one", {1, 3, 1, 1}, 1, 2}};

template <class Resize>
std::vector<Misuse> ResizeMisuses(const std::string& name, Resize resize) {
  return {{[=] {
             resize(Ones({1, 2, 3}), 4, 6);
           },
           {name, "[1, 2, 3] f32", "[B, H, W, C]"}},
          {[=] {
             resize(Ones({1, 2, 3, 1}, DType::kI32), 4, 6);
           },
           {name, "i32"}},
          {[=] {
             resize(Ones({1, 2, 3, 1}), 0, 6);
           },
           {name, "[1, 2, 3, 1]", "height 0"}},
          {[=] {
             resize(Ones({1, 0, 3, 1}), 4, 6);
           },
           {name, "[1, 0, 3, 1]", "at least 1"}},
          {[=] {
             resize(Ones({1, 2, 3, 1}), int64_t{1} << 60, 6);
           },
           {name, "[1, 1152921504606846976, 6, 1]", "too many elements"}}};
}

// The operation and its adjoint at each size; resize(x, height, width).
template <class Resize>
std::vector<OpCase> ResizeCases(const std::string& name, Resize resize, Resize adjoint,
                                const WeightsFor& weights) {
  std::vector<OpCase> cases;
  for (const auto& [size_name, from, height, width] : kSizes) {
    cases.push_back({.name = name + "/" + size_name,
                     .function = Unary([=, height = height, width = width](const Tensor& x) {
                       return resize(x, height, width);
                     }),
                     .inputs = {{from}},
                     .reference = ImageReference(height, width, weights),
                     .misuses = ResizeMisuses(name, resize)});
    const Shape to = {from[0], height, width, from[3]};
    cases.push_back({.name = name + "Adjoint/" + size_name,
                     .function = Unary([=, height = from[1], width = from[2]](const Tensor& x) {
                       return adjoint(x, height, width);
                     }),
                     .inputs = {{to}},
                     .reference = ImageReference(from[1], from[2], weights, true),
                     .misuses = ResizeMisuses(name + "Adjoint", adjoint)});
  }
  // What is twice as large, and the other way round.
  cases[0].large = {{9, 20, 21, 13}};
  cases[1].large = {{3, 40, 42, 13}};
  return cases;
}

Reference MaxPoolReference(const Pool2dOptions& options) {
  return [options](const std::vector<Array>& in) {
    const Shape& from = in[0].shape;
    const Weights window = AverageWeights(options)(0, 0, 0, 0);
    Shape shape = from;
    for (int axis = 0; axis < 2; ++axis) {
      const auto i = static_cast<size_t>(axis);
      const int64_t stride = options.stride[i] == 0 ? options.kernel[i] : options.stride[i];
      shape[axis + 1] = (from[axis + 1] + 2 * options.padding[i] - options.kernel[i]) / stride + 1;
    }
    Array out{shape, {}};
    ForEachIndex(shape, [&](const Dims& at) {
      double max = -INFINITY;
      ForEachIndex({from[1], from[2]}, [&](const Dims& pixel) {
        if (window.rows(at[1], pixel[0]) * window.columns(at[2], pixel[1]) == 0) return;
        max = std::max(
            max,
            in[0].values[static_cast<size_t>(Position(from, {at[0], pixel[0], pixel[1], at[3]}))]);
      });
      out.values.push_back(max);
    });
    return std::vector<Array>{out};
  };
}

struct Pooled {
  std::string name;
  Shape from, to, large;
  Pool2dOptions options;
};

std::vector<Pooled> PooledSizes() {
  return {
      {"side by side", {2, 4, 5, 2}, {2, 2, 2, 2}, {7, 33, 30, 20}, {}},
      {"overlapping, padded",
       {1, 4, 3, 1},
       {1, 4, 2, 1},
       {7, 31, 30, 20},
       {.kernel = {3, 2}, .stride = {1, 2}, .padding = {1, 1}}},
      {"gaps", {1, 5, 4, 2}, {1, 2, 2, 2}, {7, 61, 60, 20}, {.kernel = {2, 1}, .stride = {3, 3}}}};
}

template <class Pool>
std::vector<Misuse> PoolMisuses(const std::string& name, Pool pool) {
  return {{[=] {
             pool(Ones({2, 3}), Pool2dOptions{});
           },
           {name, "[2, 3] f32"}},
          {[=] {
             pool(Ones({1, 4, 4, 1}, DType::kI64), Pool2dOptions{});
           },
           {name, "i64"}},
          {[=] {
             pool(Ones({1, 4, 4, 1}), Pool2dOptions{.kernel = {5, 1}});
           },
           {name, "[1, 4, 4, 1]", "kernel [5, 1]"}},
          {[=] {
             pool(Ones({1, 4, 4, 1}), Pool2dOptions{.kernel = {0, 1}});
           },
           {name, "kernel [0, 1]"}},
          {[=] {
             pool(Ones({1, 4, 4, 1}), Pool2dOptions{.kernel = {2, 2}, .stride = {1, -1}});
           },
           {name, "stride [1, -1]"}},
          {[=] {
             pool(Ones({1, 4, 4, 1}), Pool2dOptions{.kernel = {2, 2}, .padding = {2, 0}});
           },
           {name, "padding [2, 0]"}}};
}

}  // namespace

std::vector<OpCase> ResampleCases() {
  std::vector<OpCase> cases = ResizeCases("UpsampleNearest2d", UpsampleNearest2d,
                                          UpsampleNearest2dAdjoint, NearestWeights());
  for (const bool corners : {false, true}) {
    using Resize = std::function<Tensor(const Tensor&, int64_t, int64_t)>;
    const Resize resize = [=](const Tensor& x, int64_t height, int64_t width) {
      return UpsampleBilinear2d(x, height, width, corners);
    };
    const Resize adjoint = [=](const Tensor& x, int64_t height, int64_t width) {
      return UpsampleBilinear2dAdjoint(x, height, width, corners);
    };
    for (OpCase& line :
         ResizeCases("UpsampleBilinear2d", resize, adjoint, BilinearWeights(corners))) {
      if (corners) line.name += ", corners aligned";
      cases.push_back(std::move(line));
    }
  }
  return cases;
}

std::vector<OpCase> PoolCases() {
  std::vector<OpCase> cases;
  for (const Pooled& pooled : PooledSizes()) {
    const Pool2dOptions options = pooled.options;
    const Shape &from = pooled.from, &to = pooled.to;
    cases.push_back(
        {.name = "AvgPool2d/" + pooled.name,
         .function = Unary([options](const Tensor& x) { return AvgPool2d(x, options); }),
         .inputs = {{from}},
         .reference = ImageReference(to[1], to[2], AverageWeights(options)),
         .large = {pooled.large},
         .misuses = PoolMisuses("AvgPool2d", AvgPool2d)});
    cases.push_back({.name = "AvgPool2dAdjoint/" + pooled.name,
                     .function = Unary([options, from](const Tensor& x) {
                       return AvgPool2dAdjoint(x, from[1], from[2], options);
                     }),
                     .inputs = {{to}},
                     .reference = ImageReference(from[1], from[2], AverageWeights(options), true),
                     .large = {{1500, to[1], to[2], 31}},
                     .misuses = {{[] {
                                    AvgPool2dAdjoint(Ones({1, 2, 2, 1}), 4, 6);
                                  },
                                  {"AvgPool2dAdjoint", "[1, 2, 2, 1]", "4 by 6", "kernel [2, 2]"}},
                                 {[] {
                                    AvgPool2dAdjoint(Ones({1, 2, 2, 1}), 1, 4);
                                  },
                                  {"AvgPool2dAdjoint", "[1, 2, 2, 1]", "1 by 4"}}}});
    cases.push_back(
        {.name = "MaxPool2d/" + pooled.name,
         .function = Unary([options](const Tensor& x) { return MaxPool2d(x, options); }),
         .inputs = {{.shape = from, .distinct = true}},
         .reference = MaxPoolReference(options),
         .large = {pooled.large},
         .misuses = PoolMisuses("MaxPool2d", MaxPool2d)});
  }
  return cases;
}

}  // namespace autograd::testing
