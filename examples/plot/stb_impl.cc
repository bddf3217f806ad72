// The one place where stb's implementations are compiled (with this project's warnings off, see
// BUILD). Compression is zlib's: several times faster than stb's own at a smaller size.
#include <zlib.h>

#include <cstdlib>

namespace {

// stb frees the result with free().
unsigned char* CompressWithZlib(unsigned char* data, int size, int* compressed_size, int quality) {
  uLongf bound = compressBound(static_cast<uLong>(size));
  auto* out = static_cast<unsigned char*>(std::malloc(bound));
  if (out != nullptr && compress2(out, &bound, data, static_cast<uLong>(size), quality) != Z_OK) {
    std::free(out);
    out = nullptr;
  }
  *compressed_size = static_cast<int>(bound);
  return out;
}

unsigned int Crc32(unsigned char* data, int size) {
  return static_cast<unsigned int>(crc32(0, data, static_cast<uInt>(size)));
}

}  // namespace

#define STBIW_ZLIB_COMPRESS CompressWithZlib
#define STBIW_CRC32 Crc32
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb/stb_image_write.h>
#define STB_TRUETYPE_IMPLEMENTATION
#include <stb/stb_truetype.h>
