#include "benchmarks/model_flops.h"

#include <gtest/gtest.h>

#include "flowmatch/models/class_conditioned_unet.h"
#include "flowmatch/models/flow_mlp.h"

namespace benchmarks {
namespace {

TEST(ModelFlopsTest, LinearLayersByHand) {
  autograd::Generator generator(0);
  const flowmatch::FlowMlp model({.dim = 2, .hidden = 64}, generator);
  EXPECT_EQ(ForwardFlops(model, 1, 1).total(), 2 * (3 * 64 + 64 * 64 + 64 * 64 + 64 * 2));
}

// Levels of 8 and 16 channels on 12 x 10 and 6 x 5 pixels, one layer each, attention on the second.
TEST(ModelFlopsTest, UNetByHand) {
  autograd::Generator generator(0);
  flowmatch::ClassConditionedUNetOptions options;
  options.unet.block_out_channels = {8, 16};
  options.unet.down_block_types = {nn::BlockType::kPlain, nn::BlockType::kAttention};
  options.unet.layers_per_block = 1;
  options.unet.norm_num_groups = 8;
  const flowmatch::ClassConditionedUNet model(options, generator);
  const ModelFlops flops = ForwardFlops(model, 12, 10);
  const double large = 120, small = 30;
  const auto resnet = [](double in, double out) {
    return 9 * in * out + 9 * out * out + (in == out ? 0 : in * out);
  };
  double conv = large * 9 * (9 * 8) + large * 9 * 8;  // in (with 8 channels of the class), out
  conv += large * resnet(8, 8) + small * 9 * 8 * 8;   // down, to the smaller image
  conv += small * resnet(8, 16);                      // down
  conv += small * 2 * resnet(16, 16);                 // middle
  conv += small * (resnet(32, 16) + resnet(24, 16));  // up
  conv += large * 9 * 16 * 16;                        // to the larger image
  conv += large * (resnet(24, 8) + resnet(16, 8));    // up
  EXPECT_EQ(flops.convolution, 2 * conv);
  EXPECT_EQ(flops.upsampling, 2 * large * 9 * 16 * 16);
  // Down, in the middle, and two on the way up.
  EXPECT_EQ(flops.attention, 4 * (4 * small * small * 16));
  const double blocks = 8 + 16 + 2 * 16 + 2 * 16 + 2 * 8;  // channels a time is projected to
  EXPECT_EQ(flops.linear, 2 * (4 * 4 * 16 * 16 * small + 8 * 32 + 32 * 32 + 32 * blocks));
}

// The network of the MNIST program, as hooks on the layers of its twin in PyTorch count it.
TEST(ModelFlopsTest, TheUNetOfMnist) {
  autograd::Generator generator(0);
  const flowmatch::ClassConditionedUNet model({}, generator);
  const ModelFlops flops = ForwardFlops(model, 28, 28);
  EXPECT_EQ(flops.convolution, 544409600);
  EXPECT_EQ(flops.linear, 42024960);
  EXPECT_EQ(flops.total() - flops.computed(), 2 * 5 * 64 * 64 * (28 * 28 + 14 * 14));
  EXPECT_EQ(flops.attention_in, 3 * flops.attention_out);
  // Five of 14 x 14 pixels and six of 7 x 7.
  EXPECT_EQ(flops.attention, 4.0 * 64 * (5 * 196 * 196 + 6 * 49 * 49));
}

}  // namespace
}  // namespace benchmarks
