#include "examples/common/progress_bar.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace examples {
namespace {

constexpr int kBarWidth = 28;
constexpr int64_t kLines = 10;
constexpr auto kRedrawEvery = std::chrono::milliseconds(100);

std::string FormatSeconds(double seconds) {
  const int64_t whole = static_cast<int64_t>(std::max(0.0, seconds) + .5);
  if (whole >= 3600)
    return absl::StrFormat("%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60);
  return absl::StrFormat("%d:%02d", whole / 60, whole % 60);
}

}  // namespace

ProgressBar::ProgressBar(std::string what, int64_t total, int64_t before, std::FILE* stream)
    : what_(std::move(what)),
      total_(std::max<int64_t>(1, total)),
      before_(before),
      stream_(stream),
      terminal_(isatty(fileno(stream)) != 0),
      start_(Clock::now()),
      last_drawn_(start_),
      next_line_((total_ + kLines - 1) / kLines) {}

void ProgressBar::Update(int64_t done, std::optional<double> loss) {
  done_ = done;
  loss_ = loss;
  if (!terminal_ && done < next_line_) return;
  const Clock::time_point now = Clock::now();
  if (terminal_ && now - last_drawn_ < kRedrawEvery) return;
  last_drawn_ = now;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  if (terminal_) {
    const int filled = static_cast<int>(done * kBarWidth / total_);
    const std::string bar = std::string(static_cast<size_t>(filled), '#') +
                            std::string(static_cast<size_t>(kBarWidth - filled), '.');
    absl::FPrintF(stream_, "\r%s [%s] %s\x1b[K", what_, bar, Describe(seconds));
    std::fflush(stream_);
  } else {
    absl::FPrintF(stream_, "%s %s\n", what_, Describe(seconds));
    while (next_line_ <= done) next_line_ += (total_ + kLines - 1) / kLines;
  }
}

void ProgressBar::Clear() {
  if (!terminal_) return;
  std::fputs("\r\x1b[K", stream_);
  std::fflush(stream_);
  last_drawn_ = {};
}

void ProgressBar::Finish() {
  if (!terminal_) return;
  last_drawn_ = {};
  Update(done_, loss_);
  std::fputc('\n', stream_);
}

std::string ProgressBar::Describe(double seconds) const {
  const double rate = seconds > 0 ? static_cast<double>(done_ - before_) / seconds : 0;
  const double left = rate > 0 ? static_cast<double>(total_ - done_) / rate : 0;
  const std::string speed =
      rate >= 10 ? absl::StrFormat("%.0f it/s", rate) : absl::StrFormat("%.2f it/s", rate);
  std::string text = absl::StrFormat("%d/%d %3d%% %s, %s left", done_, total_, done_ * 100 / total_,
                                     speed, FormatSeconds(left));
  if (loss_) absl::StrAppendFormat(&text, ", loss %.4f", *loss_);
  return text;
}

}  // namespace examples
