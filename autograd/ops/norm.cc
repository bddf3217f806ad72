#include "autograd/ops/norm.h"

#include <initializer_list>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "autograd/composite_node.h"
#include "autograd/kernels/group_norm.h"
#include "autograd/ops/activation_kernel.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/cast.h"
#include "autograd/ops/concat.h"
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

// b, undefined for GroupNorm, has further channels of the places of a.
kernels::GroupNormSize SizeOf(const Tensor& a, const Tensor& b, int64_t groups) {
  kernels::GroupNormSize size = {a.size(0), 1, a.size(-1), groups};
  for (int axis = 1; axis + 1 < a.rank(); ++axis) size.rows *= a.shape()[axis];
  if (b.defined()) size.channels += b.size(-1);
  return size;
}

template <class T>
kernels::NormActivation<T> Kernels(const ActivationSpec& spec) {
  if (spec.activation == Activation::kNone) return {};
  return kernels::NormActivation<T>::Of(internal::ActivationKernel(spec.activation),
                                        static_cast<T>(spec.parameter));
}

// What the fused rule stands for; bf16 is computed in f32.
Tensor Composite(const Tensor& images, const Tensor& weight, const Tensor& bias,
                 const GroupNormOptions& options) {
  const Tensor x = Cast(images, internal::NormDType(images.dtype()));
  const kernels::GroupNormSize size = SizeOf(x, Tensor(), options.groups);
  const Tensor grouped =
      Reshape(x, {size.batch, size.rows, size.groups, size.channels / size.groups});
  const Tensor centred = grouped - Mean(grouped, {1, 3}, true);
  const Tensor inverse = Rsqrt(Mean(Square(centred), {1, 3}, true) + options.eps);
  const Tensor h = internal::Affine(Reshape(centred * inverse, x.shape()), weight, bias);
  return Cast(Activate(h, options.activation), images.dtype());
}

// What is undefined is no input.
std::vector<Tensor> Defined(std::initializer_list<Tensor> tensors) {
  std::vector<Tensor> defined;
  for (const Tensor& tensor : tensors) {
    if (tensor.defined()) defined.push_back(tensor);
  }
  return defined;
}

// An image of the backward pass.
struct ImageGradient {
  int input;
  Tensor x, pending, dx;

  // Takes what is pending, and overwrites it where nobody else sees it.
  void Prepare(VjpContext& ctx) {
    if (!ctx.needs(input)) return;
    pending = ctx.TakePending(input);
    const bool in_place = VjpContext::MayOverwrite(pending);
    if (pending.defined()) pending = Contiguous(pending);
    dx = in_place ? pending : ctx.EmptyGrad(input);
  }
  template <class S>
  kernels::NormPart<S> Part() const {
    return {x.raw<S>(), x.size(-1), internal::DataOf<S>(dx), internal::DataOf<S>(pending)};
  }
};

// Derived says how many images there are.
template <class Derived>
class GroupNormNodeOf : public CompositeNode<Derived> {
 public:
  // `statistics` are the kernel's.
  GroupNormNodeOf(const Tensor& a, const Tensor& b, const Tensor& weight, const Tensor& bias,
                  const GroupNormOptions& options, const Tensor& statistics)
      : a_(this, a),
        b_(this, b),
        weight_(this, weight),
        bias_(this, bias),
        statistics_(this, statistics),
        options_(options) {}

  std::vector<Tensor> Inputs() const {
    return Defined({a_.Get(), b_.Get(), weight_.Get(), bias_.Get()});
  }
  VectorFunction Function() const {
    const bool weighted = weight_.Get().defined(), biased = bias_.Get().defined();
    return [options = options_, weighted, biased](const std::vector<Tensor>& in) {
      const Tensor x = Derived::kImages == 1 ? in[0] : Concat({in[0], in[1]}, -1);
      return std::vector<Tensor>{Composite(x, weighted ? in[Derived::kImages] : Tensor(),
                                           biased ? in.back() : Tensor(), options)};
    };
  }

