// Bases of tests that run code for some processors only. NeedsAvx2: code of the instruction set
// that AUTOGRAD_ISA says. NeedsAvx512Bf16: code for AVX512_BF16 whatever AUTOGRAD_ISA says, such as
// AMX kernels on emulated tiles. NeedsAmx: AMX kernels on the processor's own tiles. On other
// processors they are skipped and say so: this is the only place where a test may be.
#ifndef TESTS_AUTOGRAD_KERNELS_NEEDS_ISA_H_
#define TESTS_AUTOGRAD_KERNELS_NEEDS_ISA_H_

#include <gtest/gtest.h>

#include "autograd/kernels/isa.h"

namespace autograd::testing {

class NeedsAvx2 : public ::testing::Test {
 protected:
  void SetUp() override {
    if (ActiveIsa() < Isa::kAvx2) GTEST_SKIP() << "this processor has no AVX2";
  }
};

class NeedsAvx512Bf16 : public ::testing::Test {
 protected:
  void SetUp() override {
    if (DetectedIsa() < Isa::kAvx512Bf16) GTEST_SKIP() << "this processor has no AVX512_BF16";
  }
};

class NeedsAmx : public ::testing::Test {
 protected:
  void SetUp() override {
    if (DetectedIsa() < Isa::kAmx) GTEST_SKIP() << "no AMX here, or no permission to use it";
  }
};

}  // namespace autograd::testing

#endif  // TESTS_AUTOGRAD_KERNELS_NEEDS_ISA_H_
