#include "tests/examples/plot/find_color.h"

#include <algorithm>
#include <cmath>

#include "gtest/gtest.h"

namespace examples::plot {

Image Draw(const Figure& figure) {
  auto image = figure.Render();
  EXPECT_TRUE(image.ok()) << image.status().ToString();
  return *std::move(image);
}

bool Is(const uint8_t* pixel, Color c) {
  const auto near = [](uint8_t a, float b) {
    return std::abs(static_cast<float>(a) - 255 * b) < 40;
  };
  return near(pixel[0], c.r) && near(pixel[1], c.g) && near(pixel[2], c.b);
}

Found Find(const Image& image, Color color) {
  Found f;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      if (!Is(image.at(x, y), color)) continue;
      f = {f.count + 1, std::min(f.x0, x), std::min(f.y0, y), std::max(f.x1, x), std::max(f.y1, y)};
    }
  }
  return f;
}

}  // namespace examples::plot
