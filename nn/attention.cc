#include "nn/attention.h"

#include <stdexcept>
#include <string>

#include "autograd/ops/attention.h"
#include "autograd/ops/shape.h"

namespace nn {
namespace {

using autograd::Describe;

Linear Projection(int64_t in, Generator& generator, const MultiHeadAttentionOptions& options) {
  return Linear(in, options.heads * options.head_size, generator,
                {.bias = options.bias, .dtype = options.dtype});
}

}  // namespace

MultiHeadAttention::Completed::Completed(int64_t width, const MultiHeadAttentionOptions& given)
    : options(given) {
  if (options.key_width == 0) options.key_width = width;
  if (options.value_width == 0) options.value_width = width;
  const bool whole = options.head_size != 0 || (options.heads >= 1 && width % options.heads == 0);
  if (options.head_size == 0 && whole) options.head_size = width / options.heads;
  if (width < 1 || options.heads < 1 || options.head_size < 1 || options.key_width < 1 ||
      options.value_width < 1 || !whole) {
    throw std::invalid_argument(
        "MultiHeadAttention: wants positive sizes and heads that divide the width; got width " +
        std::to_string(width) + ", heads " + std::to_string(options.heads) + ", head_size " +
        std::to_string(options.head_size) + ", key_width " + std::to_string(options.key_width) +
        " and value_width " + std::to_string(options.value_width));
  }
}

MultiHeadAttention::MultiHeadAttention(int64_t width, Generator& generator,
                                       const MultiHeadAttentionOptions& options)
    : MultiHeadAttention(Completed(width, options), width, generator) {}

MultiHeadAttention::MultiHeadAttention(const Completed& completed, int64_t width,
                                       Generator& generator)
    : heads_(completed.options.heads),
      head_size_(completed.options.head_size),
      causal_(completed.options.causal),
      to_q_(Projection(width, generator, completed.options)),
      to_k_(Projection(completed.options.key_width, generator, completed.options)),
      to_v_(Projection(completed.options.value_width, generator, completed.options)) {
  to_out_.Add<Linear>(
      heads_ * head_size_, width, generator,
      LinearOptions{.bias = completed.options.out_bias, .dtype = completed.options.dtype});
  RegisterModule("to_q", to_q_);
  RegisterModule("to_k", to_k_);
  RegisterModule("to_v", to_v_);
  RegisterModule("to_out", to_out_);
}

Tensor MultiHeadAttention::Forward(const Tensor& x) const { return Forward(x, x, x); }

Tensor MultiHeadAttention::Forward(const Tensor& x, const Tensor& context) const {
  return Forward(x, context, context);
}

Tensor MultiHeadAttention::Forward(const Tensor& query, const Tensor& key,
                                   const Tensor& value) const {
  CheckTokens(query, key, value);
  const Tensor y = autograd::ScaledDotProductAttention(
      ByHeads(to_q_.Forward(query)), ByHeads(to_k_.Forward(key)), ByHeads(to_v_.Forward(value)),
      {.causal = causal_});
  return to_out_.Forward(Reshape(y, {y.size(0), y.size(1), heads_ * head_size_}));
}

void MultiHeadAttention::CheckTokens(const Tensor& query, const Tensor& key,
                                     const Tensor& value) const {
  const auto fits = [](const Tensor& x, const Linear& projection) {
    return x.defined() && x.rank() == 3 && x.size(2) == projection.weight().size(1) &&
           x.dtype() == projection.weight().dtype();
  };
  if (fits(query, to_q_) && fits(key, to_k_) && fits(value, to_v_) &&
      query.size(0) == key.size(0) && key.size(0) == value.size(0) &&
      key.size(1) == value.size(1)) {
    return;
  }
  const auto wanted = [](const char* tokens, const Linear& projection) {
    return std::string("[B, ") + tokens + ", " + std::to_string(projection.weight().size(1)) + "]";
  };
  throw std::invalid_argument("MultiHeadAttention: query " + Describe(query) + ", key " +
                              Describe(key) + " and value " + Describe(value) +
                              " do not fit; wants " + wanted("tokens", to_q_) + ", " +
                              wanted("keys", to_k_) + " and " + wanted("keys", to_v_) + " of " +
                              autograd::DTypeName(to_q_.weight().dtype()));
}

Tensor MultiHeadAttention::ByHeads(const Tensor& x) const {
  return Reshape(x, {x.size(0), x.size(1), heads_, head_size_});
}

}  // namespace nn
