#include "autograd/grad.h"
#include "autograd/grad_mode.h"
#include "autograd/kernels/conv_reference.h"
#include "autograd/ops/conv_size.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/upsample_conv.h"
#include "tests/autograd/ops/cases/families.h"

namespace autograd::testing {
namespace {

using kernels::ForEachConvProduct;

// Each pixel four times.
Array Enlarged(const Array& x) {
  Array out{{x.shape[0], 2 * x.shape[1], 2 * x.shape[2], x.shape[3]}, {}};
  ForEachIndex(out.shape, [&](const Dims& at) {
    const int64_t from = Position(x.shape, {at[0], at[1] / 2, at[2] / 2, at[3]});
    out.values.push_back(x.values[static_cast<size_t>(from)]);
  });
  return out;
}

kernels::ConvSize EnlargedSize(const Shape& enlarged, const Shape& weight) {
  return internal::Conv2dSize(Zeros(enlarged), Zeros(weight), Tensor(), {.padding = {1, 1}});
}

// With the bias, if there is one.
std::vector<Array> UpsampleConvReference(const std::vector<Array>& in) {
  const Array image = Enlarged(in[0]);
  const Shape& from = image.shape;
  Array y{{from[0], from[1], from[2], in[1].shape[0]}, {}};
  ForEachIndex(y.shape, [&](const Dims& at) {
    y.values.push_back(in.size() > 2 ? in[2].values[static_cast<size_t>(at[3])] : 0);
  });
  ForEachConvProduct(EnlargedSize(from, in[1].shape), [&](int64_t x, int64_t w, int64_t to) {
    y.values[static_cast<size_t>(to)] +=
        image.values[static_cast<size_t>(x)] * in[1].values[static_cast<size_t>(w)];
  });
  return {y};
}

std::vector<Misuse> UpsampleConvMisuses() {
  const auto upsample = [](const Tensor& x, const Tensor& weight, const Tensor& bias = Tensor()) {
    return [=] { UpsampleConv2d(x, weight, bias); };
  };
  const Tensor x = Ones({1, 4, 5, 3}), weight = Ones({2, 3, 3, 3});
  return {
      {upsample(x, Ones({2, 3, 3, 2})), {"UpsampleConv2d", "[1, 4, 5, 3] f32", "[2, 3, 3, 2] f32"}},
      {upsample(x, Ones({2, 3, 1, 3})), {"UpsampleConv2d", "[2, 3, 1, 3] f32", "[O, 3, 3, C]"}},
      {upsample(x, Ones({2, 5, 3, 3})), {"UpsampleConv2d", "[2, 5, 3, 3] f32"}},
      {upsample(Ones({4, 5, 3}), weight), {"UpsampleConv2d", "[4, 5, 3] f32", "[B, H, W, C]"}},
      {upsample(Ones({1, 0, 5, 3}), weight), {"UpsampleConv2d", "[1, 0, 5, 3]", "at least 1"}},
      {upsample(x, weight, Ones({3})), {"UpsampleConv2d", "bias [3] f32"}},
      {upsample(x, Ones({2, 3, 3, 3}, DType::kF64)), {"UpsampleConv2d", "f64"}},
      {upsample(Ones({1, 4, 5, 3}, DType::kBF16), Ones({2, 3, 3, 3}, DType::kBF16)),
       {"UpsampleConv2d", "[2, 3, 3, 3] bf16"}}};
}

OpCase WithBias(const std::string& name, const Shape& x, const Shape& weight) {
  return {.name = "UpsampleConv2d/" + name,
          .function = Ternary(UpsampleConv2d),
          .inputs = {{x}, {weight}, {{weight[0]}}},
          .reference = UpsampleConvReference,
          .bf16_parameters = {1, 2}};
}

OpCase WithoutBias() {
  return {.name = "UpsampleConv2d/without bias",
          .function = Binary([](const Tensor& x, const Tensor& w) { return UpsampleConv2d(x, w); }),
          .inputs = {{{2, 3, 2, 2}}, {{2, 3, 3, 2}}},
          .reference = UpsampleConvReference,
          .bf16_parameters = {1}};
}

// The weight's gradient, which is what differentiating it once more goes through.
OpCase WeightGradient() {
  return {
      .name = "UpsampleConv2d/gradient of the weight",
      .function = Binary([](const Tensor& x, const Tensor& dy) {
        const EnableGrad recording;  // finite differences run under NoGrad
        // The gradient does not depend on the weight's values, only on its sizes.
        const DType dtype = x.dtype() == DType::kBF16 ? DType::kF32 : x.dtype();
        const Tensor w = Zeros({dy.size(3), 3, 3, x.size(3)}, dtype).set_requires_grad(true);
        return Grad({UpsampleConv2d(x, w)}, {w}, {.grad_outputs = {dy}, .create_graph = true})[0];
      }),
      .inputs = {{{2, 2, 3, 2}}, {{2, 4, 6, 2}}},
      .reference =
          [](const std::vector<Array>& in) {
            const Array image = Enlarged(in[0]);
            const Shape weight = {in[1].shape[3], 3, 3, image.shape[3]};
            Array dw{weight, std::vector<double>(static_cast<size_t>(weight.numel()))};
            ForEachConvProduct(
                EnlargedSize(image.shape, weight), [&](int64_t x, int64_t to, int64_t dy) {
                  dw.values[static_cast<size_t>(to)] +=
                      image.values[static_cast<size_t>(x)] * in[1].values[static_cast<size_t>(dy)];
                });
            return std::vector<Array>{dw};
          },
      // The kernel's sums are split among threads from 64 by 64 channels on.
      .large = {{2, 4, 5, 65}, {2, 8, 10, 66}},
      // UpsampleConv2d has checked what gets here.
      .cannot_fail = true,
      .bf16_result = DType::kF32};
}

}  // namespace

std::vector<OpCase> UpsampleConvCases() {
  std::vector<OpCase> cases = {WithBias("two channels", {2, 2, 3, 2}, {3, 3, 3, 2}),
                               WithBias("one pixel", {1, 1, 1, 3}, {2, 3, 3, 3}),
                               WithBias("one output", {1, 3, 2, 2}, {1, 3, 3, 2}), WithoutBias(),
                               WeightGradient()};
  cases[0].large = {{5, 14, 13, 65}, {66, 3, 3, 65}, {66}};
  cases[0].misuses = UpsampleConvMisuses();
  return cases;
}

}  // namespace autograd::testing