  void FusedVjp(VjpContext& ctx) override {
    internal::DispatchImages(ctx.grad().dtype(), [&]<class S>(S) { Fused<S>(ctx); });
  }

 private:
  template <class S>
  void Fused(VjpContext& ctx) const {
    using T = kernels::NormComputeType<S>;
    const Tensor weight = internal::DenseOrUndefined(weight_.Get()),
                 bias = internal::DenseOrUndefined(bias_.Get()), dy = Contiguous(ctx.grad());
    ImageGradient images[Derived::kImages];
    kernels::NormPart<S> parts[Derived::kImages];
    int inputs = 0;
    for (ImageGradient& image : images) {
      image = {inputs, Contiguous(inputs == 0 ? a_.Get() : b_.Get()), {}, {}};
      image.Prepare(ctx);
      parts[inputs++] = image.template Part<S>();
    }
    const auto gradient = [&](bool is_input) {
      const int input = is_input ? inputs++ : -1;
      const bool wanted = is_input && ctx.needs(input);
      return std::pair<int, Tensor>(input, wanted ? ctx.EmptyGrad(input) : Tensor());
    };
    const auto dweight = gradient(weight.defined()), dbias = gradient(bias.defined());
    kernels::GroupNormBackward<S>(
        SizeOf(a_.Get(), b_.Get(), options_.groups), parts, internal::DataOf<T>(weight),
        internal::DataOf<T>(bias), options_.eps, Kernels<T>(options_.activation),
        statistics_.Get().template raw<double>(), dy.raw<S>(), internal::DataOf<T>(dweight.second),
        internal::DataOf<T>(dbias.second));
    for (const ImageGradient& image : images) {
      if (image.dx.defined()) ctx.SetGrad(image.input, image.dx);
    }
    for (const auto& [input, grad] : {dweight, dbias}) {
      if (grad.defined()) ctx.SetGrad(input, grad);
    }
  }

  SavedTensor a_, b_, weight_, bias_, statistics_;
  GroupNormOptions options_;
};

class GroupNormNode final : public GroupNormNodeOf<GroupNormNode> {
 public:
  static constexpr char kName[] = "GroupNorm";
  static constexpr int kImages = 1;
  using GroupNormNodeOf::GroupNormNodeOf;
};

class GroupNormConcatNode final : public GroupNormNodeOf<GroupNormConcatNode> {
 public:
  static constexpr char kName[] = "GroupNormConcat";
  static constexpr int kImages = 2;
  using GroupNormNodeOf::GroupNormNodeOf;
};

// y, and the kernel's statistics, [batch, groups, 2] f64; undefined if they are not wanted and
// nothing is recorded. b is undefined for a GroupNormNode.
template <class NodeType>
std::pair<Tensor, Tensor> Normalise(const Tensor& a, const Tensor& b, const Tensor& weight,
                                    const Tensor& bias, const GroupNormOptions& options,
                                    bool wants_statistics) {
  const Tensor* inputs[4] = {&a};
  size_t count = 1;
  for (const Tensor* input : {&b, &weight, &bias}) {
    if (input->defined()) inputs[count++] = input;
  }
  const std::span<const Tensor* const> recorded(inputs, count);
  const kernels::GroupNormSize size = SizeOf(a, b, options.groups);
  Shape shape = a.shape();
  shape[shape.rank() - 1] = size.channels;
  const Tensor y = Tensor::Empty(shape, a.dtype());
  Tensor statistics;
  if (wants_statistics || internal::ShouldRecord(recorded)) {
    statistics = Tensor::Empty({size.batch, size.groups, 2}, DType::kF64);
  }
  {
    const NoGrad guard;
    const Tensor images[] = {Contiguous(a), internal::DenseOrUndefined(b)};
    const Tensor w = internal::DenseOrUndefined(weight),
                 bias_values = internal::DenseOrUndefined(bias);
    internal::DispatchImages(a.dtype(), [&]<class S>(S) {
      using T = kernels::NormComputeType<S>;
      kernels::NormPart<S> parts[NodeType::kImages];
      for (int i = 0; i < NodeType::kImages; ++i) {
        parts[i] = {images[i].raw<S>(), images[i].size(-1)};
      }
      kernels::GroupNormForward<S>(
          size, parts, internal::DataOf<T>(w), internal::DataOf<T>(bias_values), options.eps,
          Kernels<T>(options.activation), y.raw<S>(), internal::DataOf<double>(statistics));
    });
  }
  return {Record<NodeType>(y, recorded, a, b, weight, bias, options, statistics), statistics};
}

