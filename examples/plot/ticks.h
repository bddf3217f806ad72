// Where the ticks of an axis go and what is written beside them.
//
// Ticks lie at multiples of 1, 2, 2.5 or 5 times a power of ten. Labels have as many decimals as
// the step needs; very large and very small numbers share a factor, and numbers that differ only
// far behind the point share an offset, which is written once at the end of the axis.
//
// Example:
//   const auto ticks = examples::plot::LinearTicks(-1.3, 1.2, 6);
//   for (const std::string& label : ticks.labels) std::cout << label << " ";
//   // −1.0 −0.5 0.0 0.5 1.0
#ifndef EXAMPLES_PLOT_TICKS_H_
#define EXAMPLES_PLOT_TICKS_H_

#include <string>
#include <vector>

namespace examples::plot {

struct Ticks {
  std::vector<double> positions;  // ascending, within the limits
  std::vector<std::string>
      labels;                 // one for each position; may be empty strings on a logarithmic axis
  std::vector<double> minor;  // short ticks without labels
  std::string offset;         // "" or what all labels leave out: "×10⁵", "+1000000"
};

struct Limits {
  double lo = 0, hi = 1;
};

// Numbers beyond ±kLargest are treated as missing throughout the library, so that no difference
// overflows.
inline constexpr double kLargest = 1e300;

// Limits that can be drawn: finite, lo < hi and apart by more than rounding. Swaps lo > hi, widens
// equal ones (by 5 % of their size, ±0.05 around 0), replaces missing ones by 0 … 1. For a
// logarithmic axis both must be > 0; where they are not, the limits become up to three decades
// below hi, or 0.1 … 1.
Limits Drawable(Limits limits, bool log);

// About `target` (clamped to 1 … 100) intervals between lo and hi, which are made drawable first.
Ticks LinearTicks(double lo, double hi, int target);

// Powers of ten (about `target` at most, then every second, third … one), with the multiples 2 … 9
// as minor ticks. A range of a decade or two also labels multiples of 2 and 5; a shorter one gets
// linear ticks. Labels are 0.01, 1, 100 where all lie within 0.001 … 9999, otherwise 10⁻⁵, 1 = 10⁰,
// 2×10⁵.
Ticks LogTicks(double lo, double hi, int target);

// "⁻12": the digits of the exponent in superscript.
std::string Superscript(int exponent);

}  // namespace examples::plot

#endif  // EXAMPLES_PLOT_TICKS_H_
