#include "examples/plot/image.h"

#include <stb/stb_image_write.h>

#include <new>

#include "autograd/io/file.h"

namespace examples::plot {

std::string EncodePng(const Image& image) {
  // Measured on pictures of this library: trying all five filters for every row costs as much as
  // compressing, and flat areas and anti-aliased lines compress best unfiltered.
  stbi_write_force_png_filter = 0;
  stbi_write_png_compression_level = 3;
  std::string png;
  const auto append = [](void* context, void* data, int size) {
    static_cast<std::string*>(context)->append(static_cast<const char*>(data),
                                               static_cast<size_t>(size));
  };
  if (stbi_write_png_to_func(append, &png, image.width, image.height, 3, image.rgb.data(), 0) ==
      0) {
    throw std::bad_alloc();
  }
  return png;
}

absl::Status WritePng(const std::string& path, const Image& image) {
  return autograd::WriteFileAtomically(path, EncodePng(image));
}

}  // namespace examples::plot
