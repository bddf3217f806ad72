// The loops behind Generator. A group is 16 blocks of Philox; word k (0 ... 3) of its block l (0
// ... 15) stands at k * 16 + l of the 64 words, which is the order vector registers hold them in.
#ifndef AUTOGRAD_RANDOM_PHILOX_KERNELS_H_
#define AUTOGRAD_RANDOM_PHILOX_KERNELS_H_

#include <stdint.h>

namespace autograd::kernels {

inline constexpr int kPhiloxGroup = 64;

struct PhiloxKernels {
  // Each writes 64 numbers for each of `groups` groups from the one at `position` on: the words
  // themselves, uniform floats (word >> 8) * 2^-24, and normal floats (BoxMuller of words 0 and 1,
  // and of words 2 and 3, of each block).
  void (*words)(uint64_t seed, uint64_t stream, uint64_t position, int64_t groups, uint32_t* out);
  void (*uniform)(uint64_t seed, uint64_t stream, uint64_t position, int64_t groups, float* out);
  void (*normal)(uint64_t seed, uint64_t stream, uint64_t position, int64_t groups, float* out);
};

// One block of Philox4x32-10.
void PhiloxBlock(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

// Those of the instruction set in use.
const PhiloxKernels& Philox();

extern const PhiloxKernels kPhiloxScalar;
extern const PhiloxKernels kPhiloxAvx2;
extern const PhiloxKernels kPhiloxAvx512;

}  // namespace autograd::kernels

#endif  // AUTOGRAD_RANDOM_PHILOX_KERNELS_H_
