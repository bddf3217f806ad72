// Runs a fuzz target, without libFuzzer, over its seed corpus and mutations of it that are the same
// every time. tools/fuzz.sh searches further.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr int kMutations = 5000;

void Try(const std::string& input) {
  // A copy of its exact size, so that AddressSanitizer sees a read behind its end.
  const std::vector<uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

std::vector<std::string> Corpus() {
  const char* folder = std::getenv("FUZZ_CORPUS");
  std::vector<std::string> paths, inputs;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  for (const std::string& path : paths) {
    std::ifstream file(path, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return inputs;
}

class Mutator {
 public:
  explicit Mutator(std::vector<std::string> corpus) : corpus_(std::move(corpus)) {}

  // An input of the corpus with one to four changes.
  std::string Next() {
    std::string input = corpus_[Below(corpus_.size())];
    for (size_t changes = 1 + Below(4); changes > 0; --changes) Change(input);
    return input;
  }

 private:
  // mt19937_64's numbers are the same everywhere, those of distributions are not.
  size_t Below(size_t bound) { return static_cast<size_t>(random_() % bound); }
  char Byte() {
    constexpr char kLikely[] = "0019-{}[]():,'\"\\ \n\xff";
    return Below(2) == 0 ? kLikely[Below(sizeof(kLikely))] : static_cast<char>(Below(256));
  }
  void Change(std::string& input) {
    const size_t at = Below(input.size() + 1), count = std::min(Below(16), input.size() - at);
    const std::string& other = corpus_[Below(corpus_.size())];
    switch (Below(6)) {
      case 0:
        input.erase(at, count);
        break;
      case 1:
        input.insert(at, 1, Byte());
        break;
      case 2:
        input.insert(at, input.substr(at, count));
        break;
      case 3:
        input.resize(at);
        break;
      case 4:
        input.insert(at, other.substr(Below(other.size() + 1), 16));
        break;
      default:
        if (at < input.size()) input[at] = Byte();
    }
  }

  std::vector<std::string> corpus_;
  std::mt19937_64 random_{1};
};

TEST(FuzzTarget, HoldsOnTheCorpusAndItsMutations) {
  const std::vector<std::string> corpus = Corpus();
  ASSERT_GT(corpus.size(), 10);
  Try("");
  for (const std::string& input : corpus) {
    Try(input);
    for (size_t size = 0; size < input.size(); ++size) Try(input.substr(0, size));
  }
  Mutator mutator(corpus);
  for (int i = 0; i < kMutations; ++i) Try(mutator.Next());
}

}  // namespace
