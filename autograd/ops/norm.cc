#include "autograd/ops/norm.h"

#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "autograd/composite_node.h"
#include "autograd/kernels/group_norm.h"
#include "autograd/ops/activation_kernel.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/dispatch.h"
#include "autograd/ops/linear.h"
#include "autograd/ops/norm_common.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/unary.h"
#include "autograd/trace/op_scope.h"

namespace autograd {
namespace {

using internal::DTypes;

struct GroupNormOptions {
  int64_t groups;
  double eps;
  ActivationSpec activation;
};

kernels::GroupNormSize SizeOf(const Tensor& x, int64_t groups) {
  kernels::GroupNormSize size = {x.size(0), 1, x.size(-1), groups};
  for (int axis = 1; axis + 1 < x.rank(); ++axis) size.rows *= x.shape()[axis];
  return size;
}

template <class T>
kernels::NormActivation<T> Kernels(const ActivationSpec& spec) {
  if (spec.activation == Activation::kNone) return {};
  return kernels::NormActivation<T>::Of(internal::ActivationKernel(spec.activation),
                                        static_cast<T>(spec.parameter));
}

// What the fused rule stands for.
Tensor Composite(const Tensor& x, const Tensor& weight, const Tensor& bias,
                 const GroupNormOptions& options) {
  const kernels::GroupNormSize size = SizeOf(x, options.groups);
  const Tensor grouped =
      Reshape(x, {size.batch, size.rows, size.groups, size.channels / size.groups});
  const Tensor centred = grouped - Mean(grouped, {1, 3}, true);
  const Tensor inverse = Rsqrt(Mean(Square(centred), {1, 3}, true) + options.eps);
  return Activate(internal::Affine(Reshape(centred * inverse, x.shape()), weight, bias),
                  options.activation);
}

class GroupNormNode final : public CompositeNode<GroupNormNode> {
 public:
  static constexpr char kName[] = "GroupNorm";
  // `statistics` are the kernel's.
  GroupNormNode(const Tensor& x, const Tensor& weight, const Tensor& bias,
                const GroupNormOptions& options, const Tensor& statistics)
      : x_(this, x),
        weight_(this, weight),
        bias_(this, bias),
        statistics_(this, statistics),
        options_(options) {}

  // x, and of weight and bias those that are there.
  std::vector<Tensor> Inputs() const {
    std::vector<Tensor> inputs = {x_.Get()};
    for (const Tensor& parameter : {weight_.Get(), bias_.Get()}) {
      if (parameter.defined()) inputs.push_back(parameter);
    }
    return inputs;
  }
  VectorFunction Function() const {
    const bool weighted = weight_.Get().defined(), biased = bias_.Get().defined();
    return [options = options_, weighted, biased](const std::vector<Tensor>& in) {
      return std::vector<Tensor>{
          Composite(in[0], weighted ? in[1] : Tensor(), biased ? in.back() : Tensor(), options)};
    };
  }

  void FusedVjp(VjpContext& ctx) override {
    internal::Dispatch<DTypes::kFloating>(ctx.grad().dtype(), [&]<class T>(T) { Fused<T>(ctx); });
  }

 private:
  template <class T>
  void Fused(VjpContext& ctx) const {
    const Tensor x = Contiguous(x_.Get()), weight = internal::DenseOrUndefined(weight_.Get()),
                 bias = internal::DenseOrUndefined(bias_.Get()), dy = Contiguous(ctx.grad());
    int inputs = 0;
    const auto gradient = [&](bool is_input) {
      const int input = is_input ? inputs++ : -1;
      const bool wanted = is_input && ctx.needs(input);
      return std::pair<int, Tensor>(input, wanted ? ctx.EmptyGrad(input) : Tensor());
    };
    const auto dx = gradient(true), dweight = gradient(weight.defined()),
               dbias = gradient(bias.defined());
    const auto data = [](const Tensor& to) { return to.defined() ? to.raw<T>() : nullptr; };
    kernels::GroupNormBackward(SizeOf(x, options_.groups), x.raw<T>(), internal::DataOf<T>(weight),
                               internal::DataOf<T>(bias), options_.eps,
                               Kernels<T>(options_.activation), statistics_.Get().raw<double>(),
                               dy.raw<T>(), data(dx.second), data(dweight.second),
                               data(dbias.second));
    for (const auto& [input, grad] : {dx, dweight, dbias}) {
      if (grad.defined()) ctx.SetGrad(input, grad);
    }
  }

