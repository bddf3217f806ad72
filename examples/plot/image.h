// A finished picture and its PNG file.
//
// Example:
//   examples::plot::Image image(4, 2);  // black
//   image.at(3, 1)[0] = 255;            // red in the lower right corner
//   const absl::Status status = examples::plot::WritePng("corner.png", image);
//   if (!status.ok()) std::cerr << status.ToString() << "\n";
#ifndef EXAMPLES_PLOT_IMAGE_H_
#define EXAMPLES_PLOT_IMAGE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace examples::plot {

// width × height pixels of 3 bytes (sRGB), rows from top to bottom.
struct Image {
  Image(int w, int h)
      : width(w), height(h), rgb(static_cast<size_t>(w) * static_cast<size_t>(h) * 3) {}

  uint8_t* at(int x, int y) { return rgb.data() + Offset(x, y); }
  const uint8_t* at(int x, int y) const { return rgb.data() + Offset(x, y); }

  int width, height;
  std::vector<uint8_t> rgb;

 private:
  size_t Offset(int x, int y) const {
    return (static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)) * 3;
  }
};

// The bytes of a PNG file; the same image gives the same bytes.
std::string EncodePng(const Image& image);

// Writes the picture so that `path` holds either what it held before or the whole new picture
// (autograd/io/file.h). Errors name the path and the system's reason.
absl::Status WritePng(const std::string& path, const Image& image);

}  // namespace examples::plot

#endif  // EXAMPLES_PLOT_IMAGE_H_
