// ClassConditionedUNet beside its twin in PyTorch: golden/class_conditioned_unet.py says what the
// files hold and made them.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "autograd/grad.h"
#include "autograd/io/safetensors.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/unary.h"
#include "flowmatch/models/class_conditioned_unet.h"
#include "nn/weights.h"

namespace flowmatch {
namespace {

using nn::BlockType;
using nn::NamedTensors;

constexpr double kOutputTolerance = 1e-4;
constexpr double kGradientTolerance = 1e-3;

constexpr auto kPlain = BlockType::kPlain;
constexpr auto kAttention = BlockType::kAttention;

ClassConditionedUNetOptions SmallOptions() {
  ClassConditionedUNetOptions options = {.num_classes = 3, .class_channels = 3};
  options.unet.block_out_channels = {8, 16};
  options.unet.down_block_types = {kPlain, kAttention};
  options.unet.layers_per_block = 1;
  options.unet.attention_head_dim = 4;
  options.unet.norm_num_groups = 4;
  return options;
}

ClassConditionedUNetOptions AddedOptions() {
  ClassConditionedUNetOptions options = {
      .num_classes = 4, .image_channels = 3, .conditioning = ClassConditioning::kTimeEmbedding};
  options.unet.block_out_channels = {8, 8, 12};
  options.unet.down_block_types = {kAttention, kPlain, kAttention};
  options.unet.attention_head_dim = 2;
  options.unet.norm_num_groups = 2;
  options.unet.norm_eps = 1e-3;
  options.unet.downsample_padding = 0;
  options.unet.flip_sin_to_cos = false;
  options.unet.freq_shift = 1;
  return options;
}

// `count` integers of 32 bits, the same as the script's.
std::vector<uint32_t> Hashes(int64_t count, uint64_t seed) {
  std::vector<uint32_t> hashes;
  for (uint64_t i = 0; i < static_cast<uint64_t>(count); ++i) {
    uint32_t h = static_cast<uint32_t>(i * 2654435761u + seed * 40503u + 12345u);
    for (int round = 0; round < 2; ++round) h = (h ^ (h >> 16)) * 0x45D9F3Bu;
    hashes.push_back(h ^ (h >> 16));
  }
  return hashes;
}

// The values the script gives parameter `number`, whose shape in files is `shape`.
Tensor Formula(size_t number, const std::string& name, const autograd::Shape& shape) {
  const double row = shape.rank() > 1 ? static_cast<double>(shape.numel() / shape[0]) : 1;
  std::vector<float> values;
  for (const uint32_t h : Hashes(shape.numel(), number)) {
    const double u = static_cast<double>(h) / 2147483648.0 - 1;
    const double value = shape.rank() > 1         ? u / std::sqrt(row)
                         : name.ends_with("bias") ? 0.1 * u
                                                  : 1 + 0.2 * u;
    values.push_back(static_cast<float>(value));
  }
  return Tensor::FromVector(values, shape);
}

Tensor ToNhwc(const Tensor& x) { return Contiguous(Permute(x, {0, 2, 3, 1})); }

double Norm(const std::vector<float>& values) {
  double sum = 0;
  for (const float v : values) sum += static_cast<double>(v) * static_cast<double>(v);
  return std::sqrt(sum);
}

// The norm of the difference over the norm of what was wanted.
double RelativeError(const Tensor& found, const Tensor& wanted) {
  std::vector<float> difference = found.ToVector<float>();
  const std::vector<float> target = wanted.ToVector<float>();
  for (size_t i = 0; i < target.size(); ++i) difference[i] -= target[i];
  return Norm(difference) / Norm(target);
}

class GoldenTest : public ::testing::Test {
 protected:
  NamedTensors Read(const std::string& name) {
    const auto file =
        autograd::ReadSafetensors("tests/flowmatch/models/golden/" + name + ".safetensors");
    EXPECT_TRUE(file.ok()) << file.status();
    return file.ok() ? file->tensors : NamedTensors();
  }

  void FillByFormula(ClassConditionedUNet& model) {
    NamedTensors state = ToFileLayout(model);
    for (size_t i = 0; i < state.size(); ++i) {
      state[i].second = Formula(i, state[i].first, state[i].second.shape());
    }
    const absl::Status status = LoadFileLayout(model, state);
    ASSERT_TRUE(status.ok()) << status;
  }

  // Compares the output; leaves the gradients in the parameters and returns them as in files.
  NamedTensors RunAndCompareOutput(const ClassConditionedUNet& model, const NamedTensors& golden) {
    const Tensor y = model.Forward(ToNhwc(nn::FindTensor(golden, "x")), nn::FindTensor(golden, "t"),
                                   nn::FindTensor(golden, "labels"));
    const Tensor wanted = ToNhwc(nn::FindTensor(golden, "y"));
    EXPECT_EQ(y.shape(), wanted.shape());
    EXPECT_LT(RelativeError(y, wanted), kOutputTolerance);
    Backward(Mean(Square(y - ToNhwc(nn::FindTensor(golden, "target"))), {}));
    NamedTensors gradients;
    for (const auto& [name, parameter] : model.NamedParameters()) {
      EXPECT_TRUE(parameter.grad().defined()) << name;
      gradients.emplace_back(name, parameter.grad());
    }
    return ToFileLayout(model, gradients);
  }

