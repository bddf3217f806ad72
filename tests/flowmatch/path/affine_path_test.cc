#include "flowmatch/path/affine_path.h"

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "autograd/gradcheck.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/expand.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/slice.h"
#include "gtest/gtest.h"
#include "tests/flowmatch/testing/error_text.h"
#include "tests/flowmatch/testing/gaussian_flow.h"
#include "tests/nn/heap_counter.h"

namespace flowmatch {
namespace {

using autograd::DType;
using autograd::Generator;
using autograd::Shape;

// Times inside (0, 1), so that no path is singular.
Tensor InnerTimes(int64_t n, Generator& generator, DType dtype) {
  return autograd::Rand({n}, generator, dtype) * .9 + .05;
}

template <class T>
void ExpectSame(const PathSample& a, const PathSample& b) {
  EXPECT_EQ(a.x_t.ToVector<T>(), b.x_t.ToVector<T>());
  EXPECT_EQ(a.dx_t.ToVector<T>(), b.dx_t.ToVector<T>());
}

TEST(AffinePathTest, SampleFollowsItsDefinition) {
  Generator generator(1);
  for (const SchedulerPointer& scheduler : AllSchedulers()) {
    const Tensor x0 = autograd::Randn({5, 2}, generator, DType::kF64);
    const Tensor x1 = autograd::Randn({5, 2}, generator, DType::kF64);
    const Tensor t = InnerTimes(5, generator, DType::kF64);
    const PathSample sample = AffinePath(scheduler).Sample(x0, x1, t);
    EXPECT_TRUE(sample.x0.IsSame(x0) && sample.x1.IsSame(x1) && sample.t.IsSame(t));
    for (int64_t i = 0; i < 5; ++i) {
      const PathCoefficients c = scheduler->At(t.at<double>({i}));
      for (int64_t j = 0; j < 2; ++j) {
        const double noise = x0.at<double>({i, j}), data = x1.at<double>({i, j});
        EXPECT_EQ(sample.x_t.at<double>({i, j}), data * c.alpha + noise * c.sigma);
        EXPECT_EQ(sample.dx_t.at<double>({i, j}), data * c.d_alpha + noise * c.d_sigma);
      }
    }
  }
}

TEST(AffinePathTest, EndsAreSourceAndData) {
  const AffinePath path(std::make_shared<CosineScheduler>());
  const Tensor x0 = Tensor::FromVector<float>({1, 2}, {2}), x1 = x0 * 10.0;
  const PathSample sample = path.Sample(x0, x1, Tensor::FromVector<float>({0, 1}, {2}));
  EXPECT_EQ(sample.x_t.ToVector<float>(), (std::vector<float>{1, 20}));
}

// The pass over dense elements and the recorded operations give the same bytes.
template <class T>
void CheckRecordedSampling(DType dtype) {
  Generator generator(2);
  const AffinePath path(std::make_shared<CosineScheduler>());
  for (const Shape& shape : {Shape{7, 2}, Shape{300, 100}, Shape{3, 4, 5, 2}, Shape{6}, Shape{}}) {
    const Tensor x0 = autograd::Randn(shape, generator, dtype);
    const Tensor x1 = autograd::Randn(shape, generator, dtype);
    std::vector<Tensor> times = {Reshape(InnerTimes(1, generator, dtype), {})};
    if (shape.rank() > 0) times.push_back(InnerTimes(shape[0], generator, dtype));
    for (const Tensor& t : times) {
      const PathSample dense = path.Sample(x0, x1, t);
      Tensor leaf = x0.Detach().set_requires_grad(true);
      const PathSample recorded = path.Sample(leaf, x1, t);
      EXPECT_FALSE(dense.x_t.requires_grad());
      EXPECT_TRUE(recorded.x_t.requires_grad() && recorded.dx_t.requires_grad());
      ExpectSame<T>(dense, recorded);
    }
  }
}

TEST(AffinePathTest, RecordedSamplesAreTheSame) {
  CheckRecordedSampling<float>(DType::kF32);
  CheckRecordedSampling<double>(DType::kF64);
}

TEST(AffinePathTest, AnyStrides) {
  Generator generator(3);
  const AffinePath path(std::make_shared<CondOTScheduler>());
  const Tensor x0 = Transpose(autograd::Randn({2, 6}, generator), 0, 1);
  const Tensor x1 = Expand(autograd::Randn({1, 2}, generator), {6, 2});
  const Tensor t = Select(autograd::Rand({6, 3}, generator), 1, 1);
  ExpectSame<float>(path.Sample(x0, x1, t),
                    path.Sample(Contiguous(x0), Contiguous(x1), Contiguous(t)));
}

TEST(AffinePathTest, SamplesAreDifferentiable) {
  Generator generator(4);
  const AffinePath path(std::make_shared<LinearVPScheduler>());
  const Tensor t = InnerTimes(3, generator, DType::kF64);
  const auto function = [&](const std::vector<Tensor>& in) {
    const PathSample sample = path.Sample(in[0], in[1], t);
    return std::vector<Tensor>{sample.x_t, sample.dx_t};
  };
  const autograd::GradCheckReport report =
      autograd::GradCheck(function, {autograd::Randn({3, 2}, generator, DType::kF64),
                                     autograd::Randn({3, 2}, generator, DType::kF64)});
  EXPECT_TRUE(report.ok) << report.message;
}

TEST(AffinePathTest, AWarmSampleTakesNothingFromTheHeap) {
  Generator generator(5);
  const AffinePath path(std::make_shared<CondOTScheduler>());
  const Tensor x0 = autograd::Randn({256, 2}, generator), x1 = autograd::Randn({256, 2}, generator);
  const Tensor t = autograd::Rand({256}, generator);
  for (int i = 0; i < 3; ++i) path.Sample(x0, x1, t);
  const int64_t before = nn::HeapAllocations();
  for (int i = 0; i < 10; ++i) path.Sample(x0, x1, t);
  EXPECT_EQ(nn::HeapAllocations(), before);
}

TEST(AffinePathTest, MisuseIsNamed) {
  const AffinePath path(std::make_shared<VPScheduler>());
  const Tensor x = autograd::Zeros({3, 2}), t = autograd::Full({3}, .5);
  const auto error = [&](const Tensor& x0, const Tensor& x1, const Tensor& times) {
    return ErrorText([&] { path.Sample(x0, x1, times); });
  };
  const std::string wants =
      "AffinePath::Sample: wants two tensors [B, ...] of one shape and times [B] or of rank 0, all "
      "f32 or all f64; got ";
  EXPECT_EQ(error(x, autograd::Zeros({2, 3}), t), wants + "[3, 2] f32, [2, 3] f32 and [3] f32");
  EXPECT_EQ(error(x, x, autograd::Zeros({2})), wants + "[3, 2] f32, [3, 2] f32 and [2] f32");
  EXPECT_EQ(error(x, x, autograd::Zeros({3, 1})), wants + "[3, 2] f32, [3, 2] f32 and [3, 1] f32");
  EXPECT_EQ(error(x, x, autograd::Zeros({3}, DType::kF64)),
            wants + "[3, 2] f32, [3, 2] f32 and [3] f64");
  EXPECT_EQ(error(x, x, Tensor()), wants + "[3, 2] f32, [3, 2] f32 and undefined");
  EXPECT_EQ(error(x, x, t + 1.0), "vp scheduler: time 1.5 is outside [0, 1]");
  const std::string singular =
      "AffinePath::Sample: singular at t = 1 on the path vp; keep the time off this end";
  EXPECT_EQ(error(x, x, t + .5), singular);
  // The recorded way says the same.
  EXPECT_EQ(error(x.Detach().set_requires_grad(true), x, t + .5), singular);
  EXPECT_EQ(ErrorText([] { AffinePath(nullptr); }), "AffinePath: the scheduler is null");
}

}  // namespace
}  // namespace flowmatch
