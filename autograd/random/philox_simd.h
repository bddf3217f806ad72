// Philox on vectors V of 32-bit lanes; only for files of one instruction set.
#ifndef AUTOGRAD_RANDOM_PHILOX_SIMD_H_
#define AUTOGRAD_RANDOM_PHILOX_SIMD_H_

#include <stdint.h>

#include "autograd/random/box_muller.h"
#include "autograd/random/philox_kernels.h"

namespace autograd::kernels {
namespace {

// The words of V::kLanes blocks, one vector for each of the four words.
template <class V>
struct Words {
  typename V::I w[4];
};

// The ten round keys of a seed, and the words of the counter that stay the same.
template <class V>
struct PhiloxKey {
  typename V::I k0[10], k1[10], stream_lo, stream_hi;

  PhiloxKey(uint64_t seed, uint64_t stream)
      : stream_lo(V::SetInt(static_cast<int32_t>(stream))),
        stream_hi(V::SetInt(static_cast<int32_t>(stream >> 32))) {
    for (uint32_t round = 0; round < 10; ++round) {
      k0[round] =
          V::SetInt(static_cast<int32_t>(static_cast<uint32_t>(seed) + round * 0x9E3779B9u));
      k1[round] =
          V::SetInt(static_cast<int32_t>(static_cast<uint32_t>(seed >> 32) + round * 0xBB67AE85u));
    }
  }
};

// Lanes first ... first + V::kLanes - 1 of a group. A multiplication of 32 by 32 bits takes its
// factors from the even lanes and needs two lanes for its product, so even and odd blocks are
// computed apart, each in the even lanes of its own vectors; what is left in odd lanes is never
// used.
template <class V>
inline Words<V> PhiloxLanes(const PhiloxKey<V>& key, uint64_t position, int first) {
  using I = typename V::I;
  const I m0 = V::SetInt(static_cast<int32_t>(0xD2511F53u)),
          m1 = V::SetInt(static_cast<int32_t>(0xCD9E8D57u));
  // Adding the lane carries into no higher word, since a group starts at a multiple of 16.
  const I block = V::AddInt(V::SetInt(static_cast<int32_t>(position << 4) + first), V::LaneIndex());
  const I upper = V::SetInt(static_cast<int32_t>(position >> 28));
  I c[2][4] = {{block, upper, key.stream_lo, key.stream_hi},
               {V::MoveOddToEven(block), upper, key.stream_lo, key.stream_hi}};
  for (int round = 0; round < 10; ++round) {
    for (auto& s : c) {
      const I product0 = V::MultiplyEven(m0, s[0]), product1 = V::MultiplyEven(m1, s[2]);
      s[0] = V::Xor3(V::MoveOddToEven(product1), s[1], key.k0[round]);
      s[1] = product1;
      s[2] = V::Xor3(V::MoveOddToEven(product0), s[3], key.k1[round]);
      s[3] = product0;
    }
  }
  return {{V::Interleave(c[0][0], c[1][0]), V::Interleave(c[0][1], c[1][1]),
           V::Interleave(c[0][2], c[1][2]), V::Interleave(c[0][3], c[1][3])}};
}

template <class V>
void PhiloxWords(uint64_t seed, uint64_t stream, uint64_t position, int64_t groups, uint32_t* out) {
  const PhiloxKey<V> key(seed, stream);
  for (int64_t g = 0; g < groups; ++g, ++position, out += kPhiloxGroup) {
    for (int first = 0; first < 16; first += V::kLanes) {
      const Words<V> words = PhiloxLanes<V>(key, position, first);
      for (int k = 0; k < 4; ++k) V::StoreInt(out + k * 16 + first, words.w[k]);
    }
  }
}

template <class V>
void PhiloxUniform(uint64_t seed, uint64_t stream, uint64_t position, int64_t groups, float* out) {
  const PhiloxKey<V> key(seed, stream);
  for (int64_t g = 0; g < groups; ++g, ++position, out += kPhiloxGroup) {
    for (int first = 0; first < 16; first += V::kLanes) {
      const Words<V> words = PhiloxLanes<V>(key, position, first);
      for (int k = 0; k < 4; ++k) {
        const auto bits = V::FromInt(V::template ShiftRight<8>(words.w[k]));
        V::Store(out + k * 16 + first, V::Mul(bits, V::Set(0x1p-24f)));
      }
    }
  }
}

template <class V>
void PhiloxNormal(uint64_t seed, uint64_t stream, uint64_t position, int64_t groups, float* out) {
  const PhiloxKey<V> key(seed, stream);
  for (int64_t g = 0; g < groups; ++g, ++position, out += kPhiloxGroup) {
    for (int first = 0; first < 16; first += V::kLanes) {
      const Words<V> words = PhiloxLanes<V>(key, position, first);
      for (int k = 0; k < 4; k += 2) {
        typename V::F x, y;
        BoxMuller<V>(words.w[k], words.w[k + 1], &x, &y);
        V::Store(out + k * 16 + first, x);
        V::Store(out + (k + 1) * 16 + first, y);
      }
    }
  }
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_RANDOM_PHILOX_SIMD_H_