void CheckGroups(const char* operation, int64_t groups, int64_t channels, const std::string& of) {
  if (groups < 1 || channels % groups != 0) {
    throw std::invalid_argument(std::string(operation) + ": " + std::to_string(groups) +
                                " groups do not divide the channels of " + of);
  }
}

}  // namespace

Tensor GroupNorm(const Tensor& x, int64_t groups, const Tensor& weight, const Tensor& bias,
                 double eps, const ActivationSpec& activation) {
  const OpScope scope("GroupNorm", {&x, &weight, &bias});
  internal::CheckNorm("GroupNorm", 2, "[B, ..., C], [C] and [C]", x, weight, bias, eps);
  internal::CheckActivation("GroupNorm", activation);
  CheckGroups("GroupNorm", groups, x.size(-1), "x " + Describe(x));
  return Normalise<GroupNormNode>(x, Tensor(), weight, bias, {groups, eps, activation}, false)
      .first;
}

Tensor GroupNormConcat(const Tensor& a, const Tensor& b, int64_t groups, const Tensor& weight,
                       const Tensor& bias, double eps, const ActivationSpec& activation) {
  const OpScope scope("GroupNormConcat", {&a, &b, &weight, &bias});
  const auto images = [&] { return "a " + Describe(a) + " and b " + Describe(b); };
  bool good = a.defined() && b.defined() && IsFloating(a.dtype()) && a.dtype() == b.dtype() &&
              a.rank() >= 2 && a.rank() == b.rank();
  for (int axis = 0; good && axis + 1 < a.rank(); ++axis) good = a.size(axis) == b.size(axis);
  const int64_t channels = good ? a.size(-1) + b.size(-1) : 0;
  if (!good || !internal::FitsChannels(weight, channels, a.dtype()) ||
      !internal::FitsChannels(bias, channels, a.dtype())) {
    internal::ThrowNorm("GroupNormConcat: " + images() + ", weight " + Describe(weight) +
                            " and bias " + Describe(bias),
                        "[B, ..., C1], [B, ..., C2], [C1 + C2] and [C1 + C2]");
  }
  internal::CheckEps("GroupNormConcat", eps, a);
  internal::CheckActivation("GroupNormConcat", activation);
  CheckGroups("GroupNormConcat", groups, channels, images());
  return Normalise<GroupNormConcatNode>(a, b, weight, bias, {groups, eps, activation}, false).first;
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
  const auto [y, statistics] =
      Normalise<GroupNormNode>(rows, Tensor(), weight, bias, {channels, eps, activation}, true);
  const DType dtype = internal::NormDType(x.dtype());
  Tensor mean = Tensor::Empty({channels}, dtype), variance = Tensor::Empty({channels}, dtype);
  internal::Dispatch<DTypes::kFloating>(dtype, [&]<class T>(T) {
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
  if (!mean.defined() || !variance.defined() ||
      !internal::FitsChannels(mean, x.size(-1), x.dtype()) ||
      !internal::FitsChannels(variance, x.size(-1), x.dtype())) {
    throw std::invalid_argument("BatchNormWith: mean " + Describe(mean) + " and variance " +
                                Describe(variance) + " do not fit x " + Describe(x) +
                                "; wants [C] of its dtype, f32 for bf16");
  }
  const Tensor distance = Cast(x, internal::NormDType(x.dtype())) - mean;
  const Tensor h = internal::Affine(distance * Rsqrt(variance + eps), weight, bias);
  return Cast(Activate(h, activation), x.dtype());
}

}  // namespace autograd
