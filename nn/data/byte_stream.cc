#include "nn/data/byte_stream.h"

#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace nn::internal {
namespace {

using autograd::internal::ByteSource;

class PlainStream final : public ByteStream {
 public:
  explicit PlainStream(const ByteSource& source) : source_(source) {}

  absl::StatusOr<uint64_t> Read(uint64_t count, char* to) override {
    count = std::min(count, source_.size() - position_);
    if (absl::Status status = source_.Read(position_, count, to); !status.ok()) return status;
    position_ += count;
    return count;
  }
  uint64_t SizeBound() const override { return source_.size(); }
  absl::Status Error(uint64_t offset, std::string_view what) const override {
    return source_.Error(offset, what);
  }

 private:
  const ByteSource& source_;
  uint64_t position_ = 0;
};

class GzipStream final : public ByteStream {
 public:
  explicit GzipStream(const ByteSource& source) : source_(source), input_(size_t{1} << 16) {}
  ~GzipStream() override { inflateEnd(&zlib_); }

  absl::Status Open() {
    // The largest window, and 16 for a gzip wrapper rather than zlib's.
    if (inflateInit2(&zlib_, 15 + 16) == Z_OK) return absl::OkStatus();
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot unpack ", source_.name(), ": no memory"));
  }

  absl::StatusOr<uint64_t> Read(uint64_t count, char* to) override {
    uint64_t got = 0;
    while (got < count && !ended_) {
      if (absl::Status status = Refill(); !status.ok()) return status;
      const uInt room = static_cast<uInt>(std::min<uint64_t>(count - got, uint64_t{1} << 30));
      zlib_.next_out = reinterpret_cast<Bytef*>(to + got);
      zlib_.avail_out = room;
      const int code = inflate(&zlib_, Z_NO_FLUSH);
      got += room - zlib_.avail_out;
      if (code == Z_STREAM_END) {
        ended_ = zlib_.avail_in == 0 && position_ == source_.size();
        // Another packed piece follows, or something that is none, which inflate will say.
        if (!ended_) inflateReset(&zlib_);
      } else if (code == Z_BUF_ERROR) {
        return source_.Error(source_.size(), "the gzip data is cut off before its end");
      } else if (code == Z_MEM_ERROR) {
        return absl::ResourceExhaustedError(
            absl::StrCat("cannot unpack ", source_.name(), ": no memory"));
      } else if (code != Z_OK) {
        return source_.Error(position_ - zlib_.avail_in,
                             absl::StrCat("the gzip data is damaged before here: ",
                                          zlib_.msg != nullptr ? zlib_.msg : zError(code)));
      }
    }
    return got;
  }

  // Deflate's densest code is a match of 258 bytes in 2 bits: RFC 1951, 3.2.5 and 3.2.7.
  uint64_t SizeBound() const override {
    constexpr uint64_t kRatio = 258 * 8 / 2;
    constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
    return source_.size() > kMost / kRatio ? kMost : source_.size() * kRatio;
  }
  absl::Status Error(uint64_t offset, std::string_view what) const override {
    return absl::InvalidArgumentError(absl::StrCat(source_.name(), ": offset ", offset,
                                                   " of the unpacked data: ", std::string(what)));
  }

 private:
  // More input once what there was is used up, unless there is no more.
  absl::Status Refill() {
    if (zlib_.avail_in > 0 || position_ == source_.size()) return absl::OkStatus();
    const uint64_t count = std::min<uint64_t>(input_.size(), source_.size() - position_);
    if (absl::Status status = source_.Read(position_, count, input_.data()); !status.ok()) {
      return status;
    }
    position_ += count;
    zlib_.next_in = reinterpret_cast<Bytef*>(input_.data());
    zlib_.avail_in = static_cast<uInt>(count);
    return absl::OkStatus();
  }

  const ByteSource& source_;
  std::vector<char> input_;
  uint64_t position_ = 0;  // of the source: what was put into input_
  bool ended_ = false;
  z_stream zlib_ = {};
};

}  // namespace

absl::StatusOr<std::unique_ptr<ByteStream>> OpenByteStream(const ByteSource& source) {
  constexpr std::string_view kMagic = "\x1f\x8b";
  const absl::StatusOr<std::string> start =
      source.ReadString(0, std::min<uint64_t>(source.size(), kMagic.size()));
  if (!start.ok()) return start.status();
  if (*start != kMagic) return std::make_unique<PlainStream>(source);
  auto stream = std::make_unique<GzipStream>(source);
  if (absl::Status status = stream->Open(); !status.ok()) return status;
  return stream;
}

}  // namespace nn::internal
