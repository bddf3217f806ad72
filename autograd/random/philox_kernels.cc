#include "autograd/random/philox_kernels.h"

#include <bit>
#include <cmath>
#include <cstdint>

#include "autograd/kernels/isa.h"
#include "autograd/random/box_muller.h"

namespace autograd::kernels {
namespace {

// One lane.
struct Lane {
  using F = float;
  using I = uint32_t;

  static F Set(float x) { return x; }
  static F Add(F a, F b) { return a + b; }
  static F Sub(F a, F b) { return a - b; }
  static F Mul(F a, F b) { return a * b; }
  static F Fma(F a, F b, F c) { return std::fma(a, b, c); }
  static F Sqrt(F a) { return std::sqrt(a); }
  static F FromInt(I a) { return static_cast<float>(static_cast<int32_t>(a)); }
  static F FromUnsigned(I a) { return static_cast<float>(a); }
  static I BitsOf(F a) { return std::bit_cast<uint32_t>(a); }
  static F FromBits(I a) { return std::bit_cast<float>(a); }

  static I SetInt(int32_t x) { return static_cast<uint32_t>(x); }
  static I AddInt(I a, I b) { return a + b; }
  static I SubInt(I a, I b) { return a - b; }
  static I AndInt(I a, I b) { return a & b; }
  static I XorInt(I a, I b) { return a ^ b; }
  template <int kBits>
  static I ShiftLeft(I a) {
    return a << kBits;
  }
  template <int kBits>
  static I ShiftRight(I a) {
    return a >> kBits;
  }
  template <int kBits>
  static I ShiftRightSigned(I a) {
    return static_cast<uint32_t>(static_cast<int32_t>(a) >> kBits);
  }
  static F SelectOdd(I condition, F odd, F even) { return (condition & 1) != 0 ? odd : even; }
};

void ScalarWords(uint64_t seed, uint64_t stream, uint64_t position, int64_t groups, uint32_t* out) {
  const uint32_t key[2] = {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)};
  for (int64_t g = 0; g < groups; ++g, ++position, out += kPhiloxGroup) {
    for (uint32_t lane = 0; lane < 16; ++lane) {
      const uint64_t block = position * 16 + lane;
      const uint32_t counter[4] = {static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32),
                                   static_cast<uint32_t>(stream),
                                   static_cast<uint32_t>(stream >> 32)};
      uint32_t words[4];
      PhiloxBlock(counter, key, words);
      for (uint32_t k = 0; k < 4; ++k) out[k * 16 + lane] = words[k];
    }
  }
}

void ScalarUniform(uint64_t seed, uint64_t stream, uint64_t position, int64_t groups, float* out) {
  uint32_t words[kPhiloxGroup];
  for (int64_t g = 0; g < groups; ++g, ++position, out += kPhiloxGroup) {
    ScalarWords(seed, stream, position, 1, words);
    for (int i = 0; i < kPhiloxGroup; ++i) out[i] = static_cast<float>(words[i] >> 8) * 0x1p-24f;
  }
}

void ScalarNormal(uint64_t seed, uint64_t stream, uint64_t position, int64_t groups, float* out) {
  uint32_t words[kPhiloxGroup];
  for (int64_t g = 0; g < groups; ++g, ++position, out += kPhiloxGroup) {
    ScalarWords(seed, stream, position, 1, words);
    for (int first = 0; first < kPhiloxGroup; first += 32) {
      for (int i = first; i < first + 16; ++i)
        BoxMuller<Lane>(words[i], words[i + 16], &out[i], &out[i + 16]);
    }
  }
}

}  // namespace

void PhiloxBlock(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
  uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3], k0 = key[0],
           k1 = key[1];
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = uint64_t{0xD2511F53} * c0, product1 = uint64_t{0xCD9E8D57} * c2;
    c0 = static_cast<uint32_t>(product1 >> 32) ^ c1 ^ k0;
    c1 = static_cast<uint32_t>(product1);
    c2 = static_cast<uint32_t>(product0 >> 32) ^ c3 ^ k1;
    c3 = static_cast<uint32_t>(product0);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

const PhiloxKernels kPhiloxScalar = {ScalarWords, ScalarUniform, ScalarNormal};

const PhiloxKernels& Philox() {
#ifdef AUTOGRAD_X86
  switch (ActiveIsa()) {
    case Isa::kScalar:
      return kPhiloxScalar;
    case Isa::kAvx2:
      return kPhiloxAvx2;
    case Isa::kAvx512:
    case Isa::kAvx512Bf16:
    case Isa::kAmx:
      return kPhiloxAvx512;
  }
#endif
  return kPhiloxScalar;
}

}  // namespace autograd::kernels
