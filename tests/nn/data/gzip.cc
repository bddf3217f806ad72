#include "tests/nn/data/gzip.h"

#include <zlib.h>

#include <stdexcept>

namespace nn::testing {

std::string Gzip(std::string_view data) {
  z_stream zlib = {};
  // The largest window, and 16 for a gzip wrapper.
  if (deflateInit2(&zlib, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::runtime_error("Gzip: no memory");
  }
  std::string packed(deflateBound(&zlib, data.size()), '\0');
  zlib.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  zlib.avail_in = static_cast<uInt>(data.size());
  zlib.next_out = reinterpret_cast<Bytef*>(packed.data());
  zlib.avail_out = static_cast<uInt>(packed.size());
  const int code = deflate(&zlib, Z_FINISH);
  packed.resize(zlib.total_out);
  deflateEnd(&zlib);
  if (code != Z_STREAM_END) throw std::runtime_error("Gzip: failed");
  return packed;
}

}  // namespace nn::testing
