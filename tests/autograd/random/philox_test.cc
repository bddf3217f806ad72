#include "autograd/random/philox.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "autograd/parallel/parallel.h"

namespace autograd {
namespace {

using Block = std::array<uint32_t, 4>;

// The vectors published with the Random123 library for Philox4x32 with 10 rounds.
TEST(Philox4x32, KnownAnswers) {
  constexpr uint32_t kOnes = 0xffffffff;
  EXPECT_EQ(Philox4x32({0, 0, 0, 0}, {0, 0}),
            (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(Philox4x32({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(Philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

// The element's word as the header and philox_kernels.h lay them out, from the block function
// alone.
uint32_t WordAt(const Generator::State& state, int64_t i) {
  const uint64_t block =
      (state.position + static_cast<uint64_t>(i / 64)) * 16 + static_cast<uint64_t>(i % 16);
  return Philox4x32(
      {static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32),
       static_cast<uint32_t>(state.stream), static_cast<uint32_t>(state.stream >> 32)},
      {static_cast<uint32_t>(state.seed),
       static_cast<uint32_t>(state.seed >> 32)})[static_cast<size_t>(i % 64 / 16)];
}

// Positions whose blocks need the second word of the counter, and keys and streams that use all
// their bits.
const Generator::State kStates[] = {{0, 0, 0},
                                    {0x299f31d0a4093822, 0x0370734413198a2e, 0x0fffffff},
                                    {~uint64_t{0}, ~uint64_t{0}, (uint64_t{1} << 60) - 7},
                                    {1, 2, 0x123456789abcdef}};

TEST(Generator, UniformFloatsAreTheUpper24BitsOfTheWords) {
  for (const Generator::State& state : kStates) {
    Generator generator;
    generator.set_state(state);
    std::vector<float> values(300);
    generator.Uniform(values.data(), 300);
    for (int64_t i = 0; i < 300; ++i) {
      ASSERT_EQ(values[static_cast<size_t>(i)],
                static_cast<float>(WordAt(state, i) >> 8) / 16777216.0f)
          << i;
    }
  }
}

TEST(Generator, NormalFloatsAreTheBoxMullerTransformOfTheWords) {
  for (const Generator::State& state : kStates) {
    Generator generator;
    generator.set_state(state);
    std::vector<float> values(6400);
    generator.Normal(values.data(), 6400);
    for (int64_t i = 0; i < 6400; ++i) {
      const int64_t first = i / 32 * 32 + i % 16;
      const double u = (WordAt(state, first) + 0.5) * 0x1p-32,
                   v = WordAt(state, first + 16) * 0x1p-32;
      const double r = std::sqrt(-2 * std::log(u)), angle = 2 * std::acos(-1.0) * v;
      const double expected = i % 32 < 16 ? r * std::cos(angle) : r * std::sin(angle);
      // A few units in the last place of r, and what the rounding of u to a float (2^-24 relative)
      // moves r by.
      const double tolerance = 3e-7 * r + 0x1p-24 / r;
      ASSERT_NEAR(values[static_cast<size_t>(i)], expected, tolerance) << "i " << i << " u " << u;
    }
  }
}

TEST(Generator, DoublesTakeTwoWords) {
  const Generator::State state = kStates[1];
  Generator generator;
  generator.set_state(state);
  std::vector<double> values(70);
  generator.Uniform(values.data(), 70);
  for (int64_t i = 0; i < 70; ++i) {
    const int64_t lo = i / 16 * 32 + i % 16;
    const uint64_t word = WordAt(state, lo) | uint64_t{WordAt(state, lo + 16)} << 32;
    ASSERT_EQ(values[static_cast<size_t>(i)], std::ldexp(static_cast<double>(word >> 11), -53))
        << i;
  }
}

// Every kind of draw, into bytes, so that all can be compared in one way.
struct Draw {
  const char* name;
  int64_t per_group;
  size_t element_bytes;
  std::function<void(Generator*, void*, int64_t)> fill;
};

const std::vector<Draw>& Draws() {
  static const auto* const draws = new std::vector<Draw>{
      {"uniform f32", 64, 4,
       [](Generator* g, void* out, int64_t n) { g->Uniform(static_cast<float*>(out), n); }},
      {"uniform f64", 32, 8,
       [](Generator* g, void* out, int64_t n) { g->Uniform(static_cast<double*>(out), n); }},
      {"normal f32", 64, 4,
       [](Generator* g, void* out, int64_t n) { g->Normal(static_cast<float*>(out), n); }},
      {"normal f64", 32, 8,
       [](Generator* g, void* out, int64_t n) { g->Normal(static_cast<double*>(out), n); }},
      {"i64", 32, 8,
       [](Generator* g, void* out, int64_t n) {
         g->Integers(-5, 1000, static_cast<int64_t*>(out), n);
       }},
      {"i32", 32, 4,
       [](Generator* g, void* out, int64_t n) {
         g->Integers(-5, 1000, static_cast<int32_t*>(out), n);
       }},
      {"bernoulli", 64, 1,
       [](Generator* g, void* out, int64_t n) { g->Bernoulli(0.3, static_cast<bool*>(out), n); }},
  };
  return *draws;
}

std::vector<char> Filled(const Draw& draw, Generator* generator, int64_t n,
                         size_t misalignment = 0) {
  const size_t bytes = static_cast<size_t>(n) * draw.element_bytes;
  std::vector<char> buffer(bytes + misalignment + 8);
  draw.fill(generator, buffer.data() + misalignment, n);
  return {buffer.begin() + static_cast<int64_t>(misalignment),
          buffer.begin() + static_cast<int64_t>(misalignment + bytes)};
}

TEST(Generator, SameBytesAtAnyNumberOfThreadsAndAlignment) {
  for (const Draw& draw : Draws()) {
    std::vector<char> expected;
    for (int threads : {1, 2, 3, 16}) {
      SetNumThreads(threads);
      Generator generator(7);
      const std::vector<char> bytes =
          Filled(draw, &generator, 200003, draw.element_bytes * static_cast<size_t>(threads - 1));
      if (expected.empty()) expected = bytes;
      EXPECT_EQ(bytes, expected) << draw.name << " at " << threads << " threads";
    }
  }
}

TEST(Generator, AnElementDoesNotDependOnHowManyAreDrawn) {
  for (const Draw& draw : Draws()) {
    Generator all(3);
    const std::vector<char> expected = Filled(draw, &all, 70000);
    for (int64_t n : {0, 1, 15, 31, 32, 33, 63, 64, 65, 1000, 32768, 65537}) {
      Generator some(3);
      const std::vector<char> bytes = Filled(draw, &some, n);
      EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), expected.begin()))
          << draw.name << " of " << n;
      EXPECT_EQ(some.state().position,
                static_cast<uint64_t>((n + draw.per_group - 1) / draw.per_group))
          << draw.name;
    }
  }
}

TEST(Generator, TheNextDrawGoesOnWhereThisOneEnds) {
  for (const Draw& draw : Draws()) {
    Generator all(3), parts(3);
    const std::vector<char> expected = Filled(draw, &all, 256);
    std::vector<char> bytes = Filled(draw, &parts, 64);
    const std::vector<char> rest = Filled(draw, &parts, 192);
    bytes.insert(bytes.end(), rest.begin(), rest.end());
    EXPECT_EQ(bytes, expected) << draw.name;
    EXPECT_EQ(all.state(), parts.state());
  }
}

TEST(Generator, StateRestoresTheSequence) {
  Generator generator(11, 4);
  float skipped[100], first[100], again[100];
  generator.Normal(skipped, 100);
  const Generator::State state = generator.state();
  generator.Normal(first, 100);
  Generator other;
  other.set_state(state);
  other.Normal(again, 100);
  EXPECT_EQ(std::memcmp(first, again, sizeof(first)), 0);
  EXPECT_NE(std::memcmp(first, skipped, sizeof(first)), 0);
}

TEST(Generator, SeedsAndStreamsDiffer) {
  std::vector<std::vector<float>> draws;
  for (const auto& [seed, stream] : {std::pair<uint64_t, uint64_t>{0, 0},
                                     {1, 0},
                                     {0, 1},
                                     {uint64_t{1} << 32, 0},
                                     {0, uint64_t{1} << 32}}) {
    Generator generator(seed, stream);
    draws.emplace_back(16);
    generator.Uniform(draws.back().data(), 16);
    for (size_t i = 0; i + 1 < draws.size(); ++i) EXPECT_NE(draws[i], draws.back());
  }
}

TEST(Generator, IntegersCoverTheirRangeAndNoMore) {
  Generator generator(5);
  std::vector<int32_t> dice(6000);
  generator.Integers(1, 7, dice.data(), 6000);
  for (int32_t value = 1; value <= 6; ++value)
    EXPECT_NEAR(static_cast<double>(std::count(dice.begin(), dice.end(), value)), 1000, 120);
  EXPECT_EQ(*std::min_element(dice.begin(), dice.end()), 1);
  EXPECT_EQ(*std::max_element(dice.begin(), dice.end()), 6);

  constexpr int64_t kMin = std::numeric_limits<int64_t>::min(),
                    kMax = std::numeric_limits<int64_t>::max();
  std::vector<int64_t> wide(1000);
  generator.Integers(kMin, kMax, wide.data(), 1000);
  EXPECT_LT(*std::min_element(wide.begin(), wide.end()), kMin / 2);
  EXPECT_GT(*std::max_element(wide.begin(), wide.end()), kMax / 2);
  generator.Integers(kMax - 1, kMax, wide.data(), 1000);
  EXPECT_EQ(std::count(wide.begin(), wide.end(), kMax - 1), 1000);
}

TEST(Generator, BernoulliAtItsEnds) {
  Generator generator(5);
  bool mask[1000];
  generator.Bernoulli(0, mask, 1000);
  EXPECT_EQ(std::count(mask, mask + 1000, true), 0);
  generator.Bernoulli(1, mask, 1000);
  EXPECT_EQ(std::count(mask, mask + 1000, true), 1000);
}

TEST(Generator, PermutationsContainEveryIndexOnce) {
  Generator generator(5);
  for (int64_t n : {0, 1, 2, 3, 512, 513, 514, 5000}) {
    std::vector<int64_t> order(static_cast<size_t>(n));
    generator.Permutation(order.data(), n);
    if (n == 5000) {
      EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
    }
    std::sort(order.begin(), order.end());
    for (int64_t i = 0; i < n; ++i) ASSERT_EQ(order[static_cast<size_t>(i)], i);
  }
}

TEST(Generator, MisuseNamesTheFunctionAndTheValues) {
  Generator generator;
  float value = 0;
  int32_t integer = 0;
  bool flag = false;
  EXPECT_THROW(generator.Normal(&value, -1), std::invalid_argument);
  EXPECT_THROW(generator.Integers(3, 3, &integer, 1), std::invalid_argument);
  EXPECT_THROW(generator.Integers(0, int64_t{1} << 32, &integer, 1), std::invalid_argument);
  EXPECT_THROW(generator.Bernoulli(1.5, &flag, 1), std::invalid_argument);
  EXPECT_THROW(generator.Bernoulli(std::numeric_limits<double>::quiet_NaN(), &flag, 1),
               std::invalid_argument);
  try {
    generator.Integers(5, 2, &integer, 1);
    FAIL() << "no exception";
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(
        error.what(),
        "Generator::Integers: lo = 5, hi = 2, expected lo < hi, both within the type of out");
  }
  EXPECT_EQ(generator.state(), Generator().state());
}

}  // namespace
}  // namespace autograd
