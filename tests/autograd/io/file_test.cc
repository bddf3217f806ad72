#include "autograd/io/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace autograd {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// An empty folder for each test.
class FileTest : public ::testing::Test {
 protected:
  FileTest() {
    const std::string test = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    folder_ = ::testing::TempDir() + "/file_test_" + test;
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  std::vector<std::string> Files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  std::string folder_;
};

TEST_F(FileTest, WritesAndReads) {
  const std::string contents("a\0b\n\xff", 5);
  ASSERT_TRUE(WriteFileAtomically(Path("x"), contents).ok());
  EXPECT_EQ(ReadFile(Path("x")).value(), contents);
  ASSERT_TRUE(WriteFileAtomically(Path("x"), {"one", "", "two"}).ok());
  EXPECT_EQ(ReadFile(Path("x")).value(), "onetwo");
  ASSERT_TRUE(WriteFileAtomically(Path("x"), "").ok());
  EXPECT_EQ(ReadFile(Path("x")).value(), "");
  EXPECT_EQ(Files(), std::vector<std::string>{"x"});
}

TEST_F(FileTest, ErrorsNameThePathAndTheReason) {
  const absl::Status missing = ReadFile(Path("none")).status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(missing.message(), HasSubstr("cannot open " + Path("none") + ": No such file"));
  const absl::Status no_folder = WriteFileAtomically(Path("none/x"), "text");
  EXPECT_EQ(no_folder.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(no_folder.message(), HasSubstr("cannot create " + Path("none/x")));
}

TEST_F(FileTest, OnlyRegularFilesAreReadOrReplaced) {
  ASSERT_EQ(mkfifo(Path("pipe").c_str(), 0600), 0);
  for (const std::string& path : {folder_, Path("pipe"), std::string("/dev/null")}) {
    const absl::Status read = ReadFile(path).status();
    EXPECT_EQ(read.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(read.message(), "cannot read " + path + ": not a regular file");
    const absl::Status written = WriteFileAtomically(path, "text");
    EXPECT_EQ(written.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(written.message(), "cannot write " + path + ": not a regular file");
  }
  EXPECT_EQ(Files(), std::vector<std::string>{"pipe"});
}

TEST_F(FileTest, NewFilesFollowTheUmaskAndReplacedOnesKeepTheirPermissions) {
  const mode_t before = umask(027);
  ASSERT_TRUE(WriteFileAtomically(Path("x"), "1").ok());
  EXPECT_EQ(fs::status(Path("x")).permissions(), fs::perms{0640});
  fs::permissions(Path("x"), fs::perms{0604});
  ASSERT_TRUE(WriteFileAtomically(Path("x"), "2").ok());
  EXPECT_EQ(fs::status(Path("x")).permissions(), fs::perms{0604});
  umask(before);
}

TEST_F(FileTest, FollowsASymbolicLink) {
  fs::create_directories(Path("data"));
  ASSERT_TRUE(WriteFileAtomically(Path("data/x"), "old").ok());
  fs::create_symlink("data/x", Path("link"));
  ASSERT_TRUE(WriteFileAtomically(Path("link"), "new").ok());
  EXPECT_TRUE(fs::is_symlink(Path("link")));
  EXPECT_EQ(ReadFile(Path("data/x")).value(), "new");
}

TEST_F(FileTest, ReadersKeepTheFileTheyOpened) {
  ASSERT_TRUE(WriteFileAtomically(Path("x"), "old").ok());
  std::ifstream reader(Path("x"));
  ASSERT_TRUE(WriteFileAtomically(Path("x"), "new").ok());
  std::string seen;
  reader >> seen;
  EXPECT_EQ(seen, "old");
}

TEST_F(FileTest, ThreadsThatWriteOnePathLeaveOneWholeFile) {
  std::vector<std::thread> threads;
  for (const char letter : {'a', 'b', 'c', 'd'}) {
    threads.emplace_back([this, letter] {
      for (int i = 0; i < 20; ++i) {
        EXPECT_TRUE(WriteFileAtomically(Path("x"), std::string(5000, letter)).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::string contents = ReadFile(Path("x")).value();
  EXPECT_EQ(contents, std::string(5000, contents[0]));
  EXPECT_EQ(Files(), std::vector<std::string>{"x"});
}

// The limit stands in for a full disk; it comes with a signal that would end the process.
TEST_F(FileTest, AWriteThatFailsLeavesTheOldFileAndNothingElse) {
  ASSERT_TRUE(WriteFileAtomically(Path("x"), "old").ok());
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 4096;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const absl::Status status = WriteFileAtomically(Path("x"), std::string(10'000, 'n'));
  const absl::Status fits = WriteFileAtomically(Path("y"), "fits");
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(status.message(), HasSubstr("cannot write " + Path("x") + ": File too large"));
  EXPECT_TRUE(fits.ok()) << fits;
  EXPECT_EQ(ReadFile(Path("x")).value(), "old");
  EXPECT_EQ(Files(), (std::vector<std::string>{"x", "y"}));
}

TEST_F(FileTest, TheSignalOfTheLimitIsAsItWas) {
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 1;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_FALSE(WriteFileAtomically(Path("x"), "text").ok());
  setrlimit(RLIMIT_FSIZE, &before);
  sigset_t blocked, pending;
  pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  sigpending(&pending);
  EXPECT_FALSE(sigismember(&blocked, SIGXFSZ));
  EXPECT_FALSE(sigismember(&pending, SIGXFSZ));
}

// Sanitizers cannot live with a limit on addresses.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_F(FileTest, AFileLargerThanMemoryIsAnError) {
  { std::ofstream file(Path("sparse")); }
  std::error_code error;
  fs::resize_file(Path("sparse"), uintmax_t{1} << 42, error);
  ASSERT_FALSE(error) << error.message();
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
  rlimit small = before;
  small.rlim_cur = rlim_t{1} << 40;
  ASSERT_EQ(setrlimit(RLIMIT_AS, &small), 0);
  const absl::Status status = ReadFile(Path("sparse")).status();
  setrlimit(RLIMIT_AS, &before);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(status.message(), HasSubstr("no memory for 4398046511104 bytes"));
}
#endif

}  // namespace
}  // namespace autograd
