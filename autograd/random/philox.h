// Random numbers that are a function of a seed and a position.
//
// Generator is Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw,
// "Parallel random numbers: as easy as 1, 2, 3" (SC 2011), which passes BigCrush. It encrypts a
// counter, so any element of a sequence can be computed on its own: element i of a draw depends on
// the generator's state and on i alone. The same seed gives the same bytes whatever the number of
// threads, the alignment of the buffer, or the kernels in use (see Normal for its one exception).
// There is no global generator: functions that need randomness take one, and its state belongs into
// a checkpoint.
//
// The key is the seed. Of the 128-bit counter, the upper half is the stream and the lower half the
// position: no two streams of a seed share a number, and another seed gives unrelated ones. A
// position is a group of 16 blocks of 4 words of 32 bits; a draw starts at the next whole group, so
// it moves the position on by ceil(n / 64) for n floats or booleans and by ceil(n / 32) for n
// doubles or integers.
//
// A Generator is a small value: a copy continues with the same numbers on its own. It is not for
// use by several threads at once; give each its own stream. Large draws run in parallel by
// themselves, about a nanosecond for a normal float.
//
// Example:
//   Generator generator(42);
//   std::vector<float> noise(1000);
//   generator.Normal(noise.data(), 1000);
//   const Generator::State state = generator.state();  // for a checkpoint
//   generator.Normal(noise.data(), 1000);
//   const float next = noise[0];
//   generator.set_state(state);
//   generator.Normal(noise.data(), 1000);
//   std::cout << (noise[0] == next) << "\n";  // 1
#ifndef AUTOGRAD_RANDOM_PHILOX_H_
#define AUTOGRAD_RANDOM_PHILOX_H_

#include <array>
#include <cstdint>

namespace autograd {

// One block of Philox4x32-10: the counter encrypted with the key, least significant word first.
std::array<uint32_t, 4> Philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

class Generator {
 public:
  // All there is to a generator.
  struct State {
    uint64_t seed = 0;
    uint64_t stream = 0;
    uint64_t position = 0;  // The group the next draw starts with, less than 2^60.
    bool operator==(const State&) const = default;
  };

  explicit Generator(uint64_t seed = 0, uint64_t stream = 0) : state_{seed, stream, 0} {}

  const State& state() const { return state_; }
  void set_state(const State& state) { state_ = state; }

  // Each of these fills out[0 ... n-1]. All throw std::invalid_argument if n < 0.

  // Uniform on [0, 1): multiples of 2^-24 in float and of 2^-53 in double.
  void Uniform(float* out, int64_t n);
  void Uniform(double* out, int64_t n);

  // Normal with mean 0 and variance 1, by the Box-Muller transform of two uniform numbers of 32
  // (float) or 53 (double) bits; no float is beyond 6.77 in magnitude, no double beyond 8.66. The
  // floats are the same bytes on every processor; the doubles come from the C library's log, sin
  // and cos, and may differ in the last bits with another one.
  void Normal(float* out, int64_t n);
  void Normal(double* out, int64_t n);

  // Integers in [lo, hi): the upper half of the product of 64 random bits and hi - lo. Their
  // probabilities differ by less than 2^-64 from equal ones, which no experiment can notice, and no
  // element needs a second attempt. Throws std::invalid_argument unless lo < hi.
  void Integers(int64_t lo, int64_t hi, int64_t* out, int64_t n);
  void Integers(int64_t lo, int64_t hi, int32_t* out, int64_t n);  // lo and hi must fit as well

  // True with probability p, to a multiple of 2^-32. Throws std::invalid_argument unless 0 <= p
  // <= 1.
  void Bernoulli(double p, bool* out, int64_t n);

  // A random order of 0 ... n-1, every one equally likely (Fisher-Yates with Integers). On one
  // thread.
  void Permutation(int64_t* out, int64_t n);

 private:
  State state_;
};

}  // namespace autograd

#endif  // AUTOGRAD_RANDOM_PHILOX_H_
