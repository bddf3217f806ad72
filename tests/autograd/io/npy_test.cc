#include "autograd/io/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "autograd/io/file.h"
#include "autograd/memory/allocator.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/shape.h"

namespace autograd {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// A file of version 1.0 with this dictionary and data.
std::string File(const std::string& dictionary, const std::string& data) {
  std::string file("\x93NUMPY\x01\x00", 8);
  file += {static_cast<char>(dictionary.size() & 0xff), static_cast<char>(dictionary.size() >> 8)};
  return file + dictionary + data;
}

std::string Dictionary(const std::string& descr, const std::string& shape) {
  return "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }\n";
}

std::string ErrorOf(const std::string& bytes) {
  const absl::StatusOr<Tensor> tensor = ParseNpy(bytes, "f.npy");
  if (tensor.ok()) return "no error: " + Describe(*tensor);
  EXPECT_EQ(tensor.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(tensor.status().message());
}

template <class T>
void ExpectRoundTrip(const std::vector<T>& values, const Shape& shape) {
  const Tensor tensor = Tensor::FromVector(values, shape);
  const absl::StatusOr<std::string> bytes = SerializeNpy(tensor);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  const absl::StatusOr<Tensor> found = ParseNpy(*bytes, "f.npy");
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->shape().ToString(), shape.ToString());
  EXPECT_EQ(found->ToVector<T>(), values);
  // The data is aligned for whoever maps the file.
  EXPECT_EQ((bytes->size() - values.size() * sizeof(T)) % 64, 0);
}

TEST(Npy, RoundTrips) {
  ExpectRoundTrip<float>({1, -2, .5F, 4, 5, 6}, {2, 3});
  ExpectRoundTrip<double>({1, -2, 5e-324}, {3});
  ExpectRoundTrip<int32_t>({1, std::numeric_limits<int32_t>::min()}, {1, 2, 1});
  ExpectRoundTrip<int64_t>({std::numeric_limits<int64_t>::max()}, {});
  ExpectRoundTrip<uint8_t>({0, 255, 7, 8}, {1, 1, 1, 1, 1, 1, 2, 2});
  ExpectRoundTrip<float>({}, {0});
  ExpectRoundTrip<double>({}, {3, 0, int64_t{1} << 40});
  const Tensor tensor = ParseNpy(File(Dictionary("|b1", "(3,)"), {1, 0, 1}), "f").value();
  EXPECT_EQ(tensor.ToVector<bool>(), (std::vector<bool>{true, false, true}));
  EXPECT_EQ(ParseNpy(SerializeNpy(tensor).value(), "f")->ToVector<bool>(), tensor.ToVector<bool>());
}

TEST(Npy, WritesViewsAndGraphsByTheirElements) {
  const Tensor x = Tensor::FromVector<float>({1, 2, 3, 4, 5, 6}, {2, 3}).set_requires_grad(true);
  const Tensor found = ParseNpy(SerializeNpy(Transpose(x, 0, 1)).value(), "f").value();
  EXPECT_EQ(found.shape().ToString(), "[3, 2]");
  EXPECT_EQ(found.ToVector<float>(), (std::vector<float>{1, 4, 2, 5, 3, 6}));
  EXPECT_FALSE(found.requires_grad());
}

TEST(Npy, ReadsAndWritesFiles) {
  const std::string path = ::testing::TempDir() + "/npy_test.npy";
  ASSERT_TRUE(WriteNpy(path, Ones({2, 2})).ok());
  EXPECT_EQ(ReadNpy(path)->ToVector<float>(), std::vector<float>(4, 1));
  EXPECT_EQ(ReadFile(path).value(), SerializeNpy(Ones({2, 2})).value());
  EXPECT_EQ(ReadNpy(path + ".none").status().code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(WriteFileAtomically(path, "no array").ok());
  EXPECT_EQ(ReadNpy(path).status().message(),
            path + ": offset 0: expected the magic string of a .npy file");
}

TEST(Npy, RefusesToWriteWhatNumPyLacks) {
  const Tensor bf16 = Tensor::FromVector<BFloat16>({{0}}, {1});
  EXPECT_EQ(SerializeNpy(bf16).status().message(),
            "NumPy has no dtype for [1] bf16; cast it to f32");
  EXPECT_EQ(WriteNpy("f.npy", bf16).message(),
            "cannot write f.npy: NumPy has no dtype for [1] bf16; cast it to f32");
  EXPECT_EQ(WriteNpy("f.npy", Tensor()).message(), "cannot write f.npy: the tensor is undefined");
  EXPECT_EQ(WriteNpy("f.npy", Tensor()).code(), absl::StatusCode::kInvalidArgument);
}

TEST(Npy, ReadsAnyOrderOfKeysAndQuotes) {
  const std::string dictionary = "{\"shape\":(1,),'descr':\"|u1\",'fortran_order':True}";
  EXPECT_EQ(ParseNpy(File(dictionary, "\x07"), "f")->ToVector<uint8_t>(), std::vector<uint8_t>{7});
}

TEST(Npy, NamesWhatIsWrongBeforeTheHeader) {
  const std::string good = File(Dictionary("|u1", "(1,)"), "x");
  EXPECT_EQ(ErrorOf(""), "f.npy: offset 0: expected the magic string of a .npy file");
  EXPECT_EQ(ErrorOf("\x93NUMPY\x01"), "f.npy: offset 0: expected the magic string of a .npy file");
  EXPECT_EQ(ErrorOf("PK" + good), "f.npy: offset 0: expected the magic string of a .npy file");
  std::string version = good;
  version[6] = '\xff';
  EXPECT_EQ(ErrorOf(version), "f.npy: offset 6: expected version 1.0, 2.0 or 3.0, got 255.0");
  version[6] = 1, version[7] = 1;
  EXPECT_EQ(ErrorOf(version), "f.npy: offset 6: expected version 1.0, 2.0 or 3.0, got 1.1");
  EXPECT_EQ(ErrorOf(good.substr(0, 9)),
            "f.npy: offset 8: the file ends within its header (9 bytes)");
  EXPECT_EQ(ErrorOf(good.substr(0, 40)),
            "f.npy: offset 8: the file ends within its header (40 bytes)");
  const std::string long_header("\x93NUMPY\x02\x00\xff\xff\xff\xff", 12);
  EXPECT_EQ(ErrorOf(long_header),
            "f.npy: offset 8: a header of 4294967295 bytes, at most 100000 are allowed");
}

TEST(Npy, NamesWhatIsWrongInTheHeader) {
  const auto error = [](const std::string& dictionary) { return ErrorOf(File(dictionary, "x")); };
  EXPECT_EQ(error(""), "f.npy: offset 10: expected a dictionary in the header");
  EXPECT_EQ(error("{'descr' '|u1'}"), "f.npy: offset 19: expected a key and ':' in the header");
  EXPECT_EQ(error("{'descr"), "f.npy: offset 11: expected a key and ':' in the header");
  EXPECT_THAT(error("{'colour': 1}"),
              HasSubstr("expected the keys descr, fortran_order and shape in the header"));
  EXPECT_THAT(error("{'descr': '|u1', 'shape': (1,)}"),
              HasSubstr("expected descr, fortran_order and shape in the header"));
  EXPECT_THAT(error("{'descr': '|u1', 'descr': '|u1'}"), HasSubstr("expected only one 'descr'"));
  EXPECT_THAT(error("{'descr': '|u1' 'shape': (1,)}"), HasSubstr("expected ',' or '}'"));
  EXPECT_THAT(error("{'descr': [('a', '<f4')]}"), HasSubstr("expected a dtype string"));
  EXPECT_THAT(error("{'fortran_order': 0}"), HasSubstr("expected True or False"));
  EXPECT_THAT(error(Dictionary("|u1", "(1,)") + "x"),
              HasSubstr("expected nothing after the dictionary in the header"));
}

TEST(Npy, NamesUnknownDtypes) {
  for (const std::string descr : {">f4", "<f2", "<c8", "<U3", "|O", "<u8", ""}) {
    EXPECT_THAT(ErrorOf(File(Dictionary(descr, "(1,)"), "")),
                HasSubstr("expected a dtype among <f4, <f8, <i4, <i8, |u1 and |b1, got '" + descr +
                          "', in the header"));
  }
  EXPECT_THAT(ErrorOf(File(Dictionary(std::string(500, '\x01'), "(1,)"), "")),
              HasSubstr("got '\\001\\001"));
}

TEST(Npy, NamesBadShapes) {
  const auto error = [](const std::string& shape) {
    return ErrorOf(File(Dictionary("|u1", shape), "x"));
  };
  EXPECT_THAT(error("[1]"), HasSubstr("expected a tuple"));
  EXPECT_THAT(error("(1)"), HasSubstr("expected a tuple such as (3,)"));
  EXPECT_THAT(error("(1 1)"), HasSubstr("expected ',' or ')'"));
  EXPECT_THAT(error("(-1,)"), HasSubstr("expected a size"));
  EXPECT_THAT(error("(,)"), HasSubstr("expected a size"));
  EXPECT_THAT(error("(1, 1, 1, 1, 1, 1, 1, 1, 1)"), HasSubstr("expected at most 8 axes"));
  EXPECT_THAT(error("(9223372036854775808,)"), HasSubstr("expected a size below 2^63"));
  EXPECT_EQ(error("(4294967296, 4294967296)"),
            "f.npy: offset 88: the array: the shape [4294967296, 4294967296] of u8 is out of "
            "range");
  EXPECT_THAT(error("(9223372036854775807, 0)"), HasSubstr("is out of range"));
}

TEST(Npy, NamesMissingAndSuperfluousData) {
  EXPECT_EQ(ErrorOf(File(Dictionary("<f4", "(2,)"), "1234567")),
            "f.npy: offset 68: the array: expected 8 bytes for shape [2] of f32, got 7");
  EXPECT_EQ(ErrorOf(File(Dictionary("<f4", "(2,)"), "123456789")),
            "f.npy: offset 68: the array: expected 8 bytes for shape [2] of f32, got 9");
  EXPECT_EQ(ErrorOf(File(Dictionary("|b1", "(3,)"), std::string("\1\0\2", 3))),
            "f.npy: offset 70: the array: expected a bool, 0 or 1");
}

// A header that promises more than the file holds costs no memory.
TEST(Npy, TakesNoMemoryForWhatIsNotThere) {
  ResetPeakStats();
  const int64_t before = GetAllocatorStats().bytes_peak;
  EXPECT_THAT(ErrorOf(File(Dictionary("<f8", "(1000000000000,)"), "x")),
              StartsWith("f.npy: offset"));
  EXPECT_LT(GetAllocatorStats().bytes_peak, before + (1 << 20));
}

TEST(Npy, AMemoryLimitIsAnError) {
  const std::string bytes = SerializeNpy(Zeros({1 << 20})).value();
  EmptyCache();
  SetMemoryLimit(1 << 20);
  const absl::Status status = ParseNpy(bytes, "f.npy").status();
  SetMemoryLimit(0);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(status.message(), HasSubstr("f.npy: offset 128: the array: "));
}

}  // namespace
}  // namespace autograd
