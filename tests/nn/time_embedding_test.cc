// Embeddings of time: against their formulas in f64, against PyTorch, and their derivatives.
#include "nn/time_embedding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <numbers>
#include <stdexcept>
#include <string>
#include <vector>

#include "autograd/gradcheck.h"
#include "autograd/ops/creation.h"

namespace nn {
namespace {

using autograd::DType;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

Tensor Times(std::vector<double> times) {
  return Tensor::FromVector(times, {static_cast<int64_t>(times.size())});
}

TEST(SinusoidalEmbedding, FollowsItsFormula) {
  const std::vector<double> times = {0, 0.3, 17, 999};
  for (const int64_t size : {2, 8, 9, 32}) {
    for (const bool cos_first : {true, false}) {
      for (const double shift : {0.0, 0.25}) {
        const SinusoidalEmbedding embedding(
            size,
            {.cos_first = cos_first, .frequency_shift = shift, .scale = 0.5, .max_period = 400});
        const Tensor result = embedding.Forward(Times(times));
        ASSERT_EQ(result.shape(), (autograd::Shape{4, size}));
        const int64_t count = size / 2;
        for (int64_t row = 0; row < 4; ++row) {
          for (int64_t i = 0; i < count; ++i) {
            const double t = times[static_cast<size_t>(row)];
            const double exponent = static_cast<double>(i) / (static_cast<double>(count) - shift);
            const double angle = 0.5 * t * std::exp(-std::log(400) * exponent);
            const int64_t cosine = cos_first ? i : i + count, sine = cos_first ? i + count : i;
            EXPECT_NEAR(result.at<double>({row, cosine}), std::cos(angle), 1e-12);
            EXPECT_NEAR(result.at<double>({row, sine}), std::sin(angle), 1e-12);
          }
          if (size % 2 == 1) {
            EXPECT_EQ(result.at<double>({row, size - 1}), 0);
          }
        }
      }
    }
  }
}

TEST(SinusoidalEmbedding, KeepsTheShapeAndTakesIntegers) {
  const SinusoidalEmbedding embedding(6);
  const std::vector<int64_t> steps = {0, 500, 999, 3, 4, 5};
  const std::vector<float> same = {0, 500, 999, 3, 4, 5};
  const Tensor expected = embedding.Forward(Tensor::FromVector(same, {2, 3}));
  const Tensor result = embedding.Forward(Tensor::FromVector(steps, {2, 3}));
  EXPECT_EQ(result.shape(), (autograd::Shape{2, 3, 6}));
  EXPECT_EQ(result.dtype(), DType::kF32);
  EXPECT_EQ(result.ToVector<float>(), expected.ToVector<float>());
  EXPECT_EQ(embedding.Forward(Tensor::Scalar(7.0)).shape(), autograd::Shape{6});
  EXPECT_EQ(embedding.Forward(autograd::Ones({0})).shape(), (autograd::Shape{0, 6}));
  EXPECT_TRUE(embedding.StateDict().empty());
}

// The frequencies differ in the last bits from those that PyTorch computes in f32, and times go up
// to 999.
TEST(SinusoidalEmbedding, IsPyTorchs) {
  const auto golden = nlohmann::json::parse(std::ifstream("tests/nn/golden/time_embedding.json"));
  const std::vector<float> times = golden["times"];
  ASSERT_EQ(golden["sinusoidal"].size(), 3);
  for (const auto& expected : golden["sinusoidal"]) {
    const SinusoidalEmbedding embedding(expected["size"],
                                        {.cos_first = expected["cos_first"],
                                         .frequency_shift = expected["frequency_shift"],
                                         .scale = expected["scale"],
                                         .max_period = expected["max_period"]});
    const std::vector<float> values = expected["values"];
    const std::vector<float> found =
        embedding.Forward(Tensor::FromVector(times, {7})).ToVector<float>();
    ASSERT_EQ(found.size(), values.size());
    const size_t size = values.size() / times.size();
    for (size_t i = 0; i < values.size(); ++i) {
      EXPECT_NEAR(found[i], values[i], 1e-7 * (2 + times[i / size])) << i;
    }
  }
}

TEST(SinusoidalEmbedding, HasDerivativesByTheTime) {
  const SinusoidalEmbedding embedding(7, {.max_period = 20});
  const auto function = [&](const std::vector<Tensor>& in) {
    return std::vector{embedding.Forward(in[0])};
  };
  const Tensor t = Times({0, 0.4, 3});
  EXPECT_TRUE(autograd::GradCheck(function, {t}).ok);
  EXPECT_TRUE(autograd::GradGradCheck(function, {t}).ok);
}

TEST(SinusoidalEmbedding, SaysWhatItWants) {
  EXPECT_THAT([] { SinusoidalEmbedding(1); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("wants size >= 2")));
  EXPECT_THAT([] { SinusoidalEmbedding(2, {.frequency_shift = 1}); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("frequency_shift 1")));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(SinusoidalEmbedding(4, {.frequency_shift = nan}), std::invalid_argument);
  EXPECT_THROW(SinusoidalEmbedding(4, {.scale = nan}), std::invalid_argument);
  EXPECT_THROW(SinusoidalEmbedding(4, {.max_period = 0}), std::invalid_argument);
  EXPECT_THROW(SinusoidalEmbedding(4, {.max_period = 1 / 0.0}), std::invalid_argument);
  const SinusoidalEmbedding embedding(4);
  EXPECT_THAT([&] { embedding.Forward(autograd::Ones({3}, DType::kU8)); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("got [3] u8")));
  EXPECT_THROW(embedding.Forward(Tensor()), std::invalid_argument);
}

TEST(GaussianFourierEmbedding, FollowsItsFormula) {
  for (const bool cos_first : {true, false}) {
    for (const bool log : {true, false}) {
      Generator generator(3);
      const GaussianFourierEmbedding embedding(
          10, generator, {.scale = 4, .cos_first = cos_first, .log = log, .dtype = DType::kF64});
      ASSERT_EQ(embedding.weight().shape(), autograd::Shape{5});
      const Tensor result = embedding.Forward(Times({0.01, 2}));
      ASSERT_EQ(result.shape(), (autograd::Shape{2, 10}));
      for (int64_t row = 0; row < 2; ++row) {
        for (int64_t i = 0; i < 5; ++i) {
          const double t = row == 0 ? 0.01 : 2;
          const double w = embedding.weight().at<double>({i});
          const double angle = 2 * std::numbers::pi * w * (log ? std::log(t) : t);
          const int64_t cosine = cos_first ? i : i + 5, sine = cos_first ? i + 5 : i;
          EXPECT_NEAR(result.at<double>({row, cosine}), std::cos(angle), 1e-12);
          EXPECT_NEAR(result.at<double>({row, sine}), std::sin(angle), 1e-12);
        }
      }
    }
  }
}

TEST(GaussianFourierEmbedding, IsPyTorchsWithItsWeights) {
  const auto golden =
      nlohmann::json::parse(std::ifstream("tests/nn/golden/time_embedding.json"))["fourier"];
  Generator generator(1);
  GaussianFourierEmbedding embedding(8, generator, {.log = true});
  const std::vector<float> weight = golden["weight"], times = golden["times"],
                           values = golden["values"];
  ASSERT_TRUE(embedding.LoadStateDict({{"weight", Tensor::FromVector(weight, {4})}}).ok());
  const std::vector<float> found =
      embedding.Forward(Tensor::FromVector(times, {4})).ToVector<float>();
  ASSERT_EQ(found.size(), values.size());
  // Angles up to some 100, each rounded in f32.
  for (size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(found[i], values[i], 2e-5) << i;
}

TEST(GaussianFourierEmbedding, FrequenciesAreABufferWithTheScaleAsDeviation) {
  Generator generator(5);
  const GaussianFourierEmbedding embedding(20000, generator, {.scale = 16});
  EXPECT_TRUE(embedding.Parameters().empty());
  ASSERT_EQ(embedding.NamedBuffers().size(), 1);
  EXPECT_EQ(embedding.NamedBuffers()[0].first, "weight");
  double squares = 0;
  for (const float w : embedding.weight().ToVector<float>()) squares += w * w;
  EXPECT_NEAR(std::sqrt(squares / 10000), 16, 0.5);
}

TEST(GaussianFourierEmbedding, HasDerivativesByTheTime) {
  Generator generator(2);
  const GaussianFourierEmbedding embedding(6, generator, {.log = true, .dtype = DType::kF64});
  const auto function = [&](const std::vector<Tensor>& in) {
    return std::vector{embedding.Forward(in[0])};
  };
  EXPECT_TRUE(autograd::GradCheck(function, {Times({0.4, 3})}).ok);
  EXPECT_TRUE(autograd::GradGradCheck(function, {Times({0.4, 3})}).ok);
}

TEST(GaussianFourierEmbedding, SaysWhatItWants) {
  Generator generator(1);
  for (const int64_t size : {-2, 0, 3}) {
    EXPECT_THAT([&] { GaussianFourierEmbedding(size, generator); },
                ThrowsMessage<std::invalid_argument>(HasSubstr(std::to_string(size))));
  }
  const GaussianFourierEmbedding embedding(4, generator);
  EXPECT_THAT([&] { embedding.Forward(Times({1})); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("wants times of f32, got [1] f64")));
}

}  // namespace
}  // namespace nn
