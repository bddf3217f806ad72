// Pictures of figures, searched for what was drawn in a colour.
//
// Example:
//   const Found line = Find(Draw(figure), kRed);
//   EXPECT_GT(line.x1, line.x0);
#ifndef TESTS_EXAMPLES_PLOT_FIND_COLOR_H_
#define TESTS_EXAMPLES_PLOT_FIND_COLOR_H_

#include <cstdint>

#include "examples/plot/color.h"
#include "examples/plot/figure.h"
#include "examples/plot/image.h"

namespace examples::plot {

inline constexpr Color kRed = Hex(0xff0000);
inline constexpr Color kBlue = Hex(0x0000ff);

// The figure's picture; a failure of the test if there is none.
Image Draw(const Figure& figure);

// Whether a pixel is nearly of this colour.
bool Is(const uint8_t* pixel, Color c);

// The pixels of a colour: how many, and their bounding box.
struct Found {
  int count = 0, x0 = 1 << 20, y0 = 1 << 20, x1 = -1, y1 = -1;
};
Found Find(const Image& image, Color color);

}  // namespace examples::plot

#endif  // TESTS_EXAMPLES_PLOT_FIND_COLOR_H_
