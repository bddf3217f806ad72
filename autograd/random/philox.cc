#include "autograd/random/philox.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

#include "autograd/parallel/parallel.h"
#include "autograd/random/philox_kernels.h"

namespace autograd {
namespace {

using kernels::kPhiloxGroup;

// A thread takes this many groups at a time, some 30 microseconds of normal floats.
constexpr int64_t kGroupsPerChunk = 512;

void CheckCount(const char* operation, int64_t n) {
  if (n < 0) {
    throw std::invalid_argument(std::string("Generator::") + operation +
                                ": n = " + std::to_string(n) + ", expected n >= 0");
  }
}

// Fills out with kPerGroup numbers from each group; fill(position, groups, to) writes whole groups.
// Moves *state on.
template <int kPerGroup, class T, class FillGroups>
void FillByGroups(Generator::State* state, T* out, int64_t n, const FillGroups& fill) {
  ParallelFor(n, kGroupsPerChunk * kPerGroup, [&](int64_t begin, int64_t end) {
    const uint64_t position = state->position + static_cast<uint64_t>(begin / kPerGroup);
    const int64_t whole = (end - begin) / kPerGroup;
    fill(position, whole, out + begin);
    const int64_t filled = begin + whole * kPerGroup;
    if (filled == end) return;
    T last[kPerGroup];
    fill(position + static_cast<uint64_t>(whole), 1, last);
    std::copy(last, last + (end - filled), out + filled);
  });
  state->position += static_cast<uint64_t>(n / kPerGroup + (n % kPerGroup != 0));
}

// As above, by convert(words, to), which makes the kPerGroup numbers of one group from its 64
// words.
template <int kPerGroup, class T, class Convert>
void FillFromWords(Generator::State* state, T* out, int64_t n, const Convert& convert) {
  constexpr int64_t kAtOnce = 16;  // 4 KiB of words.
  const kernels::PhiloxKernels& philox = kernels::Philox();
  FillByGroups<kPerGroup>(state, out, n, [&](uint64_t position, int64_t groups, T* to) {
    uint32_t words[kAtOnce * kPhiloxGroup];
    for (int64_t g = 0; g < groups; ++g, to += kPerGroup) {
      if (g % kAtOnce == 0) {
        philox.words(state->seed, state->stream, position + static_cast<uint64_t>(g),
                     std::min(kAtOnce, groups - g), words);
      }
      convert(words + g % kAtOnce * kPhiloxGroup, to);
    }
  });
}

// The 32 numbers of 64 bits of a group: words 0 and 1 of each of its 16 blocks, then words 2 and 3.
uint64_t Word64(const uint32_t* words, int i) {
  const int lo = i < 16 ? i : i + 16;
  return words[lo] | uint64_t{words[lo + 16]} << 32;
}

// The upper 64 bits of the product: uniform on 0 ... range - 1 if word is uniform on 64 bits.
uint64_t ScaleTo(uint64_t range, uint64_t word) {
  __extension__ using Uint128 = unsigned __int128;
  return static_cast<uint64_t>((static_cast<Uint128>(word) * range) >> 64);
}

template <class T>
void FillIntegers(Generator::State* state, int64_t lo, int64_t hi, T* out, int64_t n) {
  CheckCount("Integers", n);
  constexpr int64_t kLowest = std::numeric_limits<T>::min(),
                    kHighest = std::numeric_limits<T>::max();
  if (lo >= hi || lo < kLowest || hi - 1 > kHighest) {
    throw std::invalid_argument("Generator::Integers: lo = " + std::to_string(lo) +
                                ", hi = " + std::to_string(hi) +
                                ", expected lo < hi, both within the type of out");
  }
  const uint64_t range = static_cast<uint64_t>(hi) - static_cast<uint64_t>(lo);
  FillFromWords<32>(state, out, n, [=](const uint32_t* words, T* to) {
    for (int i = 0; i < 32; ++i)
      to[i] = static_cast<T>(static_cast<uint64_t>(lo) + ScaleTo(range, Word64(words, i)));
  });
}

}  // namespace

std::array<uint32_t, 4> Philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  std::array<uint32_t, 4> out;
  kernels::PhiloxBlock(counter.data(), key.data(), out.data());
  return out;
}

void Generator::Uniform(float* out, int64_t n) {
  CheckCount("Uniform", n);
  const auto fill = kernels::Philox().uniform;
  FillByGroups<kPhiloxGroup>(&state_, out, n, [&](uint64_t position, int64_t groups, float* to) {
    fill(state_.seed, state_.stream, position, groups, to);
  });
}

void Generator::Uniform(double* out, int64_t n) {
  CheckCount("Uniform", n);
  FillFromWords<32>(&state_, out, n, [](const uint32_t* words, double* to) {
    for (int i = 0; i < 32; ++i) to[i] = static_cast<double>(Word64(words, i) >> 11) * 0x1p-53;
  });
}

void Generator::Normal(float* out, int64_t n) {
  CheckCount("Normal", n);
  const auto fill = kernels::Philox().normal;
  FillByGroups<kPhiloxGroup>(&state_, out, n, [&](uint64_t position, int64_t groups, float* to) {
    fill(state_.seed, state_.stream, position, groups, to);
  });
}

void Generator::Normal(double* out, int64_t n) {
  CheckCount("Normal", n);
  FillFromWords<32>(&state_, out, n, [](const uint32_t* words, double* to) {
    for (int i = 0; i < 16; ++i) {
      constexpr double kTwoPi = 6.283185307179586;
      const double u = (static_cast<double>(Word64(words, i) >> 11) + 0.5) * 0x1p-53;
      const double angle = kTwoPi * (static_cast<double>(Word64(words, i + 16) >> 11) * 0x1p-53);
      const double r = std::sqrt(-2 * std::log(u));
      to[i] = r * std::cos(angle);
      to[i + 16] = r * std::sin(angle);
    }
  });
}

void Generator::Integers(int64_t lo, int64_t hi, int64_t* out, int64_t n) {
  FillIntegers(&state_, lo, hi, out, n);
}

void Generator::Integers(int64_t lo, int64_t hi, int32_t* out, int64_t n) {
  FillIntegers(&state_, lo, hi, out, n);
}

void Generator::Bernoulli(double p, bool* out, int64_t n) {
  CheckCount("Bernoulli", n);
  if (!(p >= 0 && p <= 1)) {
    throw std::invalid_argument("Generator::Bernoulli: p = " + std::to_string(p) +
                                ", expected 0 <= p <= 1");
  }
  const auto below = static_cast<uint64_t>(std::llround(p * 0x1p32));
  FillFromWords<kPhiloxGroup>(&state_, out, n, [=](const uint32_t* words, bool* to) {
    for (int i = 0; i < kPhiloxGroup; ++i) to[i] = words[i] < below;
  });
}

void Generator::Permutation(int64_t* out, int64_t n) {
  CheckCount("Permutation", n);
  for (int64_t i = 0; i < n; ++i) out[i] = i;
  constexpr int64_t kAtOnce = 512;
  uint64_t words[kAtOnce];
  for (int64_t left = n; left > 1;) {
    const int64_t count = std::min(kAtOnce, left - 1);
    FillFromWords<32>(&state_, words, count, [](const uint32_t* group, uint64_t* to) {
      for (int i = 0; i < 32; ++i) to[i] = Word64(group, i);
    });
    for (int64_t i = 0; i < count; ++i, --left) {
      std::swap(out[left - 1], out[ScaleTo(static_cast<uint64_t>(left), words[i])]);
    }
  }
}

}  // namespace autograd