  SavedTensor x_, weight_, bias_, statistics_;
  GroupNormOptions options_;
};

// y, and the kernel's statistics, [batch, groups, 2] f64; undefined if they are not wanted and
// nothing is recorded.
std::pair<Tensor, Tensor> Normalise(const Tensor& x, const Tensor& weight, const Tensor& bias,
                                    const GroupNormOptions& options, bool wants_statistics) {
  const Tensor* inputs[] = {&x, &weight, &bias};
  const kernels::GroupNormSize size = SizeOf(x, options.groups);
  const Tensor y = Tensor::Empty(x.shape(), x.dtype());
  Tensor statistics;
  if (wants_statistics || internal::ShouldRecord(inputs)) {
    statistics = Tensor::Empty({size.batch, size.groups, 2}, DType::kF64);
  }
  {
    const NoGrad guard;
    const Tensor dense = Contiguous(x), w = internal::DenseOrUndefined(weight),
                 b = internal::DenseOrUndefined(bias);
    internal::Dispatch<DTypes::kFloating>(x.dtype(), [&]<class T>(T) {
      kernels::GroupNormForward(size, dense.raw<T>(), internal::DataOf<T>(w),
                                internal::DataOf<T>(b), options.eps, Kernels<T>(options.activation),
                                y.raw<T>(),
                                statistics.defined() ? statistics.raw<double>() : nullptr);
    });
  }
  const Tensor* recorded[3] = {&x};
  size_t count = 1;
  for (const Tensor* parameter : {&weight, &bias}) {
    if (parameter->defined()) recorded[count++] = parameter;
  }
  return {Record<GroupNormNode>(y, std::span<const Tensor* const>(recorded, count), x, weight, bias,
                                options, statistics),
          statistics};
}

}  // namespace

Tensor GroupNorm(const Tensor& x, int64_t groups, const Tensor& weight, const Tensor& bias,
                 double eps, const ActivationSpec& activation) {
  const OpScope scope("GroupNorm", {&x, &weight, &bias});
  internal::CheckNorm("GroupNorm", 2, "[B, ..., C], [C] and [C]", x, weight, bias, eps);
  internal::CheckActivation("GroupNorm", activation);
  if (groups < 1 || x.size(-1) % groups != 0) {
    throw std::invalid_argument("GroupNorm: " + std::to_string(groups) +
                                " groups do not divide the channels of x " + Describe(x));
  }
  return Normalise(x, weight, bias, {groups, eps, activation}, false).first;
}

BatchNormResult BatchNorm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps,
                          const ActivationSpec& activation) {
  const OpScope scope("BatchNorm", {&x, &weight, &bias});
  internal::CheckNorm("BatchNorm", 2, "[..., C], [C] and [C]", x, weight, bias, eps);
  internal::CheckActivation("BatchNorm", activation);
  if (x.numel() == 0) {
    throw std::invalid_argument("BatchNorm: x " + Describe(x) + " has no numbers to average");
  }
  const int64_t channels = x.size(-1);
  const Tensor rows = Reshape(x, {1, x.numel() / channels, channels});
  const auto [y, statistics] = Normalise(rows, weight, bias, {channels, eps, activation}, true);
  Tensor mean = Tensor::Empty({channels}, x.dtype()),
         variance = Tensor::Empty({channels}, x.dtype());
  internal::Dispatch<DTypes::kFloating>(x.dtype(), [&]<class T>(T) {
    for (int64_t c = 0; c < channels; ++c) {
      mean.raw<T>()[c] = static_cast<T>(statistics.raw<double>()[2 * c]);
      variance.raw<T>()[c] = static_cast<T>(statistics.raw<double>()[2 * c + 1]);
    }
  });
  return {Reshape(y, x.shape()), mean, variance};
}

Tensor BatchNormWith(const Tensor& x, const Tensor& mean, const Tensor& variance,
                     const Tensor& weight, const Tensor& bias, double eps,
                     const ActivationSpec& activation) {
  const OpScope scope("BatchNormWith", {&x, &mean, &variance, &weight, &bias});
  internal::CheckNorm("BatchNormWith", 1, "[..., C], [C] and [C]", x, weight, bias, eps);
  internal::CheckActivation("BatchNormWith", activation);
  if (!mean.defined() || !variance.defined() || !internal::FitsChannels(mean, x) ||
      !internal::FitsChannels(variance, x)) {
    throw std::invalid_argument("BatchNormWith: mean " + Describe(mean) + " and variance " +
                                Describe(variance) + " do not fit x " + Describe(x) +
                                "; wants [C] of its dtype");
  }
  return Activate(internal::Affine((x - mean) * Rsqrt(variance + eps), weight, bias), activation);
}

}  // namespace autograd
