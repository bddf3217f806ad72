// The IDX reader: every type, plain and packed, and every way in which a file can be wrong.
#include "nn/data/idx.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "autograd/io/file.h"
#include "autograd/memory/allocator.h"
#include "tests/nn/data/gzip.h"

namespace nn {
namespace {

using autograd::DType;
using autograd::Tensor;
using testing::Gzip;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string BigEndian(uint64_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i) & 0xff);
  return text;
}

// A file with this type, sizes and elements.
std::string File(int type, const std::vector<uint64_t>& sizes, const std::string& data) {
  std::string file = BigEndian(static_cast<uint64_t>(type) << 8 | sizes.size(), 4);
  for (const uint64_t size : sizes) file += BigEndian(size, 4);
  return file + data;
}

std::string ErrorOf(const std::string& bytes, const std::optional<IdxFormat>& expected = {}) {
  const absl::StatusOr<Tensor> tensor = ParseIdx(bytes, "f", expected);
  if (tensor.ok()) return "no error: " + Describe(*tensor);
  EXPECT_EQ(tensor.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(tensor.status().message());
}

template <class T>
void ExpectElements(const std::string& file, const autograd::Shape& shape,
                    const std::vector<T>& values) {
  for (const std::string& bytes : {file, Gzip(file)}) {
    const absl::StatusOr<Tensor> tensor = ParseIdx(bytes, "f");
    ASSERT_TRUE(tensor.ok()) << tensor.status();
    EXPECT_EQ(tensor->shape(), shape);
    EXPECT_EQ(tensor->ToVector<T>(), values);
  }
}

const std::string kSmall = File(0x08, {2, 3}, "abcdef");

TEST(Idx, ReadsEveryTypeThatTensorsHavePlainAndPacked) {
  ExpectElements<uint8_t>(kSmall, {2, 3}, {'a', 'b', 'c', 'd', 'e', 'f'});
  ExpectElements<uint8_t>(File(0x08, {1, 1, 1, 1, 1, 1, 1, 1}, "\xff"), {1, 1, 1, 1, 1, 1, 1, 1},
                          {255});
  ExpectElements<int32_t>(File(0x0C, {2}, BigEndian(7, 4) + BigEndian(0xfffffffe, 4)), {2},
                          {7, -2});
  ExpectElements<float>(File(0x0D, {1, 2}, BigEndian(0x3fc00000, 4) + BigEndian(0xc0000000, 4)),
                        {1, 2}, {1.5F, -2});
  ExpectElements<double>(File(0x0E, {1}, BigEndian(0x3ff8000000000000, 8)), {1}, {1.5});
  ExpectElements<uint8_t>(File(0x08, {0, 28, 28}, ""), {0, 28, 28}, {});
}

TEST(Idx, ReadsLargePackedFilesInPieces) {
  std::string data;
  uint32_t state = 1;
  for (int i = 0; i < 300'000; ++i) data += static_cast<char>((state = state * 1664525 + 1) >> 24);
  const std::string packed = Gzip(File(0x08, {300'000}, data));
  ASSERT_GT(packed.size(), 200'000);  // several of the reader's buffers
  const std::vector<uint8_t> values = ParseIdx(packed, "f").value().ToVector<uint8_t>();
  EXPECT_TRUE(std::equal(values.begin(), values.end(), data.begin(), data.end(),
                         [](uint8_t a, char b) { return a == static_cast<uint8_t>(b); }));
}

TEST(Idx, PackedPiecesAfterOneAnotherAreOneFile) {
  ExpectElements<uint8_t>(kSmall, {2, 3}, {'a', 'b', 'c', 'd', 'e', 'f'});
  const std::string packed = Gzip(kSmall.substr(0, 9)) + Gzip("") + Gzip(kSmall.substr(9));
  EXPECT_EQ(ParseIdx(packed, "f")->shape(), (autograd::Shape{2, 3}));
}

TEST(Idx, ReadsFilesWhateverTheirName) {
  const std::string path = ::testing::TempDir() + "/idx_test";
  for (const std::string& bytes : {kSmall, Gzip(kSmall)}) {
    ASSERT_TRUE(autograd::WriteFileAtomically(path, bytes).ok());
    EXPECT_EQ(ReadIdx(path)->numel(), 6);
  }
  EXPECT_EQ(ReadIdx(path + ".none").status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(ReadIdx(path + ".none").status().message()), HasSubstr(path));
  EXPECT_EQ(ReadIdx(::testing::TempDir()).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(Idx, SaysWhatIsWrongWithTheMagicNumber) {
  EXPECT_EQ(ErrorOf(""), "f: offset 0: the data ends within the magic number");
  EXPECT_EQ(ErrorOf(kSmall.substr(0, 3)), "f: offset 3: the data ends within the magic number");
  EXPECT_EQ(ErrorOf("PK\3\4"),
            "f: offset 0: expected the magic number of an IDX file, two zero bytes with a type and "
            "a number of axes, got 504b0304");
  EXPECT_EQ(ErrorOf(File(0x0B, {1}, "ab")),
            "f: offset 2: expected type 0x08 (u8), 0x0c (i32), 0x0d (f32) or 0x0e (f64), got 0x0b");
  EXPECT_EQ(ErrorOf(File(0x08, {}, "a")), "f: offset 3: expected 1 to 8 axes, got 0");
  EXPECT_EQ(ErrorOf(File(0x08, std::vector<uint64_t>(9, 1), "a")),
            "f: offset 3: expected 1 to 8 axes, got 9");
  EXPECT_EQ(ErrorOf(kSmall, IdxFormat{DType::kU8, 3}),
            "f: offset 0: expected the magic number 00000803 (u8, 3 axes), got 00000802");
  EXPECT_EQ(ErrorOf("\x7f"
                    "ELF",
                    IdxFormat{DType::kI32, 1}),
            "f: offset 0: expected the magic number 00000c01 (i32, 1 axes), got 7f454c46");
  EXPECT_EQ(ErrorOf(Gzip("GIF89a")),
            "f: offset 0 of the unpacked data: expected the magic number of an IDX file, two zero "
            "bytes with a type and a number of axes, got 47494638");
}

TEST(Idx, SaysWhatIsWrongWithTheSizes) {
  EXPECT_EQ(ErrorOf(kSmall.substr(0, 10)), "f: offset 10: the data ends within the sizes");
  EXPECT_EQ(ErrorOf(File(0x08, std::vector<uint64_t>(8, 0xffffffff), "a")),
            "f: offset 4: the sizes [4294967295, 4294967295, 4294967295, 4294967295, 4294967295, "
            "4294967295, 4294967295, 4294967295] of u8 are out of range");
  // 2^64 bytes, which would be 0 in 64 bits; and beside a zero.
  EXPECT_THAT(ErrorOf(File(0x0E, {1u << 31, 1u << 30}, "")), HasSubstr("are out of range"));
  EXPECT_THAT(ErrorOf(File(0x08, {0, 0x80000000, 0x80000000, 4}, "")),
              HasSubstr("are out of range"));
}

TEST(Idx, SaysHowManyElementsAreThere) {
  EXPECT_EQ(ErrorOf(File(0x08, {2, 3}, "abcde")),
            "f: offset 17: expected 6 bytes of elements for [2, 3] of u8, got 5");
  EXPECT_EQ(ErrorOf(File(0x08, {2, 3}, "abcdefg")),
            "f: offset 18: expected 6 bytes of elements for [2, 3] of u8, got more");
  EXPECT_EQ(ErrorOf(Gzip(File(0x0C, {2}, "abcde"))),
            "f: offset 13 of the unpacked data: expected 8 bytes of elements for [2] of i32, got "
            "5");
  EXPECT_EQ(ErrorOf(Gzip(File(0x0C, {1}, "abcde"))),
            "f: offset 12 of the unpacked data: expected 4 bytes of elements for [1] of i32, got "
            "more");
}

TEST(Idx, PackedDataThatIsCutOffAnywhereIsAnError) {
  const std::string packed = Gzip(kSmall);
  for (size_t size = 2; size < packed.size(); ++size) {
    EXPECT_EQ(ErrorOf(packed.substr(0, size)),
              "f: offset " + std::to_string(size) + ": the gzip data is cut off before its end");
  }
}

TEST(Idx, PackedDataThatIsDamagedIsAnError) {
  const std::string packed = Gzip(kSmall);
  // The checksum and the length are the last 8 bytes.
  for (const size_t from_end : {1, 4, 5, 8}) {
    std::string damaged = packed;
    damaged[damaged.size() - from_end] ^= 1;
    EXPECT_THAT(ErrorOf(damaged),
                ::testing::MatchesRegex("f: offset [0-9]+: the gzip data is damaged before here: "
                                        "incorrect (data|length) check"));
  }
  EXPECT_THAT(ErrorOf(packed + "x"), StartsWith("f: offset "));
  EXPECT_THAT(ErrorOf(packed + "more"), HasSubstr("the gzip data is damaged before here"));
  std::string method = packed;
  method[2] = 7;
  EXPECT_THAT(ErrorOf(method), HasSubstr("unknown compression method"));
}

// A hundred megabytes of zeros in a hundred kilobytes, behind the header of a small array; and a
// small file whose header asks for much.
TEST(Idx, NeitherAHeaderNorPackedDataTakesMoreMemoryThanTheFileIsWorth) {
  const std::string bomb = Gzip(File(0x08, {10}, std::string(100'000'000, '\0')));
  ASSERT_LT(bomb.size(), 200'000);
  autograd::ResetPeakStats();
  const int64_t before = autograd::GetAllocatorStats().bytes_peak;
  EXPECT_THAT(ErrorOf(bomb), HasSubstr("expected 10 bytes of elements for [10] of u8, got more"));
  EXPECT_EQ(ErrorOf(File(0x08, {0xfffffff, 0x7fffffff}, "abc")),
            "f: offset 12: expected 576460749887504385 bytes of elements for [268435455, "
            "2147483647] of u8, the file of 15 bytes cannot hold them");
  EXPECT_THAT(ErrorOf(Gzip(File(0x08, {0x7fffffff}, "abc"))), HasSubstr("cannot hold them"));
  EXPECT_LT(autograd::GetAllocatorStats().bytes_peak - before, 1'000'000);
}

TEST(Idx, NoMemoryIsAnErrorThatNamesTheFile) {
  const std::string file = File(0x08, {50'000'000}, std::string(50'000'000, '\0'));
  autograd::SetMemoryLimit(10'000'000);
  const absl::Status status = ParseIdx(file, "f").status();
  autograd::SetMemoryLimit(0);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), StartsWith("cannot read f: "));
}

TEST(Idx, OnlyArraysOfTheFormatCanBeExpected) {
  EXPECT_THROW(ParseIdx(kSmall, "f", IdxFormat{DType::kI64, 1}).ok(), std::invalid_argument);
  EXPECT_THROW(ParseIdx(kSmall, "f", IdxFormat{DType::kU8, 9}).ok(), std::invalid_argument);
}

}  // namespace
}  // namespace nn
