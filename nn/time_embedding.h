// Embeddings of time: vectors of sines and cosines by which a network tells one moment from
// another. Both are made of differentiable operations, so they have derivatives of any order by the
// time.
//
// SinusoidalEmbedding has fixed frequencies from fast to slow (Vaswani et al. 1706.03762, 3.5), as
// the diffusers library's Timesteps computes them. GaussianFourierEmbedding has random ones (Tancik
// et al. 2006.10739; Song et al. 2011.13456).
//
// Example:
//   SinusoidalEmbedding embedding(32);
//   Tensor t = Tensor::FromVector<float>({0, 0.25f, 0.5f}, {3});
//   std::cout << embedding.Forward(t * 1000.0).shape().ToString() << "\n";  // [3, 32]
//   Generator generator(1);
//   GaussianFourierEmbedding fourier(32, generator, {.scale = 16});
//   std::cout << fourier.Forward(t).shape().ToString() << "\n";             // [3, 32]
#ifndef NN_TIME_EMBEDDING_H_
#define NN_TIME_EMBEDDING_H_

#include <cstdint>

#include "autograd/dtype.h"
#include "nn/init.h"
#include "nn/layer.h"

namespace nn {

// The defaults are those of UNet2DModel.
struct SinusoidalEmbeddingOptions {
  // Cosines before sines; flip_sin_to_cos in diffusers.
  bool cos_first = true;
  // Taken from the number of frequencies where the exponent is divided by it: 0 keeps the slowest
  // frequency above 1 / max_period, 1 makes it equal. downscale_freq_shift in diffusers.
  double frequency_shift = 0;
  // Factor of the time.
  double scale = 1;
  double max_period = 10000;
};

// cos(scale f_i t) and sin(scale f_i t) with f_i = max_period^(-i / (n - frequency_shift)), i = 0
// ... n-1, n = size / 2; an odd size ends with a zero. The frequencies are computed in f64 and
// rounded once. Without parameters and buffers.
class SinusoidalEmbedding final : public Layer {
 public:
  // Throws std::invalid_argument unless size >= 2, frequency_shift is not n, and max_period > 0 and
  // scale are finite.
  explicit SinusoidalEmbedding(int64_t size, const SinusoidalEmbeddingOptions& options = {});

  // t [...] of f32 or f64; i32 and i64 are cast to f32. The result, [..., size], has the dtype of
  // the time. Throws std::invalid_argument for another dtype.
  Tensor Forward(const Tensor& t) const override;

  int64_t size() const { return size_; }

 private:
  int64_t size_;
  bool cos_first_;
  Tensor frequencies_, frequencies_f64_;  // [n]
};

struct GaussianFourierEmbeddingOptions {
  // Standard deviation of the frequencies.
  double scale = 1;
  bool cos_first = false;
  // Embeds the logarithm of the time, which must be positive then: for noise levels.
  bool log = false;
  autograd::DType dtype = autograd::DType::kF32;
};

// sin(2 pi w_i t) and cos(2 pi w_i t), where w_i ~ N(0, scale^2) are drawn once and not trained.
class GaussianFourierEmbedding final : public Layer {
 public:
  // Buffer "weight" [size / 2], the w_i. Throws std::invalid_argument unless size is even and
  // positive, and for a dtype other than f32 and f64.
  GaussianFourierEmbedding(int64_t size, Generator& generator,
                           const GaussianFourierEmbeddingOptions& options = {});

  // t [...] of the buffer's dtype, result [..., size]. Throws std::invalid_argument for another
  // dtype.
  Tensor Forward(const Tensor& t) const override;

  const Tensor& weight() const { return weight_; }

 private:
  Tensor weight_;
  bool cos_first_;
  bool log_;
};

}  // namespace nn

#endif  // NN_TIME_EMBEDDING_H_
