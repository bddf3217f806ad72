#include "examples/plot/font.h"

#include <stb/stb_truetype.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"

namespace examples::plot {

constexpr char kDejaVuSans[] = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf";
constexpr int kReplacement = 0xfffd;

struct Font::Data {
  std::vector<uint8_t> file;
  stbtt_fontinfo info;

  // Calls place(glyph, x) for each character, x being its pen position in unscaled units; returns
  // the total advance.
  template <class Place>
  int Walk(std::string_view utf8, const Place& place) const {
    int x = 0, previous = -1;
    for (const int code_point : DecodeUtf8(utf8)) {
      const int glyph = stbtt_FindGlyphIndex(&info, code_point);
      if (previous >= 0) x += stbtt_GetGlyphKernAdvance(&info, previous, glyph);
      place(glyph, x);
      int advance = 0, bearing = 0;
      stbtt_GetGlyphHMetrics(&info, glyph, &advance, &bearing);
      x += advance;
      previous = glyph;
    }
    return x;
  }
};

Font::Font(std::unique_ptr<Data> data) : data_(std::move(data)) {}
Font::~Font() = default;

absl::StatusOr<std::shared_ptr<const Font>> Font::Load(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return absl::NotFoundError(absl::StrCat("cannot open the font ", path));
  auto data = std::make_unique<Data>();
  data->file.assign(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
  const bool has_header = data->file.size() > 12;
  const int offset = has_header ? stbtt_GetFontOffsetForIndex(data->file.data(), 0) : -1;
  if (offset < 0 || !stbtt_InitFont(&data->info, data->file.data(), offset)) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is not a TrueType font"));
  }
  return std::shared_ptr<const Font>(new Font(std::move(data)));
}

absl::StatusOr<std::shared_ptr<const Font>> Font::Default() {
  static const absl::StatusOr<std::shared_ptr<const Font>> font = [] {
    auto loaded = Load(kDejaVuSans);
    if (loaded.ok()) return loaded;
    return absl::StatusOr<std::shared_ptr<const Font>>(absl::FailedPreconditionError(
        absl::StrCat("pictures need the font DejaVu Sans; install the package fonts-dejavu-core (",
                     loaded.status().message(), ")")));
  }();
  return font;
}

float Font::Width(std::string_view utf8, float size) const {
  const int advance = data_->Walk(utf8, [](int, int) {});
  return static_cast<float>(advance) * stbtt_ScaleForMappingEmToPixels(&data_->info, size);
}

float Font::CapHeight(float size) const { return 0.729f * size; }

TextMask Font::Render(std::string_view utf8, float size, float x_fraction) const {
  const stbtt_fontinfo* info = &data_->info;
  const float scale = stbtt_ScaleForMappingEmToPixels(info, size);
  struct Placed {
    int glyph, x0, y0, x1, y1;
    float fraction;
  };
  std::vector<Placed> glyphs;
  TextMask mask;
  int right = 0, bottom = 0;
  data_->Walk(utf8, [&](int glyph, int units) {
    const float x = static_cast<float>(units) * scale + x_fraction;
    const float whole = std::floor(x);
    Placed p{glyph, 0, 0, 0, 0, x - whole};
    stbtt_GetGlyphBitmapBoxSubpixel(info, glyph, scale, scale, p.fraction, 0, &p.x0, &p.y0, &p.x1,
                                    &p.y1);
    p.x0 += static_cast<int>(whole);
    p.x1 += static_cast<int>(whole);
    if (p.x1 <= p.x0 || p.y1 <= p.y0) return;
    mask.left = glyphs.empty() ? p.x0 : std::min(mask.left, p.x0);
    mask.top = glyphs.empty() ? p.y0 : std::min(mask.top, p.y0);
    right = glyphs.empty() ? p.x1 : std::max(right, p.x1);
    bottom = glyphs.empty() ? p.y1 : std::max(bottom, p.y1);
    glyphs.push_back(p);
  });
  if (glyphs.empty()) return mask;
  mask.width = right - mask.left;
  mask.height = bottom - mask.top;
  mask.coverage.assign(static_cast<size_t>(mask.width) * static_cast<size_t>(mask.height), 0);
  std::vector<uint8_t> bitmap;
  for (const Placed& p : glyphs) {
    const int w = p.x1 - p.x0, h = p.y1 - p.y0;
    bitmap.assign(static_cast<size_t>(w) * static_cast<size_t>(h), 0);
    stbtt_MakeGlyphBitmapSubpixel(info, bitmap.data(), w, h, w, scale, scale, p.fraction, 0,
                                  p.glyph);
    for (int y = 0; y < h; ++y) {
      const uint8_t* from = bitmap.data() + static_cast<ptrdiff_t>(y) * w;
      uint8_t* to = mask.coverage.data() +
                    static_cast<ptrdiff_t>(p.y0 - mask.top + y) * mask.width + (p.x0 - mask.left);
      for (int x = 0; x < w; ++x) to[x] = std::max(to[x], from[x]);
    }
  }
  return mask;
}

std::vector<int> DecodeUtf8(std::string_view utf8) {
  std::vector<int> points;
  points.reserve(utf8.size());
  for (size_t i = 0; i < utf8.size();) {
    const auto lead = static_cast<unsigned char>(utf8[i++]);
    const int following = lead < 0x80   ? 0
                          : lead < 0xc2 ? -1
                          : lead < 0xe0 ? 1
                          : lead < 0xf0 ? 2
                          : lead < 0xf5 ? 3
                                        : -1;
    int point = following <= 0 ? lead : lead & (0x3f >> following);
    size_t j = i;
    for (int k = 0; k < following && j < utf8.size(); ++k, ++j) {
      const auto byte = static_cast<unsigned char>(utf8[j]);
      if ((byte & 0xc0) != 0x80) break;
      point = point << 6 | (byte & 0x3f);
    }
    static constexpr int kSmallest[] = {0, 0x80, 0x800, 0x10000};
    const bool valid = following >= 0 && j == i + static_cast<size_t>(following) &&
                       point >= kSmallest[following] && point <= 0x10ffff &&
                       (point < 0xd800 || point > 0xdfff);
    points.push_back(valid ? point : kReplacement);
    if (valid) i = j;
  }
  return points;
}

}  // namespace examples::plot
