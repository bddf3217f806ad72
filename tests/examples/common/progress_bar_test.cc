#include "examples/common/progress_bar.h"

#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

namespace examples {
namespace {

int Count(const std::string& text, const std::string& part) {
  int count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// What was written to a file.
std::string Written(std::FILE* file) {
  std::rewind(file);
  std::string text(10000, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  return text;
}

TEST(ProgressBar, WritesALineForEachTenthToAFile) {
  std::FILE* file = std::tmpfile();
  ProgressBar bar("training", 1000, 0, file);
  for (int i = 1; i <= 1000; ++i) bar.Update(i, 0.5);
  bar.Clear();
  bar.Finish();
  const std::string text = Written(file);
  EXPECT_EQ(Count(text, "\n"), 10) << text;
  EXPECT_EQ(Count(text, ", loss 0.5000\n"), 10) << text;
  EXPECT_EQ(text.find("training 100/1000  10% "), 0u) << text;
  EXPECT_NE(text.find("training 1000/1000 100% "), std::string::npos) << text;
  EXPECT_EQ(Count(text, "\x1b"), 0) << text;
}

TEST(ProgressBar, SaysNothingOfALossThatThereIsNot) {
  std::FILE* file = std::tmpfile();
  ProgressBar bar("drawing", 4, 0, file);
  for (int i = 1; i <= 4; ++i) bar.Update(i);
  const std::string text = Written(file);
  EXPECT_EQ(Count(text, " left\n"), 4) << text;
  EXPECT_EQ(Count(text, "loss"), 0) << text;
}

// A terminal of which the test sees what is written to it.
class Terminal {
 public:
  Terminal() {
    int slave = -1;
    if (openpty(&master_, &slave, nullptr, nullptr, nullptr) == 0) file_ = fdopen(slave, "w");
  }
  ~Terminal() {
    if (file_ != nullptr) std::fclose(file_);
    if (master_ >= 0) close(master_);
  }
  std::FILE* file() const { return file_; }
  std::string Read() const {
    std::fflush(file_);
    std::string text(10000, '\0');
    text.resize(static_cast<size_t>(std::max<ssize_t>(0, read(master_, text.data(), text.size()))));
    return text;
  }

 private:
  int master_ = -1;
  std::FILE* file_ = nullptr;
};

TEST(ProgressBar, IsRedrawnAtOnceAfterOtherOutputTookItsPlace) {
  const Terminal terminal;
  ASSERT_NE(terminal.file(), nullptr);
  ProgressBar bar("drawing", 100, 0, terminal.file());
  bar.Clear();
  EXPECT_EQ(terminal.Read(), "\r\x1b[K");
  bar.Update(50);
  const std::string half = terminal.Read();
  EXPECT_EQ(half.find("\rdrawing [##############..............] 50/100  50% "), 0u) << half;
  EXPECT_EQ(Count(half, "\n"), 0) << half;
  // Too soon to be drawn.
  bar.Update(51);
  bar.Finish();
  const std::string last = terminal.Read();
  EXPECT_EQ(Count(last, "drawing"), 1) << last;
  EXPECT_NE(last.find(" 51/100 "), std::string::npos) << last;
  EXPECT_EQ(last.back(), '\n') << last;
}

}  // namespace
}  // namespace examples
