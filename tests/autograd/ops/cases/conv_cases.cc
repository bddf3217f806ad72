#include "autograd/ops/conv.h"

#include "autograd/grad.h"
#include "autograd/grad_mode.h"
#include "autograd/kernels/conv_reference.h"
#include "autograd/ops/conv_size.h"
#include "autograd/ops/creation.h"
#include "tests/autograd/ops/cases/families.h"

namespace autograd::testing {
namespace {

using kernels::ConvSize;
using kernels::ForEachConvProduct;

// Sizes from arrays, by way of tensors that have only a shape.
template <class Size, class Options>
ConvSize SizeOf(Size size, const std::vector<Array>& in, const Options& options) {
  return size(Zeros(in[0].shape), Zeros(in[1].shape), in.size() > 2 ? Zeros(in[2].shape) : Tensor(),
              options);
}

// An image with the bias, or zeros, in every pixel.
Array Image(const Shape& shape, const std::vector<Array>& in) {
  Array out{shape, {}};
  for (int64_t i = 0; i < shape.numel(); ++i) {
    out.values.push_back(in.size() > 2 ? in[2].values[static_cast<size_t>(i % shape[3])] : 0);
  }
  return out;
}

Reference ConvReference(const Conv2dOptions& options) {
  return [options](const std::vector<Array>& in) {
    const ConvSize s = SizeOf(internal::Conv2dSize, in, options);
    Array y = Image({s.batch, s.out_height, s.out_width, s.out_channels}, in);
    ForEachConvProduct(s, [&](int64_t x, int64_t w, int64_t to) {
      y.values[static_cast<size_t>(to)] +=
          in[0].values[static_cast<size_t>(x)] * in[1].values[static_cast<size_t>(w)];
    });
    return std::vector<Array>{y};
  };
}

Reference TransposeReference(const ConvTranspose2dOptions& options) {
  return [options](const std::vector<Array>& in) {
    const ConvSize s = SizeOf(internal::ConvTranspose2dSize, in, options);
    Array y = Image({s.batch, s.height, s.width, s.channels}, in);
    ForEachConvProduct(s, [&](int64_t to, int64_t w, int64_t x) {
      y.values[static_cast<size_t>(to)] +=
          in[0].values[static_cast<size_t>(x)] * in[1].values[static_cast<size_t>(w)];
    });
    return std::vector<Array>{y};
  };
}

OpCase ConvCase(const std::string& name, const Shape& x, const Shape& weight,
                const Conv2dOptions& options) {
  return {.name = "Conv2d/" + name,
          .function = Ternary([options](const Tensor& image, const Tensor& w, const Tensor& bias) {
            return Conv2d(image, w, bias, options);
          }),
          .inputs = {{x}, {weight}, {{weight[0]}}},
          .reference = ConvReference(options)};
}

// Conv2d with a bias, or none, and what ConvAddends adds.
OpCase AddendsCase(const std::string& name, const Shape& x, const Shape& weight,
                   const Conv2dOptions& options, bool bias, bool shift, bool residual) {
  const ConvSize s = internal::Conv2dSize(Zeros(x), Zeros(weight), Tensor(), options);
  const Shape result = {s.batch, s.out_height, s.out_width, s.out_channels};
  OpCase c = {.name = "Conv2d/" + name,
              .function =
                  [=](const std::vector<Tensor>& in) {
                    size_t next = 2;
                    const auto take = [&](bool there) { return there ? in[next++] : Tensor(); };
                    const Tensor b = take(bias), offset = take(shift), more = take(residual);
                    return std::vector<Tensor>{
                        Conv2d(in[0], in[1], b, options, {.shift = offset, .residual = more})};
                  },
              .inputs = {{x}, {weight}},
              .reference =
                  [=](const std::vector<Array>& in) {
                    Array y = ConvReference(options)({in[0], in[1]})[0];
                    const int64_t channels = y.shape[3], pixels = y.shape[1] * y.shape[2];
                    for (size_t i = 0; i < y.values.size(); ++i) {
                      const int64_t at = static_cast<int64_t>(i), o = at % channels;
                      const int64_t image = at / channels / pixels;
                      size_t next = 2;
                      const auto add = [&](int64_t from) {
                        y.values[i] += in[next++].values[static_cast<size_t>(from)];
                      };
                      if (bias) add(o);
                      if (shift) add(image * channels + o);
                      if (residual) add(at);
                    }
                    return std::vector<Array>{y};
                  }};
  if (bias) c.inputs.push_back({{weight[0]}});
  if (shift) c.inputs.push_back({{x[0], weight[0]}});
  if (residual) c.inputs.push_back({result});
  return c;
}

std::vector<OpCase> AddendsCases() {
  const Conv2dOptions padded = {.padding = {1, 1}}, halved = {.stride = {2, 2}, .padding = {1, 1}};
  std::vector<OpCase> cases = {
      AddendsCase("shift and residual", {2, 3, 4, 2}, {3, 3, 3, 2}, padded, true, true, true),
      AddendsCase("shift alone", {2, 2, 3, 2}, {3, 3, 3, 2}, padded, false, true, false),
      AddendsCase("bias and shift", {2, 2, 3, 2}, {3, 3, 3, 2}, padded, true, true, false),
      AddendsCase("residual alone", {2, 2, 3, 2}, {3, 2, 2, 2}, {}, false, false, true),
      AddendsCase("bias and residual, strided", {1, 4, 5, 2}, {2, 3, 3, 2}, halved, true, false,
                  true),
      AddendsCase("1x1 with addends", {2, 2, 3, 3}, {2, 1, 1, 3}, {}, true, true, true),
      AddendsCase("one output with addends", {2, 3, 2, 5}, {1, 3, 3, 5}, padded, true, true, true),
  };
  cases[0].large = {{5, 28, 28, 33}, {35, 3, 3, 33}, {35}, {5, 35}, {5, 28, 28, 35}};
  cases[4].large = {{5, 27, 28, 33}, {35, 3, 3, 33}, {35}, {5, 14, 14, 35}};
  cases[5].large = {{5, 28, 28, 33}, {35, 1, 1, 33}, {35}, {5, 35}, {5, 28, 28, 35}};
  cases[6].large = {{5, 28, 28, 33}, {1, 3, 3, 33}, {1}, {5, 1}, {5, 28, 28, 1}};
  return cases;
}

OpCase TransposeCase(const std::string& name, const Shape& x, const Shape& weight,
                     const ConvTranspose2dOptions& options) {
  return {.name = "ConvTranspose2d/" + name,
          .function = Ternary([options](const Tensor& image, const Tensor& w, const Tensor& bias) {
            return ConvTranspose2d(image, w, bias, options);
          }),
          .inputs = {{x}, {weight}, {{weight[3] * options.groups}}},
          .reference = TransposeReference(options)};
}

OpCase TransposeWithoutBiasCase() {
  const ConvTranspose2dOptions options = {.stride = {2, 1}};
  return {.name = "ConvTranspose2d/without bias",
          .function = Binary([options](const Tensor& image, const Tensor& w) {
            return ConvTranspose2d(image, w, Tensor(), options);
          }),
          .inputs = {{{2, 2, 3, 2}}, {{2, 2, 3, 3}}},
          .reference = TransposeReference(options)};
}

// W(x, dy): what differentiating a convolution's weight records.
OpCase WeightGradientCase() {
  const Shape weight = {2, 3, 2, 2};
  const Conv2dOptions options = {.stride = {2, 1}, .padding = {1, 0}};
  return {.name = "Conv2dWeightGradient/strided",
          .function = Binary([=](const Tensor& x, const Tensor& dy) {
            const EnableGrad recording;  // finite differences run under NoGrad
            // The gradient does not depend on the weight's values, only on its sizes.
            const DType dtype = x.dtype() == DType::kBF16 ? DType::kF32 : x.dtype();
            const Tensor w =
                Zeros({dy.size(3), weight[1], weight[2], x.size(3)}, dtype).set_requires_grad(true);
            return Grad({Conv2d(x, w, Tensor(), options)}, {w},
                        {.grad_outputs = {dy}, .create_graph = true})[0];
          }),
          .inputs = {{{2, 4, 3, 2}}, {{2, 2, 2, 2}}},
          .reference =
              [=](const std::vector<Array>& in) {
                const ConvSize s =
                    internal::Conv2dSize(Zeros(in[0].shape), Zeros(weight), Tensor(), options);
                Array dw{weight, std::vector<double>(static_cast<size_t>(weight.numel()))};
                ForEachConvProduct(s, [&](int64_t x, int64_t to, int64_t dy) {
                  dw.values[static_cast<size_t>(to)] +=
                      in[0].values[static_cast<size_t>(x)] * in[1].values[static_cast<size_t>(dy)];
                });
                return std::vector<Array>{dw};
              },
          .large = {{6, 30, 21, 18}, {6, 15, 20, 33}},
          // Conv2d has checked what gets here.
          .cannot_fail = true};
}

std::vector<Misuse> ConvMisuses() {
  const auto conv = [](const Shape& x, const Shape& weight, const Conv2dOptions& options = {},
                       const Tensor& bias = Tensor()) {
    return [=] { Conv2d(Ones(x), Ones(weight), bias, options); };
  };
  const auto addends = [](const ConvAddends& terms) {
    return [=] { Conv2d(Ones({1, 4, 4, 3}), Ones({2, 3, 3, 3}), Tensor(), {}, terms); };
  };
  return {{conv({1, 4, 4, 3}, {2, 3, 3, 2}), {"Conv2d", "[1, 4, 4, 3] f32", "[2, 3, 3, 2] f32"}},
          {conv({4, 4, 3}, {2, 3, 3, 3}), {"Conv2d", "[4, 4, 3]", "[B, H, W, C]"}},
          {conv({1, 4, 4, 3}, {2, 5, 3, 3}), {"Conv2d", "[2, 5, 3, 3]", "padded image"}},
          {conv({1, 4, 4, 3}, {2, 0, 3, 3}), {"Conv2d", "[2, 0, 3, 3]", "empty"}},
          {conv({1, 4, 4, 4}, {3, 3, 3, 2}, {.groups = 2}), {"Conv2d", "groups 2"}},
          {conv({1, 4, 4, 3}, {2, 3, 3, 3}, {.stride = {0, 1}}), {"Conv2d", "stride [0, 1]"}},
          {conv({1, 4, 4, 3}, {2, 3, 3, 3}, {.padding = {0, -1}}), {"Conv2d", "padding [0, -1]"}},
          {conv({1, 4, 4, 3}, {2, 3, 3, 3}, {.dilation = {2, 1}}), {"Conv2d", "dilation [2, 1]"}},
          {conv({1, 4, 4, 3}, {2, 3, 3, 3}, {}, Ones({3})), {"Conv2d", "bias [3] f32"}},
          {[] {
             Conv2d(Ones({1, 4, 4, 3}), Ones({2, 3, 3, 3}, DType::kF64));
           },
           {"Conv2d", "f32", "f64"}},
          {[] {
             Conv2d(Ones({1, 4, 4, 3}, DType::kBF16), Ones({2, 3, 3, 3}, DType::kBF16));
           },
           {"Conv2d", "[2, 3, 3, 3] bf16", "the others f32"}},
          {addends({.shift = Ones({1, 3})}), {"Conv2d", "shift [1, 3] f32", "[1, 2] f32"}},
          {addends({.shift = Ones({1, 2}, DType::kF64)}), {"shift [1, 2] f64", "[1, 2] f32"}},
          {addends({.residual = Ones({1, 4, 4, 2})}),
           {"Conv2d", "residual [1, 4, 4, 2] f32", "[1, 2, 2, 2] f32"}},
          {addends({.residual = Ones({1, 2, 2, 2}, DType::kF64)}), {"residual [1, 2, 2, 2] f64"}}};
}

std::vector<Misuse> TransposeMisuses() {
  const auto transpose = [](const Shape& x, const Shape& weight,
                            const ConvTranspose2dOptions& options = {},
                            const Tensor& bias = Tensor()) {
    return [=] { ConvTranspose2d(Ones(x), Ones(weight), bias, options); };
  };
  return {{transpose({1, 4, 4, 3}, {2, 3, 3, 3}), {"ConvTranspose2d", "[1, 4, 4, 3]", "[2, 3, 3"}},
          {transpose({1, 4, 4, 2}, {2, 3, 3, 3}, {.stride = {2, 2}, .output_padding = {2, 0}}),
           {"ConvTranspose2d", "output_padding [2, 0]"}},
          {transpose({1, 1, 1, 2}, {2, 3, 3, 3}, {.padding = {2, 2}}),
           {"ConvTranspose2d", "padding [2, 2]", "empty"}},
          {transpose({1, 4, 4, 2}, {2, 3, 3, 3}, {.groups = 0}), {"groups 0"}},
          {transpose({1, 4, 4, 2}, {2, 3, 3, 3}, {}, Ones({2})), {"bias [2]"}}};
}

}  // namespace

std::vector<OpCase> ConvCases() {
  std::vector<OpCase> cases = {
      ConvCase("3x3", {2, 4, 3, 2}, {3, 3, 3, 2}, {.padding = {1, 1}}),
      ConvCase("1x1", {2, 2, 3, 3}, {2, 1, 1, 3}, {}),
      ConvCase("1x1 strided", {1, 3, 4, 2}, {3, 1, 1, 2}, {.stride = {2, 2}}),
      ConvCase("3x3 strided", {1, 5, 6, 2}, {2, 3, 3, 2}, {.stride = {2, 2}, .padding = {1, 1}}),
      ConvCase("rectangular", {1, 4, 5, 2}, {2, 3, 2, 2}, {.stride = {1, 3}, .padding = {0, 2}}),
      ConvCase("dilated", {1, 5, 5, 1}, {2, 2, 3, 1}, {.padding = {1, 2}, .dilation = {3, 2}}),
      ConvCase("groups", {1, 3, 3, 4}, {6, 2, 2, 2}, {.padding = {1, 0}, .groups = 2}),
      ConvCase("depthwise", {1, 4, 3, 3}, {3, 3, 3, 1}, {.padding = {1, 1}, .groups = 3}),
      ConvCase("much padding", {1, 2, 2, 2}, {2, 2, 2, 2}, {.padding = {3, 2}}),
      {.name = "Conv2d/without bias",
       .function = Binary([](const Tensor& x, const Tensor& w) { return Conv2d(x, w); }),
       .inputs = {{{1, 3, 4, 2}}, {{3, 2, 2, 2}}},
       .reference = ConvReference({})},
      TransposeCase("2x2", {2, 2, 3, 2}, {2, 2, 2, 3}, {.stride = {2, 2}}),
      TransposeCase("3x3", {1, 3, 4, 2}, {2, 3, 3, 2}, {.padding = {1, 1}}),
      TransposeCase("output padding", {1, 2, 3, 2}, {2, 3, 3, 1},
                    {.stride = {2, 3}, .padding = {1, 1}, .output_padding = {1, 2}}),
      TransposeCase("dilated groups", {1, 2, 3, 4}, {4, 2, 2, 1},
                    {.stride = {1, 2}, .dilation = {2, 3}, .groups = 2, .output_padding = {1, 1}}),
      TransposeWithoutBiasCase(),
      WeightGradientCase(),
  };
  cases[0].large = {{5, 28, 28, 33}, {35, 3, 3, 33}, {35}};
  cases[0].misuses = ConvMisuses();
  cases[1].large = {{5, 28, 28, 33}, {35, 1, 1, 33}, {35}};
  cases[3].large = {{5, 27, 28, 33}, {35, 3, 3, 33}, {35}};
  cases[6].large = {{5, 28, 28, 32}, {48, 2, 2, 16}, {48}};
  cases[10].large = {{5, 14, 14, 33}, {33, 2, 2, 35}, {35}};
  cases[10].misuses = TransposeMisuses();
  cases[12].large = {{5, 14, 13, 33}, {33, 3, 3, 35}, {35}};
  for (OpCase& c : AddendsCases()) cases.push_back(std::move(c));
  // Weight, bias and shift stay f32; of the weight's gradient both operands are images.
  for (OpCase& c : cases) {
    const bool images = c.name.starts_with("Conv2dWeightGradient");
    if (images) c.bf16_result = DType::kF32;
    for (size_t i = 1; i < c.inputs.size() && !images; ++i) {
      if (c.inputs[i].shape.rank() != 4 || i == 1) c.bf16_parameters.push_back(static_cast<int>(i));
    }
  }
  return cases;
}

}  // namespace autograd::testing
