// How many floating-point operations a model needs, counted from its layers: by this, a time
// becomes a speed that can be held against the machine's peak and against other programs.
//
// What is counted are the multiply-adds of convolutions, linear layers and attention, each as two
// operations; activations, norms and sums are not, which is what PyTorch's FlopCounterMode does,
// too. A convolution or linear layer with a weight of n elements does n multiply-adds for each
// pixel (or row) it writes; attention between the N pixels of an image of C channels 2 N^2 C, N^2 C
// for the scores and as many for the mix. A training step does three times the forward pass: the
// gradient by the input and that by the weights cost each as much as the forward pass.
//
// Convolutions of enlarged images are computed with 4 of every 9 of these (see
// autograd/ops/upsample_conv.h), so what the kernels are asked for is a little less: computed().
// Those that go by tiles (autograd/kernels/conv_winograd.h) count as their definition has it, as is
// usual, though they multiply a quarter as often: shares of a peak can be above 100 %.
//
// Example:
//   autograd::Generator generator(0);
//   const flowmatch::ClassConditionedUNet model({}, generator);
//   const benchmarks::ModelFlops flops = benchmarks::ForwardFlops(model, 28, 28);
//   std::cout << 3e-6 * flops.computed() << " MFLOP an image and training step\n";
#ifndef BENCHMARKS_MODEL_FLOPS_H_
#define BENCHMARKS_MODEL_FLOPS_H_

#include <cstdint>

#include "nn/module.h"

namespace benchmarks {

// Of one image (or row) on the way forward.
struct ModelFlops {
  double convolution = 0, linear = 0, attention = 0;
  // Of `linear`: the projections to q, k and v, which are one product, and those of attention's
  // result, which run as convolutions that add the residual.
  double attention_in = 0, attention_out = 0;
  // Of `convolution`: those of enlarged images.
  double upsampling = 0;
  double computed_upsampling() const { return upsampling * 4 / 9; }
  // As PyTorch counts, and what the kernels are asked for.
  double total() const { return convolution + linear + attention; }
  double computed() const { return total() - upsampling + computed_upsampling(); }
};

// For nn::UNet2D, alone or inside another module, on images of height x width; and for networks of
// linear layers, whose pixels are one. Which pixels a layer of the UNet writes follows from its
// name: "down_blocks.1.resnets.0.conv1.weight" works on the second resolution. Embeddings are
// looked up, not multiplied.
ModelFlops ForwardFlops(const nn::Module& model, int64_t height, int64_t width);

}  // namespace benchmarks

#endif  // BENCHMARKS_MODEL_FLOPS_H_
