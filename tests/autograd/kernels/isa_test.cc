#include "autograd/kernels/isa.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>

namespace autograd {
namespace {

TEST(Isa, ActiveIsTheOneAskedForOrTheBestThereIs) {
  const char* wanted = std::getenv("AUTOGRAD_ISA");
  if (wanted == nullptr) {
    EXPECT_EQ(ActiveIsa(), DetectedIsa());
    return;
  }
  EXPECT_LE(ActiveIsa(), DetectedIsa());
  if (ActiveIsa() != DetectedIsa()) {
    EXPECT_STREQ(IsaName(ActiveIsa()), wanted);
  }
}

}  // namespace
}  // namespace autograd
