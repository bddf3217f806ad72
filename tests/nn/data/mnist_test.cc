// MNIST: the real files, and folders in which something is wrong.
#include "nn/data/mnist.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "autograd/io/file.h"
#include "tests/nn/data/gzip.h"

namespace nn {
namespace {

using autograd::Tensor;
using testing::Gzip;
using ::testing::HasSubstr;

// Tests run in the root of their runfiles.
constexpr char kMnist[] = "examples/data/mnist";

int64_t Sum(const Tensor& bytes) {
  const auto values = bytes.span<uint8_t>();
  return std::accumulate(values.begin(), values.end(), int64_t{0});
}

std::vector<int64_t> CountLabels(const Tensor& labels) {
  std::vector<int64_t> counts(kMnistClasses);
  for (const int64_t label : labels.span<int64_t>()) ++counts[static_cast<size_t>(label)];
  return counts;
}

// Sums and counts by an independent reader:
//   python3 -c "import gzip; b = gzip.open('train-images-idx3-ubyte.gz').read(); print(sum(b[16:]))"
TEST(Mnist, LoadsTheRealFiles) {
  const absl::StatusOr<Mnist> mnist = LoadMnist(kMnist);
  ASSERT_TRUE(mnist.ok()) << mnist.status();
  EXPECT_EQ(mnist->train.images.shape(), (autograd::Shape{60000, 28, 28}));
  EXPECT_EQ(mnist->test.images.shape(), (autograd::Shape{10000, 28, 28}));
  EXPECT_EQ(Sum(mnist->train.images), 1567298545);
  EXPECT_EQ(Sum(mnist->test.images), 264923200);
  EXPECT_EQ(CountLabels(mnist->train.labels),
            (std::vector<int64_t>{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949}));
  EXPECT_EQ(CountLabels(mnist->test.labels),
            (std::vector<int64_t>{980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009}));
  const auto first = mnist->train.labels.span<int64_t>().first(5);
  EXPECT_EQ(std::vector<int64_t>(first.begin(), first.end()),
            (std::vector<int64_t>{5, 0, 4, 1, 9}));
}

TEST(Mnist, BatchesAreNhwcFromMinusOneToOne) {
  const Mnist mnist = LoadMnist(kMnist).value();
  const ImageDataset dataset(mnist.test);
  EXPECT_EQ(dataset.size(), 10000);
  const std::vector<Tensor> batch = dataset.Fetch(std::vector<int64_t>{9999, 0, 9999});
  ASSERT_EQ(batch.size(), 2);
  EXPECT_EQ(batch[0].shape(), (autograd::Shape{3, 28, 28, 1}));
  EXPECT_EQ(batch[1].ToVector<int64_t>(), (std::vector<int64_t>{6, 7, 6}));
  for (int64_t y = 0; y < 28; ++y) {
    for (int64_t x = 0; x < 28; ++x) {
      const double pixel = mnist.test.images.at<uint8_t>({9999, y, x});
      EXPECT_EQ(batch[0].at<float>({0, y, x, 0}), static_cast<float>(pixel / 127.5 - 1));
      EXPECT_EQ(batch[0].at<float>({2, y, x, 0}), static_cast<float>(pixel / 127.5 - 1));
    }
  }
  EXPECT_THROW(dataset.Fetch(std::vector<int64_t>{10000}), std::invalid_argument);
}

TEST(Mnist, EveryByteBecomesTheNearestFloat) {
  std::vector<uint8_t> bytes(256);
  std::iota(bytes.begin(), bytes.end(), uint8_t{0});
  const Tensor pixels = ImagesToFloat(Tensor::FromVector(bytes, {1, 16, 16}));
  EXPECT_EQ(pixels.shape(), (autograd::Shape{1, 16, 16, 1}));
  for (size_t i = 0; i < 256; ++i) {
    EXPECT_EQ(pixels.span<float>()[i], static_cast<float>(static_cast<double>(i) / 127.5 - 1));
  }
  EXPECT_EQ(pixels.span<float>()[0], -1);
  EXPECT_EQ(pixels.span<float>()[255], 1);
  EXPECT_THROW(ImagesToFloat(pixels), std::invalid_argument);
  EXPECT_THROW(ImagesToFloat(Tensor()), std::invalid_argument);
}

TEST(Mnist, ADatasetWantsImagesWithLabels) {
  const Tensor images = Tensor::FromVector<uint8_t>({1, 2, 3, 4}, {1, 2, 2});
  const Tensor labels = Tensor::FromVector<int64_t>({1}, {1});
  EXPECT_EQ(ImageDataset({images, labels}).size(), 1);
  EXPECT_THROW(ImageDataset({images, Tensor::FromVector<int64_t>({1, 2}, {2})}),
               std::invalid_argument);
  EXPECT_THROW(ImageDataset({labels, images}), std::invalid_argument);
  EXPECT_THROW(ImageDataset({images, Tensor()}), std::invalid_argument);
}

// A folder with sets of two images of 2x2 pixels, which tests then damage.
class BadFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    for (const std::string prefix : {"train", "t10k"}) {
      Write(prefix + "-images-idx3-ubyte.gz", Gzip(Images(2, 2)));
      Write(prefix + "-labels-idx1-ubyte", Labels("\5\1"));
    }
    ASSERT_TRUE(LoadMnist(folder_).ok());
  }

