// Normalisation layers against what PyTorch computed (tests/nn/golden/normalisation.py).
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "autograd/grad.h"
#include "autograd/grad_mode.h"
#include "autograd/ops/expand.h"
#include "autograd/ops/inplace.h"
#include "autograd/ops/unary.h"
#include "nn/norm.h"

namespace nn {
namespace {

using autograd::DType;
using autograd::Shape;
using nlohmann::json;

std::unique_ptr<Layer> Make(const json& line) {
  const std::string name = line["layer"];
  const int64_t channels = line["shape"].back();
  const double eps = line["eps"];
  if (name == "group_norm") {
    return std::make_unique<GroupNorm>(line["groups"].get<int64_t>(), channels,
                                       GroupNormOptions{.eps = eps, .dtype = DType::kF64});
  }
  if (name == "layer_norm") {
    return std::make_unique<LayerNorm>(channels,
                                       LayerNormOptions{.eps = eps, .dtype = DType::kF64});
  }
  BatchNormOptions options = {
      .eps = eps, .track_running_stats = line["tracks"], .dtype = DType::kF64};
  options.momentum = std::nullopt;
  if (!line["momentum"].is_null()) options.momentum = line["momentum"].get<double>();
  return std::make_unique<BatchNorm2d>(channels, options);
}

void ExpectNear(const Tensor& found, const json& wanted) {
  const std::vector<double> values = found.ToVector<double>();
  ASSERT_EQ(values.size(), wanted.size());
  for (size_t i = 0; i < values.size(); ++i) {
    ASSERT_NEAR(values[i], wanted[i].get<double>(), 1e-9 * (1 + std::abs(values[i]))) << i;
  }
}

Tensor FromJson(const json& values, const Shape& shape) {
  return Tensor::FromVector(values.get<std::vector<double>>(), shape);
}

TEST(NormGoldenTest, ResultsGradientsAndBuffersArePyTorchs) {
  std::ifstream file("tests/nn/golden/normalisation.json");
  for (const json& line : json::parse(file)) {
    SCOPED_TRACE(line["layer"].get<std::string>() + " " + line["shape"].dump());
    const std::unique_ptr<Layer> layer = Make(line);
    const std::vector<int64_t> sizes = line["shape"];
    const std::vector<Tensor> parameters = layer->Parameters();
    ASSERT_EQ(parameters.size(), 2u);
    {
      const autograd::NoGrad guard;
      Tensor weight = parameters[0], bias = parameters[1];
      CopyInPlace(weight, FromJson(line["weight"], {sizes.back()}));
      CopyInPlace(bias, FromJson(line["bias"], {sizes.back()}));
    }
    for (const json& step : line["steps"]) {
      layer->Train(step["training"]);
      const Tensor x = FromJson(step["input"], Shape(sizes)).set_requires_grad(true);
      const Tensor y = layer->Forward(x);
      ExpectNear(y, step["result"]);
      const std::vector<Tensor> gradients =
          autograd::Grad({SumTo(Square(y), {})}, {x, parameters[0], parameters[1]});
      ExpectNear(gradients[0], step["input_gradient"]);
      ExpectNear(gradients[1], step["weight_gradient"]);
      ExpectNear(gradients[2], step["bias_gradient"]);
      ASSERT_EQ(layer->NamedBuffers().size(), step["buffers"].size());
      for (const auto& [name, buffer] : layer->NamedBuffers()) {
        SCOPED_TRACE(name);
        if (buffer.dtype() == DType::kI64) {
          EXPECT_EQ(buffer.item<int64_t>(), step["buffers"][name].get<int64_t>());
        } else {
          ExpectNear(buffer, step["buffers"][name]);
        }
      }
    }
  }
}

}  // namespace
}  // namespace nn
