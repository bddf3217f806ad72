#include "autograd/parallel/parallel.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace autograd {
namespace {

class ParallelTest : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override { SetNumThreads(GetParam()); }
};

INSTANTIATE_TEST_SUITE_P(Threads, ParallelTest, ::testing::Values(1, 2, 3, 16),
                         [](const auto& test) { return std::to_string(test.param); });

std::vector<std::pair<int64_t, int64_t>> ChunksOf(int64_t n, int64_t grain) {
  std::mutex mutex;
  std::vector<std::pair<int64_t, int64_t>> chunks;
  ParallelFor(n, grain, [&](int64_t begin, int64_t end) {
    const std::lock_guard<std::mutex> lock(mutex);
    chunks.emplace_back(begin, end);
  });
  std::sort(chunks.begin(), chunks.end());
  return chunks;
}

TEST_P(ParallelTest, ChunksDependOnlyOnNAndGrain) {
  for (int64_t n : {0, 1, 2, 7, 15, 16, 17, 100, 1001}) {
    for (int64_t grain : {1, 3, 16, 1000, 5000}) {
      std::vector<std::pair<int64_t, int64_t>> expected;
      for (int64_t begin = 0; begin < n; begin += grain)
        expected.emplace_back(begin, std::min(n, begin + grain));
      EXPECT_EQ(ChunksOf(n, grain), expected) << "n " << n << " grain " << grain;
    }
  }
}

TEST_P(ParallelTest, HugeRangesDoNotOverflow) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  const std::vector<std::pair<int64_t, int64_t>> expected = {{0, kMax - 1}, {kMax - 1, kMax}};
  EXPECT_EQ(ChunksOf(kMax, kMax - 1), expected);
}

// Upwards through its own run, then downwards through what others have left of theirs.
TEST_P(ParallelTest, EachThreadTakesItsOwnRunInOrder) {
  constexpr int64_t kChunks = 96;  // of which each thread gets the same number
  std::mutex mutex;
  std::map<std::thread::id, std::vector<int64_t>> chunks;
  std::atomic<int> begun{0};
  ParallelFor(kChunks, 1, [&](int64_t begin, int64_t) {
    bool first = false;
    {
      const std::lock_guard<std::mutex> lock(mutex);
      std::vector<int64_t>& taken = chunks[std::this_thread::get_id()];
      first = taken.empty();
      taken.push_back(begin);
    }
    // Nobody goes on before all have begun, so that nobody's first chunk is taken by another.
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    if (first) ++begun;
    while (begun < GetParam() && std::chrono::steady_clock::now() < give_up) {
      std::this_thread::yield();
    }
  });
  const int64_t each = kChunks / GetParam();
  ASSERT_EQ(chunks.size(), static_cast<size_t>(GetParam()));
  EXPECT_EQ(chunks[std::this_thread::get_id()][0], 0);
  for (const auto& [thread, taken] : chunks) EXPECT_EQ(taken[0] % each, 0);
  for (const auto& [thread, taken] : chunks) {
    size_t own = 0;
    while (own < taken.size() && taken[own] == taken[0] + static_cast<int64_t>(own)) ++own;
    for (size_t i = own + 1; i < taken.size(); ++i) {
      const bool same_run = taken[i] / each == taken[i - 1] / each;
      EXPECT_TRUE(!same_run || taken[i] < taken[i - 1]) << taken[i - 1] << ", " << taken[i];
    }
  }
}

TEST_P(ParallelTest, OthersDoWhatASlowThreadHasLeft) {
  if (GetParam() == 1) return;
  constexpr int64_t kChunks = 64;
  std::atomic<int64_t> others{0};
  ParallelFor(kChunks, 1, [&](int64_t begin, int64_t) {
    if (begin != 0) {
      ++others;
      return;
    }
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (others < kChunks - 1 && std::chrono::steady_clock::now() < give_up) {
      std::this_thread::yield();
    }
    EXPECT_EQ(others, kChunks - 1) << "while the first thread was at its first chunk";
  });
}

