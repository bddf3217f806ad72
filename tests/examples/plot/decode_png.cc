#include "tests/examples/plot/decode_png.h"

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_PNG
#include <stb/stb_image.h>

#include <algorithm>

namespace examples::plot {

std::optional<Image> DecodePng(const std::string& bytes) {
  int width = 0, height = 0, channels = 0;
  unsigned char* pixels =
      stbi_load_from_memory(reinterpret_cast<const unsigned char*>(bytes.data()),
                            static_cast<int>(bytes.size()), &width, &height, &channels, 3);
  if (pixels == nullptr) return std::nullopt;
  Image image(width, height);
  std::copy_n(pixels, image.rgb.size(), image.rgb.begin());
  stbi_image_free(pixels);
  return image;
}

}  // namespace examples::plot
