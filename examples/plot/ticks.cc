#include "examples/plot/ticks.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <utility>

namespace examples::plot {
namespace {

// Room above kLargest for the margins around the data.
bool Missing(double v) { return !(std::abs(v) <= 1e4 * kLargest); }

// mantissa × 10^exponent; dividing by an exact power of ten rounds correctly where multiplying by
// 0.1 would not.
double Scaled(double mantissa, int exponent) {
  if (exponent < -300) return mantissa / std::pow(10.0, -exponent - 300) / 1e300;
  return exponent < 0 ? mantissa / std::pow(10.0, -exponent) : mantissa * std::pow(10.0, exponent);
}

int FloorLog10(double v) {
  int e = static_cast<int>(std::floor(std::log10(v)));
  if (Scaled(1, e + 1) <= v) ++e;
  if (Scaled(1, e) > v) --e;
  return e;
}

// The number with a true minus sign.
std::string Fixed(double v, int decimals) {
  char buffer[400];
  std::snprintf(buffer, sizeof buffer, "%.*f", decimals, std::abs(v));
  const std::string digits = buffer;
  const bool zero = digits.find_first_not_of("0.") == std::string::npos;
  return v < 0 && !zero ? "−" + digits : digits;
}

struct Step {
  double mantissa;  // 1, 2, 2.5 or 5
  int exponent;
  double value() const { return Scaled(mantissa, exponent); }
  int lowest_digit() const { return mantissa == 2.5 ? exponent - 1 : exponent; }
};

// Ticks lie at multiples first … last of the step.
struct Multiples {
  double first, last;
  double count() const { return last - first + 1; }
};

Multiples Within(const Limits& limits, const Step& step) {
  return {std::ceil(limits.lo / step.value() - 1e-6), std::floor(limits.hi / step.value() + 1e-6)};
}

// The smallest round step that gives at most target + 1 ticks. That may be smaller than the range
// over `target`, where the range begins and ends between two ticks.
Step NiceStep(const Limits& limits, int target) {
  static constexpr double kMantissas[] = {1.0, 2.0, 2.5, 5.0};
  const double raw = limits.hi / target - limits.lo / target;
  for (int exponent = FloorLog10(raw) - 1;; ++exponent) {
    for (const double mantissa : kMantissas) {
      const Step step{mantissa, exponent};
      if (step.value() >= 0.4 * raw && Within(limits, step).count() <= target + 1) return step;
    }
  }
}

void WriteLabels(Ticks& ticks, const Step& step) {
  double largest = 0;
  for (const double v : ticks.positions) largest = std::max(largest, std::abs(v));
  const int lowest = step.lowest_digit();
  // An offset pays where the labels would have more than about six digits and the ticks share all
  // but the last.
  double offset = 0;
  if (largest > 0 && ticks.positions.size() > 1 && FloorLog10(largest) - lowest >= 6) {
    const double span = ticks.positions.back() - ticks.positions.front();
    const int unit = FloorLog10(span) + 1;
    const double middle = 0.5 * ticks.positions.front() + 0.5 * ticks.positions.back();
    offset = Scaled(std::round(Scaled(middle, -unit)), unit);
    if (offset != 0) {
      const int digits = std::max(0, -unit);
      ticks.offset = (offset < 0 ? "" : "+") + Fixed(offset, digits);
    }
    largest = 0;
    for (const double v : ticks.positions) largest = std::max(largest, std::abs(v - offset));
  }
  const int size = largest > 0 ? FloorLog10(largest) : 0;
  const int factor = largest > 0 && (size >= 5 || size <= -4) ? size : 0;
  if (factor != 0)
    ticks.offset = "×10" + Superscript(factor) + (offset != 0 ? " " + ticks.offset : "");
  const int decimals = std::clamp(factor - lowest, 0, 17);
  for (const double v : ticks.positions) {
    ticks.labels.push_back(Fixed(Scaled(v - offset, -factor), decimals));
  }
}

// m × 10^exponent as a person would write it; `plain` writes 0.02, otherwise 2×10⁻².
std::string LogLabel(int m, int exponent, bool plain) {
  if (plain) return Fixed(Scaled(m, exponent), std::max(0, -exponent));
  const std::string power = "10" + Superscript(exponent);
  return m == 1 ? power : std::to_string(m) + "×" + power;
}

}  // namespace

std::string Superscript(int exponent) {
  static constexpr const char* kDigits[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string text;
  for (const char c : std::to_string(exponent)) text += c == '-' ? "⁻" : kDigits[c - '0'];
  return text;
}

Limits Drawable(Limits limits, bool log) {
  auto [lo, hi] = limits;
  if (Missing(lo) || Missing(hi)) {
    lo = log ? 0.1 : 0;
    hi = 1;
  }
  if (lo > hi) std::swap(lo, hi);
  if (log) {
    if (hi <= 0) return {0.1, 1};
    // Below this, subnormal powers of ten would lose their digits.
    hi = std::max(hi, 1e-290);
    if (lo <= 0) lo = hi * 1e-3;
    lo = std::max(lo, 1e-293);
    if (hi / lo < 1 + 1e-9) {
      lo /= 1.25;
      hi *= 1.25;
    }
    return {lo, hi};
  }
  const double size = std::max(std::abs(lo), std::abs(hi));
  if (size < 1e-290) return {-0.05, 0.05};
  if (hi - lo <= 1e-10 * size) {
    const double middle = lo / 2 + hi / 2, half = std::max(std::abs(middle) * 0.05, 1e-290);
    return {middle - half, middle + half};
  }
  return {lo, hi};
}

Ticks LinearTicks(double lo, double hi, int target) {
  const Limits limits = Drawable({lo, hi}, false);
  const Step step = NiceStep(limits, std::clamp(target, 1, 100));
  const Multiples multiples = Within(limits, step);
  Ticks ticks;
  for (double k = multiples.first; k <= multiples.last; ++k) {
    // mantissa × k is exact, so that every tick is the double nearest to its decimal number.
    const double tick = Scaled(step.mantissa * k, step.exponent);
    ticks.positions.push_back(std::clamp(tick, limits.lo, limits.hi));
  }
  WriteLabels(ticks, step);
  return ticks;
}

Ticks LogTicks(double lo, double hi, int target) {
  const Limits limits = Drawable({lo, hi}, true);
  target = std::clamp(target, 1, 100);
  const auto inside = [&](double v) {
    return v >= limits.lo * (1 - 1e-9) && v <= limits.hi * (1 + 1e-9);
  };
  const int first = FloorLog10(limits.lo), last = FloorLog10(limits.hi);
  const int stride = std::max(1, (last - first + target - 1) / target);
  const bool plain = first >= -3 && last <= 3;
  Ticks ticks;
  int decades = 0;
  for (int e = first; e <= last; ++e) decades += inside(Scaled(1, e));
  if (decades >= 3 || last - first >= 3) {
    for (int e = first; e <= last; ++e) {
      if (inside(Scaled(1, e)) && (e % stride + stride) % stride == 0) {
        ticks.positions.push_back(Scaled(1, e));
        ticks.labels.push_back(LogLabel(1, e, plain));
      } else if (inside(Scaled(1, e))) {
        ticks.minor.push_back(Scaled(1, e));
      }
      for (int m = 2; stride == 1 && m <= 9; ++m) {
        if (inside(Scaled(m, e))) ticks.minor.push_back(Scaled(m, e));
      }
    }
    return ticks;
  }
  for (int e = first; e <= last; ++e) {
    for (int m = 1; m <= 9; ++m) {
      if (!inside(Scaled(m, e))) continue;
      if (m == 1 || m == 2 || m == 5) {
        ticks.positions.push_back(Scaled(m, e));
        ticks.labels.push_back(LogLabel(m, e, plain));
      } else {
        ticks.minor.push_back(Scaled(m, e));
      }
    }
  }
  if (ticks.positions.size() >= 3) return ticks;
  return LinearTicks(limits.lo, limits.hi, std::min(target, 5));
}

}  // namespace examples::plot
