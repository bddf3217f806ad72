#include "flowmatch/loss/chunked_backward.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "autograd/grad.h"
#include "autograd/memory/allocator.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/slice.h"
#include "autograd/parallel/parallel.h"
#include "flowmatch/loss/cfm_loss.h"
#include "flowmatch/models/class_conditioned_unet.h"
#include "flowmatch/path/scheduler.h"
#include "nn/parameter_buffer.h"

namespace flowmatch {
namespace {

using autograd::Generator;

constexpr int64_t kBatch = 10;

// A small UNet with every kind of block, and a batch for it.
struct Problem {
  Problem() {
    Generator generator(3);
    ClassConditionedUNetOptions options;
    options.unet.block_out_channels = {8, 16};
    options.unet.down_block_types = {nn::BlockType::kPlain, nn::BlockType::kAttention};
    options.unet.norm_num_groups = 8;
    model = std::make_unique<ClassConditionedUNet>(options, generator);
    parameters = std::make_unique<nn::ParameterBuffer>(*model);
    const AffinePath path(std::make_shared<CondOTScheduler>());
    const Tensor x0 = autograd::Randn({kBatch, 8, 8, 1}, generator);
    const Tensor x1 = autograd::Rand({kBatch, 8, 8, 1}, generator);
    sample = path.Sample(x0, x1, autograd::Rand({kBatch}, generator));
    labels = autograd::RandInt(0, 11, {kBatch}, generator);
  }

  Tensor Loss(int64_t begin, int64_t end) const {
    const auto velocity = [&](const Tensor& x, const Tensor& t) {
      return model->Forward(x, t, autograd::Slice(labels, 0, begin, end));
    };
    return CfmLoss(velocity, SliceSample(sample, begin, end));
  }

  // Loss, and all gradients.
  std::pair<double, std::vector<float>> Gradients(int64_t chunk) const {
    parameters->ZeroGrad();
    const double loss = BackwardInChunks(
        kBatch, chunk, [&](int64_t begin, int64_t end) { return Loss(begin, end); });
    parameters->GatherGradients();
    return {loss, parameters->gradients().ToVector<float>()};
  }

  std::unique_ptr<ClassConditionedUNet> model;
  std::unique_ptr<nn::ParameterBuffer> parameters;
  PathSample sample;
  Tensor labels;
};

double Norm(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value) * static_cast<double>(value);
  return std::sqrt(sum);
}

TEST(ChunkedBackwardTest, OneChunkHasTheBytesOfBackward) {
  const Problem problem;
  problem.parameters->ZeroGrad();
  const Tensor loss = problem.Loss(0, kBatch);
  Backward(loss);
  problem.parameters->GatherGradients();
  const std::vector<float> wanted = problem.parameters->gradients().ToVector<float>();
  for (const int64_t chunk : {int64_t{0}, kBatch, 3 * kBatch}) {
    const auto [value, gradients] = problem.Gradients(chunk);
    EXPECT_EQ(value, loss.item());
    EXPECT_EQ(gradients, wanted) << chunk;
  }
}

TEST(ChunkedBackwardTest, GradientsAreThoseOfTheWholeBatch) {
  const Problem problem;
  const auto [whole_loss, whole] = problem.Gradients(0);
  ASSERT_GT(Norm(whole), 0.01);
  // 3 and 4 leave a smaller chunk at the end, which must count for less.
  for (const int64_t chunk : {1, 3, 4, 5}) {
    const auto [loss, gradients] = problem.Gradients(chunk);
    EXPECT_NEAR(loss, whole_loss, 1e-6 * whole_loss) << chunk;
    std::vector<float> difference(whole.size());
    for (size_t i = 0; i < whole.size(); ++i) difference[i] = gradients[i] - whole[i];
    EXPECT_LT(Norm(difference), 3e-6 * Norm(whole)) << chunk;
  }
}

TEST(ChunkedBackwardTest, SameBytesOnAnyNumberOfThreads) {
  const int before = autograd::NumThreads();
  const Problem problem;
  autograd::SetNumThreads(1);
  const auto wanted = problem.Gradients(4);
  for (const int threads : {2, 3, 16}) {
    autograd::SetNumThreads(threads);
    EXPECT_EQ(problem.Gradients(4), wanted) << threads;
  }
  autograd::SetNumThreads(before);
}

TEST(ChunkedBackwardTest, FromTheSecondStepOnNothingComesFromTheSystem) {
  const Problem problem;
  int64_t allocations = 0;
  for (int step = 0; step < 4; ++step) {
    problem.Gradients(4);
    const int64_t now = autograd::GetAllocatorStats().system_allocations;
    // Under AddressSanitizer everything comes from the system.
    if (step > 0 && autograd::AllocatorCaches()) {
      EXPECT_EQ(now, allocations) << step;
    }
    allocations = now;
  }
}

TEST(ChunkedBackwardTest, ActivationsAreThoseOfOneChunk) {
  const Problem problem;
  const auto peak = [&](int64_t chunk) {
    const int64_t live = autograd::GetAllocatorStats().bytes_live;
    autograd::ResetPeakStats();
    problem.Gradients(chunk);
    return autograd::GetAllocatorStats().bytes_peak - live;
  };
  peak(0);
  EXPECT_LT(peak(1), peak(0) / 2);
}

TEST(ChunkedBackwardTest, ErrorsSayWhatIsWanted) {
  const auto loss = [](int64_t, int64_t) { return Tensor::Scalar(1.0); };
  EXPECT_THROW(BackwardInChunks(0, 4, loss), std::invalid_argument);
  EXPECT_THROW(BackwardInChunks(4, -1, loss), std::invalid_argument);
  // A loss that depends on nothing.
  EXPECT_THROW(BackwardInChunks(4, 2, loss), std::invalid_argument);
  const Problem problem;
  EXPECT_THROW(SliceSample(problem.sample, 4, kBatch + 1), std::invalid_argument);
}

TEST(ChunkedBackwardTest, OneTimeForAllStaysWhole) {
  const AffinePath path(std::make_shared<CondOTScheduler>());
  const Tensor x = autograd::Ones({4, 2});
  const PathSample part = SliceSample(path.Sample(x, x, Tensor::Scalar(.5f)), 1, 3);
  EXPECT_EQ(part.t.rank(), 0);
  EXPECT_EQ(part.x_t.shape(), (autograd::Shape{2, 2}));
  EXPECT_EQ(part.x0.shape(), part.dx_t.shape());
}

}  // namespace
}  // namespace flowmatch