  static std::string Images(char count, char height) {
    const std::string header = {0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, height, 0, 0, 0, 2};
    return header + std::string(static_cast<size_t>(count * height * 2), 'x');
  }
  static std::string Labels(const std::string& labels) {
    return std::string({0, 0, 8, 1, 0, 0, 0, static_cast<char>(labels.size())}) + labels;
  }
  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  void Write(const std::string& name, const std::string& bytes) const {
    ASSERT_TRUE(autograd::WriteFileAtomically(Path(name), bytes).ok());
  }
  std::string Error(absl::StatusCode code = absl::StatusCode::kInvalidArgument) const {
    const absl::StatusOr<Mnist> mnist = LoadMnist(folder_);
    EXPECT_EQ(mnist.status().code(), code);
    return std::string(mnist.status().message());
  }

  const std::string folder_ = ::testing::TempDir() + "/mnist_test";
};

TEST_F(BadFolder, MissingFilesAreNamed) {
  std::filesystem::remove(Path("t10k-images-idx3-ubyte.gz"));
  EXPECT_EQ(Error(absl::StatusCode::kNotFound), "there is neither " +
                                                    Path("t10k-images-idx3-ubyte") + " nor " +
                                                    Path("t10k-images-idx3-ubyte.gz"));
  std::filesystem::remove_all(folder_);
  EXPECT_THAT(Error(absl::StatusCode::kNotFound), HasSubstr(Path("train-images-idx3-ubyte.gz")));
}

TEST_F(BadFolder, ThePlainFileIsTakenBeforeThePackedOne) {
  Write("train-images-idx3-ubyte", "damaged");
  EXPECT_THAT(Error(), HasSubstr(Path("train-images-idx3-ubyte") + ": offset 0: expected the magic "
                                                                   "number 00000803"));
}

TEST_F(BadFolder, NumbersOfImagesAndLabelsDiffer) {
  Write("train-labels-idx1-ubyte", Labels("\5\1\2"));
  EXPECT_EQ(Error(), Path("train-images-idx3-ubyte.gz") + " has 2 images, but " +
                         Path("train-labels-idx1-ubyte") + " has 3 labels");
}

TEST_F(BadFolder, LabelsOutOfRange) {
  Write("t10k-labels-idx1-ubyte", Labels("\1\12"));
  EXPECT_EQ(Error(),
            Path("t10k-labels-idx1-ubyte") + ": offset 9: expected a label from 0 to 9, got 10");
}

TEST_F(BadFolder, ImagesInThePlaceOfLabels) {
  Write("train-labels-idx1-ubyte", Images(2, 2));
  EXPECT_EQ(Error(), Path("train-labels-idx1-ubyte") +
                         ": offset 0: expected the magic number 00000801 (u8, 1 axes), got "
                         "00000803");
}

TEST_F(BadFolder, TruncatedImages) {
  const std::string packed = Gzip(Images(2, 2));
  Write("train-images-idx3-ubyte.gz", packed.substr(0, packed.size() / 2));
  EXPECT_EQ(Error(), Path("train-images-idx3-ubyte.gz") + ": offset " +
                         std::to_string(packed.size() / 2) +
                         ": the gzip data is cut off before its end");
}

TEST_F(BadFolder, NoImagesOrImagesOfTwoSizes) {
  Write("t10k-images-idx3-ubyte.gz", Images(2, 3));
  EXPECT_EQ(Error(), folder_ +
                         ": images of one size are expected, got [2, 2, 2] for training and "
                         "[2, 3, 2] for tests");
  Write("t10k-images-idx3-ubyte.gz", Images(0, 2));
  Write("t10k-labels-idx1-ubyte", Labels(""));
  EXPECT_EQ(Error(),
            Path("t10k-images-idx3-ubyte.gz") + ": offset 4: expected images, got [0, 2, 2]");
}

}  // namespace
}  // namespace nn
