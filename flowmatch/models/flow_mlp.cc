#include "flowmatch/models/flow_mlp.h"

#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "autograd/ops/concat.h"
#include "autograd/ops/shape.h"
#include "nn/activation.h"

namespace flowmatch {
namespace {

using autograd::Activation;

// Hidden layers of one width with the activation after each but the last.
void Fill(nn::Sequential& net, int64_t in, int64_t hidden, int hidden_layers, int64_t out,
          Activation activation, autograd::Generator& generator) {
  for (int i = 0; i < hidden_layers; ++i) {
    net.Add<nn::Linear>(i == 0 ? in : hidden, hidden, generator);
    net.Add<nn::ActivationLayer>(activation);
  }
  net.Add<nn::Linear>(hidden, out, generator);
}

void CheckInputs(const char* model, int64_t dim, const Tensor& x, const Tensor& t) {
  if (x.defined() && t.defined() && x.rank() == 2 && x.size(1) == dim && t.rank() == 1 &&
      t.size(0) == x.size(0)) {
    return;
  }
  throw std::invalid_argument(absl::StrCat(model, ": wants x [B, ", dim, "] and t [B], got ",
                                           Describe(x), " and ", Describe(t)));
}

}  // namespace

FlowMlp::FlowMlp(const FlowMlpOptions& options, autograd::Generator& generator)
    : dim_(options.dim) {
  Fill(net_, options.dim + 1, options.hidden, 3, options.dim, Activation::kElu, generator);
  RegisterModule("net", net_);
}

Tensor FlowMlp::Forward(const Tensor& x, const Tensor& t) const {
  CheckInputs("FlowMlp", dim_, x, t);
  return net_.Forward(autograd::Concat({Unsqueeze(t, 1), x}, 1));
}

TimeEmbeddingFlow::TimeEmbeddingFlow(const TimeEmbeddingFlowOptions& options,
                                     autograd::Generator& generator)
    : dim_(options.dim) {
  Fill(time_mlp_, 1, options.time_dim, 1, options.time_dim, Activation::kSilu, generator);
  Fill(net_, options.dim + options.time_dim, options.hidden, 3, options.dim, Activation::kSilu,
       generator);
  RegisterModule("time_mlp", time_mlp_);
  RegisterModule("net", net_);
}

Tensor TimeEmbeddingFlow::Forward(const Tensor& x, const Tensor& t) const {
  CheckInputs("TimeEmbeddingFlow", dim_, x, t);
  const Tensor embedding = time_mlp_.Forward(Unsqueeze(t, 1));
  return net_.Forward(autograd::Concat({x, embedding}, 1));
}

}  // namespace flowmatch
