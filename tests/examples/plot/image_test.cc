#include "examples/plot/image.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "gtest/gtest.h"
#include "tests/examples/plot/decode_png.h"

namespace examples::plot {
namespace {

namespace fs = std::filesystem;

// An empty folder of the running test.
fs::path Folder() {
  const std::string name = ::testing::UnitTest::GetInstance()->current_test_info()->name();
  const fs::path folder = fs::path(::testing::TempDir()) / name;
  fs::remove_all(folder);
  fs::create_directories(folder);
  return folder;
}

std::string ReadFile(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

size_t FilesIn(const fs::path& folder) {
  return static_cast<size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

Image Gradient(int width, int height) {
  Image image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      image.at(x, y)[0] = static_cast<uint8_t>(x * 7);
      image.at(x, y)[1] = static_cast<uint8_t>(y * 5);
      image.at(x, y)[2] = static_cast<uint8_t>(x * y);
    }
  }
  return image;
}

TEST(ImageTest, DecodesToTheSamePixels) {
  for (const auto& [width, height] : {std::pair{1, 1}, {3, 200}, {257, 31}}) {
    const Image image = Gradient(width, height);
    const auto decoded = DecodePng(EncodePng(image));
    ASSERT_TRUE(decoded.has_value());
    EXPECT_EQ(decoded->width, width);
    EXPECT_EQ(decoded->height, height);
    EXPECT_EQ(decoded->rgb, image.rgb);
  }
}

TEST(ImageTest, SameImageSameBytes) {
  EXPECT_EQ(EncodePng(Gradient(90, 70)), EncodePng(Gradient(90, 70)));
}

TEST(ImageTest, WritesOneFileAndReplacesAnOldOne) {
  const fs::path folder = Folder();
  const std::string path = (folder / "picture.png").string();
  ASSERT_TRUE(WritePng(path, Gradient(10, 10)).ok());
  const absl::Status status = WritePng(path, Gradient(20, 30));
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(ReadFile(path), EncodePng(Gradient(20, 30)));
  EXPECT_EQ(FilesIn(folder), 1u);
}

TEST(ImageTest, MissingFolderIsAnErrorThatNamesThePath) {
  const std::string path = (Folder() / "no" / "such" / "picture.png").string();
  const absl::Status status = WritePng(path, Gradient(4, 4));
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_NE(status.message().find(path), std::string::npos) << status.ToString();
}

TEST(ImageTest, PathThatIsAFolderLeavesNothingBehind) {
  const fs::path folder = Folder();
  const fs::path path = folder / "picture.png";
  fs::create_directories(path / "inside");
  const absl::Status status = WritePng(path.string(), Gradient(4, 4));
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find(path.string()), std::string::npos) << status.ToString();
  EXPECT_EQ(FilesIn(folder), 1u);
  EXPECT_TRUE(fs::is_directory(path));
}

}  // namespace
}  // namespace examples::plot
