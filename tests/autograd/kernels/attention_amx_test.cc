// Attention by the processor's tiles, against the same code with emulated ones, which
// attention_amx_emulated_test compares with sums.
#include <gtest/gtest.h>

#include "autograd/bfloat16.h"
#include "autograd/kernels/attention_kernels.h"
#include "tests/autograd/kernels/attention_problem.h"
#include "tests/autograd/kernels/needs_isa.h"

namespace autograd::kernels {
namespace {

using AttentionTiles = testing::NeedsAmx;

TEST_F(AttentionTiles, ComputeWhatTheirEmulationDoes) {
  for (const AttentionSpec& spec : Specs()) {
    SCOPED_TRACE(Name(spec));
    Problem<BFloat16> tiles(spec), emulated(spec);
    SetAttentionBf16KernelsForTest(kAttentionBf16Amx);
    tiles.Run();
    SetAttentionBf16KernelsForTest(kAttentionBf16AmxEmulated);
    emulated.Run();
    EXPECT_EQ(Doubles(tiles.out), Doubles(emulated.out));
    EXPECT_EQ(tiles.sums, emulated.sums);
    EXPECT_EQ(Doubles(tiles.dq), Doubles(emulated.dq));
    EXPECT_EQ(Doubles(tiles.dk), Doubles(emulated.dk));
    EXPECT_EQ(Doubles(tiles.dv), Doubles(emulated.dv));
  }
}

}  // namespace
}  // namespace autograd::kernels