TEST_P(ParallelTest, RejectsNonsense) {
  EXPECT_THROW(ParallelFor(-1, 1, [](int64_t, int64_t) {}), std::invalid_argument);
  EXPECT_THROW(ParallelFor(1, 0, [](int64_t, int64_t) {}), std::invalid_argument);
  EXPECT_THROW(ParallelTeam(0, [](Team&) {}), std::invalid_argument);
  EXPECT_THROW(SetNumThreads(0), std::invalid_argument);
  EXPECT_THROW(SetNumThreads(kMaxThreads + 1), std::invalid_argument);
  EXPECT_EQ(NumThreads(), GetParam());
}

TEST_P(ParallelTest, RethrowsTheExceptionOfTheLowestChunk) {
  for (int round = 0; round < 50; ++round) {
    std::string message;
    try {
      ParallelFor(100, 1, [](int64_t begin, int64_t) {
        if (begin % 30 == 17) throw std::runtime_error("chunk " + std::to_string(begin));
      });
    } catch (const std::runtime_error& error) {
      message = error.what();
    }
    ASSERT_EQ(message, "chunk 17");
  }
  EXPECT_EQ(ChunksOf(3, 1).size(), 3u) << "the pool works on after an exception";
}

// Of this thread, in loops with kCounted.
thread_local bool set_up = false;
std::atomic<int> begun{0}, ended{0};
const ThreadSetup kCounted = {[] {
                                set_up = true;
                                ++begun;
                              },
                              [] {
                                set_up = false;
                                ++ended;
                              }};

TEST_P(ParallelTest, EachThreadIsSetUpOnceAroundItsChunks) {
  std::mutex mutex;
  for (int64_t n : {0, 1, 7, 100}) {
    begun = ended = 0;
    std::atomic<int64_t> elements{0};
    std::atomic<bool> missed{false};
    std::set<std::thread::id> threads;
    ParallelFor(n, 3, kCounted, [&](int64_t begin, int64_t end) {
      if (!set_up) missed = true;
      elements += end - begin;
      const std::lock_guard<std::mutex> lock(mutex);
      threads.insert(std::this_thread::get_id());
    });
    EXPECT_EQ(elements, n);
    EXPECT_FALSE(missed);
    EXPECT_FALSE(set_up);
    EXPECT_EQ(begun, ended);
    EXPECT_GE(begun, static_cast<int>(threads.size()));
    EXPECT_LE(begun, static_cast<int>(std::min<int64_t>(GetParam(), (n + 2) / 3)));
  }
}

TEST_P(ParallelTest, SetupsEndWhenChunksThrow) {
  const auto fail = [](int64_t begin, int64_t) {
    if (begin % 30 == 17) throw std::runtime_error("chunk " + std::to_string(begin));
  };
  for (const bool serial : {false, true}) {
    begun = ended = 0;
    if (serial) {
      const SerialScope scope;
      EXPECT_THROW(ParallelFor(100, 1, kCounted, fail), std::runtime_error);
      EXPECT_EQ(begun, 1);
    } else {
      EXPECT_THROW(ParallelFor(100, 1, kCounted, fail), std::runtime_error);
    }
    EXPECT_GE(begun, 1);
    EXPECT_EQ(begun, ended);
    EXPECT_FALSE(set_up);
  }
}

TEST_P(ParallelTest, ALowerChunkStillRunsAfterAHigherOneHasThrown) {
  if (GetParam() == 1) return;
  std::atomic<bool> thrown{false};
  std::string message;
  try {
    ParallelFor(64, 1, [&](int64_t begin, int64_t) {
      const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
      while (begin == 0 && !thrown && std::chrono::steady_clock::now() < give_up) {
        std::this_thread::yield();
      }
      thrown = true;
      throw std::runtime_error("chunk " + std::to_string(begin));
    });
  } catch (const std::runtime_error& error) {
    message = error.what();
  }
  EXPECT_EQ(message, "chunk 0");
}

TEST_P(ParallelTest, NestedLoopsAreSerialOnTheirThread) {
  std::atomic<int64_t> elements{0};
  std::atomic<bool> strayed{false};
  ParallelFor(20, 1, [&](int64_t, int64_t) {
    const auto here = std::this_thread::get_id();
    if (InParallelRegion() != (GetParam() > 1)) strayed = true;
    ParallelFor(10, 1, [&](int64_t begin, int64_t end) {
      if (GetParam() > 1 && std::this_thread::get_id() != here) strayed = true;
      elements += end - begin;
    });
    ParallelTeam(4, [&](Team& team) {
      if (GetParam() > 1 && team.size() != 1) strayed = true;
      team.Barrier();
    });
  });
  EXPECT_EQ(elements, 200);
  EXPECT_FALSE(strayed);
  EXPECT_FALSE(InParallelRegion());
}