  void ExpectGradients(const NamedTensors& found, const NamedTensors& wanted) {
    ASSERT_EQ(found.size(), wanted.size());
    std::vector<double> norms;
    for (const auto& [name, gradient] : wanted) norms.push_back(Norm(gradient.ToVector<float>()));
    const double zero = ZeroNorm(norms);
    for (size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i].first, wanted[i].first);
      ASSERT_EQ(found[i].second.shape(), wanted[i].second.shape()) << found[i].first;
      if (norms[i] < zero) {
        EXPECT_LT(Norm(found[i].second.ToVector<float>()), zero) << found[i].first;
      } else {
        EXPECT_LT(RelativeError(found[i].second, wanted[i].second), kGradientTolerance)
            << found[i].first;
      }
    }
  }

  // `projections` [parameters, 1 + n]. A difference d from the wanted gradient shows as products
  // with vectors of random signs whose mean square is the square of d's norm.
  void ExpectProjections(const NamedTensors& found, const Tensor& projections) {
    ASSERT_EQ(static_cast<int64_t>(found.size()), projections.size(0));
    std::vector<double> norms;
    for (size_t i = 0; i < found.size(); ++i) {
      norms.push_back(projections.at<double>({static_cast<int64_t>(i), 0}));
    }
    const double zero = ZeroNorm(norms);
    for (size_t i = 0; i < found.size(); ++i) {
      const std::vector<float> gradient = found[i].second.ToVector<float>();
      if (norms[i] < zero) {
        EXPECT_LT(Norm(gradient), zero) << found[i].first;
      } else {
        EXPECT_NEAR(Norm(gradient), norms[i], kGradientTolerance * norms[i]) << found[i].first;
        EXPECT_LT(ProjectedError(gradient, i, projections), kGradientTolerance * norms[i])
            << found[i].first;
      }
    }
  }

 private:
  // Below this norm a gradient is nothing but rounding. Some are zero: those of a bias before a
  // norm of one channel a group, which takes it away, and those of the bias of keys, which adds the
  // same to all scores of a query.
  double ZeroNorm(const std::vector<double>& norms) {
    double squares = 0;
    for (const double norm : norms) squares += norm * norm;
    return 1e-6 * std::sqrt(squares);
  }

  // Root of the mean square of the errors of the products.
  double ProjectedError(const std::vector<float>& gradient, size_t number,
                        const Tensor& projections) {
    double squares = 0;
    const int64_t vectors = projections.size(1) - 1;
    for (int64_t p = 0; p < vectors; ++p) {
      const std::vector<uint32_t> hashes = Hashes(static_cast<int64_t>(gradient.size()),
                                                  number + 1000 * (static_cast<uint64_t>(p) + 1));
      double product = 0;
      for (size_t j = 0; j < gradient.size(); ++j) {
        product += static_cast<double>(hashes[j] >> 31 ? -gradient[j] : gradient[j]);
      }
      const double wanted = projections.at<double>({static_cast<int64_t>(number), p + 1});
      squares += (product - wanted) * (product - wanted);
    }
    return std::sqrt(squares / static_cast<double>(vectors));
  }
};

TEST_F(GoldenTest, SmallModelWithPyTorchsWeights) {
  const NamedTensors golden = Read("small");
  autograd::Generator generator(5);
  ClassConditionedUNet model(SmallOptions(), generator);
  const absl::Status loaded = LoadFileLayout(model, nn::WithoutPrefix(golden, "weights."));
  ASSERT_TRUE(loaded.ok()) << loaded;
  ExpectGradients(RunAndCompareOutput(model, golden), nn::WithoutPrefix(golden, "gradients."));
}

TEST_F(GoldenTest, ClassesInTheTimeEmbeddingAndTheOtherOptions) {
  const NamedTensors golden = Read("added");
  autograd::Generator generator(5);
  ClassConditionedUNet model(AddedOptions(), generator);
  FillByFormula(model);
  ExpectGradients(RunAndCompareOutput(model, golden), nn::WithoutPrefix(golden, "gradients."));
}

TEST_F(GoldenTest, TheModelOfTheMnistProgram) {
  const NamedTensors golden = Read("mnist");
  autograd::Generator generator(5);
  ClassConditionedUNet model({}, generator);
  FillByFormula(model);
  ExpectProjections(RunAndCompareOutput(model, golden), nn::FindTensor(golden, "projections"));
}

// So PyTorch's load_state_dict takes what SaveWeights wrote.
TEST_F(GoldenTest, SavedWeightsAreThoseOfPyTorchsFile) {
  const NamedTensors golden = nn::WithoutPrefix(Read("small"), "weights.");
  autograd::Generator generator(5);
  ClassConditionedUNet model(SmallOptions(), generator);
  ASSERT_TRUE(LoadFileLayout(model, golden).ok());
  const std::string path = ::testing::TempDir() + "/ours.safetensors";
  ASSERT_TRUE(SaveWeights(path, model).ok());
  const auto ours = autograd::ReadSafetensors(path);
  ASSERT_TRUE(ours.ok()) << ours.status();
  ASSERT_EQ(ours->tensors.size(), golden.size());
  for (size_t i = 0; i < golden.size(); ++i) {
    EXPECT_EQ(ours->tensors[i].first, golden[i].first);
    EXPECT_EQ(ours->tensors[i].second.shape(), golden[i].second.shape()) << golden[i].first;
    EXPECT_EQ(ours->tensors[i].second.ToVector<float>(), golden[i].second.ToVector<float>())
        << golden[i].first;
  }
}

}  // namespace
}  // namespace flowmatch
