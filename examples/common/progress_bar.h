// Progress of long work: a bar that redraws itself on a terminal, plain lines elsewhere.
//
// Example:
//   examples::ProgressBar bar("training", 1000);
//   for (int i = 1; i <= 1000; ++i) bar.Update(i, 1.0 / i);
//   bar.Finish();
//
//   examples::ProgressBar drawing("drawing", 3);
//   for (int i = 1; i <= 3; ++i) {
//     drawing.Update(i);
//     drawing.Clear();
//     std::printf("picture %d\n", i);
//   }
#ifndef EXAMPLES_COMMON_PROGRESS_BAR_H_
#define EXAMPLES_COMMON_PROGRESS_BAR_H_

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>

namespace examples {

// Writes to `stream` the share done, iterations a second, the time left and the loss, if there is
// one: ten times a second to a terminal, and to a file or pipe a line for each tenth of the work.
class ProgressBar {
 public:
  // `before` of the total were done earlier, by a run that this one continues.
  ProgressBar(std::string what, int64_t total, int64_t before = 0, std::FILE* stream = stderr);

  // `done` of the total are done. Cheap enough to be called for each step of some microseconds.
  void Update(int64_t done, std::optional<double> loss = std::nullopt);
  // Takes the bar off the screen, for other output to take its place, until the next update.
  void Clear();
  // Leaves the last state on the screen.
  void Finish();

 private:
  using Clock = std::chrono::steady_clock;

  std::string Describe(double seconds) const;

  std::string what_;
  int64_t total_;
  int64_t before_;
  std::FILE* stream_;
  bool terminal_;
  Clock::time_point start_;
  Clock::time_point last_drawn_;
  int64_t next_line_;
  int64_t done_ = 0;
  std::optional<double> loss_;
};

}  // namespace examples

#endif  // EXAMPLES_COMMON_PROGRESS_BAR_H_
