// The kernels of every instruction set this processor has write the same bytes.
#include "autograd/random/philox_kernels.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <vector>

#include "autograd/kernels/isa.h"

namespace autograd::kernels {
namespace {

struct Kind {
  const char* name;
  const PhiloxKernels* kernels;
};

std::vector<Kind> AvailableKernels() {
  std::vector<Kind> kinds = {{"in use", &Philox()}};
#ifdef __x86_64__
  if (DetectedIsa() >= Isa::kAvx2) kinds.push_back({"avx2", &kPhiloxAvx2});
  if (DetectedIsa() >= Isa::kAvx512) kinds.push_back({"avx512", &kPhiloxAvx512});
#endif
  return kinds;
}

template <class T, class Member>
std::vector<uint32_t> Bits(const PhiloxKernels& kernels, Member member, uint64_t position,
                           int64_t groups) {
  std::vector<T> values(static_cast<size_t>(groups) * kPhiloxGroup);
  (kernels.*member)(0x123456789abcdef0, 0xfedcba9876543210, position, groups, values.data());
  std::vector<uint32_t> bits;
  for (T value : values) bits.push_back(std::bit_cast<uint32_t>(value));
  return bits;
}

TEST(PhiloxKernels, AllInstructionSetsGiveTheSameBytes) {
  constexpr int64_t kGroups = 5000;
  for (uint64_t position : {uint64_t{0}, (uint64_t{1} << 28) - 2500, (uint64_t{1} << 60) - 2500}) {
    const auto words = Bits<uint32_t>(kPhiloxScalar, &PhiloxKernels::words, position, kGroups);
    const auto uniform = Bits<float>(kPhiloxScalar, &PhiloxKernels::uniform, position, kGroups);
    const auto normal = Bits<float>(kPhiloxScalar, &PhiloxKernels::normal, position, kGroups);
    for (const auto& [name, kernels] : AvailableKernels()) {
      EXPECT_TRUE(Bits<uint32_t>(*kernels, &PhiloxKernels::words, position, kGroups) == words)
          << name;
      EXPECT_TRUE(Bits<float>(*kernels, &PhiloxKernels::uniform, position, kGroups) == uniform)
          << name;
      EXPECT_TRUE(Bits<float>(*kernels, &PhiloxKernels::normal, position, kGroups) == normal)
          << name;
    }
  }
}

}  // namespace
}  // namespace autograd::kernels
