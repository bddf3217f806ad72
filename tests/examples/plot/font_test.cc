#include "examples/plot/font.h"

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <string>

#include "gtest/gtest.h"

namespace examples::plot {
namespace {

std::shared_ptr<const Font> DejaVu() {
  const auto font = Font::Default();
  EXPECT_TRUE(font.ok()) << font.status().ToString();
  return *font;
}

size_t Inked(const TextMask& mask) {
  return static_cast<size_t>(
      std::count_if(mask.coverage.begin(), mask.coverage.end(), [](uint8_t c) { return c > 127; }));
}

TEST(FontTest, TextHasInkWithinItsWidth) {
  const auto font = DejaVu();
  const std::string text = "x₁ = −0.5";
  const TextMask mask = font->Render(text, 20, 0);
  EXPECT_GT(Inked(mask), 50u);
  EXPECT_EQ(mask.coverage.size(),
            static_cast<size_t>(mask.width) * static_cast<size_t>(mask.height));
  EXPECT_NEAR(static_cast<float>(mask.width), font->Width(text, 20), 3.0f);
  EXPECT_LT(mask.top, 0);
}

TEST(FontTest, WidthScalesWithSizeAndText) {
  const auto font = DejaVu();
  EXPECT_NEAR(font->Width("hello", 28), 2 * font->Width("hello", 14), 1e-3f);
  EXPECT_NEAR(font->Width("00", 14), 2 * font->Width("0", 14), 1e-3f);
  EXPECT_GT(font->Width("W", 14), font->Width("i", 14));
  EXPECT_EQ(font->Width("", 14), 0.0f);
}

TEST(FontTest, KerningBringsLettersTogether) {
  const auto font = DejaVu();
  EXPECT_LT(font->Width("AV", 100), font->Width("A", 100) + font->Width("V", 100));
}

TEST(FontTest, CapHeightMatchesTheLetters) {
  const auto font = DejaVu();
  const TextMask mask = font->Render("H", 100, 0);
  EXPECT_NEAR(static_cast<float>(mask.height), font->CapHeight(100), 1.5f);
  EXPECT_EQ(mask.top + mask.height, 0);
}

TEST(FontTest, SpacesAndNothingHaveNoInk) {
  const auto font = DejaVu();
  EXPECT_TRUE(font->Render("", 14, 0).coverage.empty());
  EXPECT_TRUE(font->Render("   ", 14, 0.5f).coverage.empty());
}

TEST(FontTest, DecodesUtf8) {
  EXPECT_EQ(DecodeUtf8("a−₁😀"), (std::vector<int>{'a', 0x2212, 0x2081, 0x1f600}));
  EXPECT_EQ(DecodeUtf8("é"), (std::vector<int>{0xe9}));
}

TEST(FontTest, BadUtf8BecomesTheReplacementCharacter) {
  EXPECT_EQ(DecodeUtf8("\xff"), (std::vector<int>{0xfffd}));
  EXPECT_EQ(DecodeUtf8("a\xe2\x88"), (std::vector<int>{'a', 0xfffd, 0xfffd}));  // cut off
  EXPECT_EQ(DecodeUtf8("\xc0\xaf"), (std::vector<int>{0xfffd, 0xfffd}));        // overlong
  EXPECT_EQ(DecodeUtf8("\xed\xa0\x80").front(), 0xfffd);                        // surrogate
  EXPECT_EQ(DecodeUtf8("\xe2z"), (std::vector<int>{0xfffd, 'z'}));
}

TEST(FontTest, ErrorsNameThePath) {
  const std::string missing = ::testing::TempDir() + "/no_such_font.ttf";
  const auto absent = Font::Load(missing);
  EXPECT_EQ(absent.status().code(), absl::StatusCode::kNotFound);
  EXPECT_NE(absent.status().message().find(missing), std::string::npos);

  const std::string garbage = ::testing::TempDir() + "/garbage.ttf";
  std::ofstream(garbage) << "this is not a font, whatever its name says";
  const auto broken = Font::Load(garbage);
  EXPECT_EQ(broken.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(broken.status().message().find(garbage), std::string::npos);
}

}  // namespace
}  // namespace examples::plot