TEST_P(ParallelTest, SeveralThreadsMayStartLoopsAtOnce) {
  constexpr int kCallers = 4, kRounds = 200;
  std::vector<int64_t> sums(kCallers);
  std::vector<std::thread> callers;
  for (size_t c = 0; c < kCallers; ++c) {
    callers.emplace_back([&sums, c] {
      for (int round = 0; round < kRounds; ++round) {
        std::vector<int64_t> partial(8);
        ParallelFor(80, 10, [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) partial[static_cast<size_t>(begin / 10)] += i;
        });
        for (int64_t sum : partial) sums[c] += sum;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  for (int64_t sum : sums) EXPECT_EQ(sum, kRounds * 80 * 79 / 2);
}

TEST_P(ParallelTest, TeamBarrierSeparatesPhases) {
  constexpr size_t kPhases = 200;
  std::vector<std::vector<int64_t>> values(kPhases, std::vector<int64_t>(16, -1));
  std::atomic<int> sizes{0}, wrong{0};
  ParallelTeam(16, [&](Team& team) {
    sizes += team.size();
    const auto rank = static_cast<size_t>(team.rank()), size = static_cast<size_t>(team.size());
    for (size_t phase = 0; phase < kPhases; ++phase) {
      values[phase][rank] = static_cast<int64_t>(phase);
      team.Barrier();
      for (size_t r = 0; r < size; ++r) wrong += values[phase][r] != static_cast<int64_t>(phase);
    }
  });
  EXPECT_EQ(sizes, GetParam() * GetParam());
  EXPECT_EQ(wrong, 0);
}

TEST_P(ParallelTest, TeamIsNoLargerThanWanted) {
  std::atomic<int> members{0};
  ParallelTeam(2, [&](Team& team) {
    ++members;
    EXPECT_LT(team.rank(), team.size());
  });
  EXPECT_EQ(members, std::min(2, GetParam()));
}

TEST_P(ParallelTest, AFailingMemberReleasesTheOthers) {
  for (int round = 0; round < 50; ++round) {
    std::atomic<int> aborted{0};
    int size = 0;
    std::string message;
    try {
      ParallelTeam(16, [&](Team& team) {
        if (team.rank() == 0) size = team.size();
        team.Barrier();
        if (team.rank() == team.size() - 1) throw std::runtime_error("member failed");
        try {
          team.Barrier();
        } catch (const TeamAborted&) {
          ++aborted;
          throw;
        }
      });
    } catch (const std::runtime_error& error) {
      message = error.what();
    }
    ASSERT_EQ(message, "member failed");
    ASSERT_EQ(aborted, size - 1);
  }
}

TEST_P(ParallelTest, AMemberThatReturnsBeforeABarrierIsReported) {
  if (GetParam() == 1) {
    EXPECT_NO_THROW(ParallelTeam(16, [](Team& team) { team.Barrier(); }));
    return;
  }
  EXPECT_THROW(ParallelTeam(16,
                            [](Team& team) {
                              if (team.rank() != 0) team.Barrier();
                            }),
               TeamAborted);
}

TEST_P(ParallelTest, SerialScopeKeepsLoopsOnTheCallingThread) {
  const SerialScope serial;
  EXPECT_TRUE(InParallelRegion());
  { const SerialScope inner; }
  EXPECT_TRUE(InParallelRegion());
  ParallelFor(20, 1, [here = std::this_thread::get_id()](int64_t, int64_t) {
    EXPECT_EQ(std::this_thread::get_id(), here);
  });
}

TEST_P(ParallelTest, AForkedChildRunsOn) {
  ChunksOf(100, 1);
  const pid_t child = fork();
  if (child == 0) {
    int64_t sum = 0;
    ParallelFor(100, 1, [&](int64_t begin, int64_t) { sum += begin; });
    ParallelTeam(4, [&](Team& team) { team.Barrier(); });
    _exit(sum == 4950 ? 0 : 1);
  }
  ASSERT_GT(child, 0);
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(ChunksOf(100, 1).size(), 100u);
}

}  // namespace
}  // namespace autograd
