#include "autograd/io/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "autograd/io/file.h"
#include "autograd/memory/allocator.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/shape.h"

namespace autograd {
namespace {

using ::testing::HasSubstr;

std::string Length(uint64_t length) {
  return {reinterpret_cast<const char*>(&length), sizeof(length)};
}

std::string File(const std::string& header, const std::string& data = "") {
  return Length(header.size()) + header + data;
}

// The entry of a tensor in the header.
std::string Entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape +
         ",\"data_offsets\":" + offsets + "}";
}

std::string ErrorOf(const std::string& bytes) {
  const absl::StatusOr<SafetensorsFile> file = ParseSafetensors(bytes, "f");
  if (file.ok()) return absl::StrCat("no error: ", file->tensors.size(), " tensors");
  EXPECT_EQ(file.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(file.status().message());
}

// The error of a header without data.
std::string HeaderError(const std::string& header) { return ErrorOf(File(header)); }

template <class T>
bool SameBytes(const Tensor& tensor, const std::vector<T>& values) {
  return tensor.numel() == static_cast<int64_t>(values.size()) &&
         std::memcmp(tensor.raw<T>(), values.data(), values.size() * sizeof(T)) == 0;
}

TEST(Safetensors, RoundTripsEveryDtypeAndShape) {
  const std::vector<BFloat16> halves = {{0x3fc0}, {0xffff}, {1}};
  Tensor truth = Tensor::Empty({2}, DType::kBool);
  truth.mutable_data<bool>()[0] = true;
  truth.mutable_data<bool>()[1] = false;
  SafetensorsFile file;
  file.tensors = {
      {"bool", truth},
      {"u8", Tensor::FromVector<uint8_t>({255, 0, 1}, {3})},
      {"bf16", Tensor::FromVector(halves, {3, 1})},
      {"f32", Tensor::FromVector<float>({1, -0.0F, 3, 4, 5, 6}, {2, 3})},
      {"f64", Tensor::FromVector<double>({.1}, {})},
      {"i32", Tensor::FromVector<int32_t>({-1, 2}, {1, 1, 1, 2, 1, 1, 1, 1})},
      {"i64", Tensor::FromVector<int64_t>({int64_t{1} << 62}, {1})},
      {"empty", Tensor::Empty({0, 7})},
      {"empty too", Tensor::Empty({3, 0}, DType::kF64)},
      {"", Tensor::Scalar<float>(7)},
      {"grüß \"\\\n\x01", Tensor::Scalar<float>(8)},
  };
  file.metadata = {{"a", "b"}, {"", "\"\n"}};
  const std::string bytes = SerializeSafetensors(file).value();
  const absl::StatusOr<SafetensorsFile> found = ParseSafetensors(bytes, "f");
  ASSERT_TRUE(found.ok()) << found.status();
  file.metadata["format_version"] = "1";
  EXPECT_EQ(found->metadata, file.metadata);
  ASSERT_EQ(found->tensors.size(), file.tensors.size());
  std::map<std::string, Tensor> by_name(found->tensors.begin(), found->tensors.end());
  for (const auto& [name, tensor] : file.tensors) {
    ASSERT_TRUE(by_name[name].defined()) << name;
    EXPECT_EQ(Describe(by_name[name]), Describe(tensor)) << name;
  }
  EXPECT_TRUE(SameBytes(by_name["bf16"], halves));
  EXPECT_TRUE(SameBytes<uint8_t>(by_name["bool"], {1, 0}));
  EXPECT_TRUE(SameBytes<float>(by_name["f32"], {1, -0.0F, 3, 4, 5, 6}));
  EXPECT_TRUE(SameBytes<double>(by_name["f64"], {.1}));
  EXPECT_TRUE(SameBytes<int64_t>(by_name["i64"], {int64_t{1} << 62}));
  EXPECT_EQ(SerializeSafetensors(*found).value(), SerializeSafetensors(*found).value());
  EXPECT_EQ(ParseSafetensors(SerializeSafetensors({}).value(), "f")->tensors.size(), 0);
}

TEST(Safetensors, DataIsAlignedToItsItems) {
  SafetensorsFile file;
  file.tensors = {{"a", Tensor::FromVector<uint8_t>({1}, {1})}, {"b", Tensor::Scalar(2.0)}};
  const std::string bytes = SerializeSafetensors(file).value();
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof(length));
  EXPECT_EQ(length % 8, 0);
  EXPECT_EQ(ParseSafetensors(bytes, "f")->tensors[0].first, "b");
}

TEST(Safetensors, WritesViewsAndGraphsByTheirElements) {
  const Tensor x = Tensor::FromVector<float>({1, 2, 3, 4, 5, 6}, {2, 3}).set_requires_grad(true);
  const SafetensorsFile found =
      ParseSafetensors(SerializeSafetensors({{{"x", Transpose(x, 0, 1)}}, {}}).value(), "f")
          .value();
  EXPECT_EQ(found.tensors[0].second.shape().ToString(), "[3, 2]");
  EXPECT_TRUE(SameBytes<float>(found.tensors[0].second, {1, 4, 2, 5, 3, 6}));
  EXPECT_FALSE(found.tensors[0].second.requires_grad());
}

TEST(Safetensors, ReadsAndWritesFiles) {
  const std::string path = ::testing::TempDir() + "/safetensors_test.safetensors";
  const SafetensorsFile file = {{{"x", Ones({2})}, {"y", Zeros({3})}}, {{"a", "b"}}};
  ASSERT_TRUE(WriteSafetensors(path, file).ok());
  EXPECT_EQ(ReadFile(path).value(), SerializeSafetensors(file).value());
  EXPECT_TRUE(SameBytes<float>(ReadSafetensors(path)->tensors[0].second, {1, 1}));
  EXPECT_EQ(ReadSafetensors(path + ".none").status().code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(WriteFileAtomically(path, "short").ok());
  EXPECT_EQ(ReadSafetensors(path).status().message(),
            path + ": offset 0: expected the 8 bytes of the header's length, the file has 5");
}

TEST(Safetensors, RefusesToWriteWhatCouldNotBeRead) {
  const auto error = [](const SafetensorsFile& file) {
    const absl::Status status = WriteSafetensors("f", file);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  };
  EXPECT_EQ(error({{{"x", Ones({2})}, {"x", Ones({2})}}, {}}),
            "cannot write f: the name 'x' is reserved or occurs twice");
  EXPECT_EQ(error({{{"__metadata__", Ones({2})}}, {}}),
            "cannot write f: the name '__metadata__' is reserved or occurs twice");
  EXPECT_EQ(error({{{"x", Tensor()}}, {}}), "cannot write f: the tensor 'x' is undefined");
  EXPECT_EQ(error({{{"x\xff", Ones({2})}}, {}}),
            "cannot write f: a name or metadata text is not UTF-8");
  EXPECT_EQ(error({{}, {{"x", "\xc0\x80"}}}),
            "cannot write f: a name or metadata text is not UTF-8");
  EXPECT_EQ(error({{}, {{"x", std::string(100'000'000, 'x')}}}),
            "cannot write f: the header takes 100000048 bytes, at most 100000000 are allowed");
}

TEST(Safetensors, ReadsFilesOfOthers) {
  // Spaces behind the header, no metadata, entries in another order than their data.
  const std::string header = "{" + Entry("b", "U8", "[1]", "[2,3]") + "," +
                             Entry("none", "U8", "[0]", "[2,2]") + "," +
                             Entry("a", "U8", "[2]", "[0,2]") + "}   ";
  const absl::StatusOr<SafetensorsFile> file = ParseSafetensors(File(header, "123"), "f");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->tensors[0].first, "a");
  EXPECT_EQ(file->tensors[1].first, "none");
  EXPECT_TRUE(SameBytes<uint8_t>(file->tensors[2].second, {'3'}));
  EXPECT_TRUE(file->metadata.empty());
}

TEST(Safetensors, NamesBadLengths) {
  EXPECT_EQ(ErrorOf(""),
            "f: offset 0: expected the 8 bytes of the header's length, the file has 0");
  EXPECT_EQ(ErrorOf(Length(100'000'001) + "{}"),
            "f: offset 0: a header of 100000001 bytes, at most 100000000 are allowed");
  EXPECT_EQ(ErrorOf(Length(~uint64_t{0}) + "{}"),
            "f: offset 0: a header of 18446744073709551615 bytes, at most 100000000 are allowed");
  EXPECT_EQ(ErrorOf(Length(3) + "{}"),
            "f: offset 8: a header of 3 bytes in a file of 10 (truncated)");
}

TEST(Safetensors, NamesHeadersThatAreNotJson) {
  EXPECT_EQ(HeaderError(""), "f: offset 8: expected a JSON object");
  EXPECT_EQ(HeaderError("[]"), "f: offset 8: expected a JSON object");
  EXPECT_EQ(HeaderError(" {}"), "f: offset 8: expected a JSON object");
  EXPECT_EQ(HeaderError("\xef\xbb\xbf{}"), "f: offset 8: expected a JSON object");
  EXPECT_EQ(HeaderError(std::string("{}\0", 3)), "f: offset 10: expected a JSON object");
  EXPECT_EQ(HeaderError("{} x"), "f: offset 12: the header is not JSON in UTF-8");
  EXPECT_EQ(HeaderError("{}{}"), "f: offset 11: the header is not JSON in UTF-8");
  EXPECT_THAT(HeaderError("{\"x\": "), HasSubstr("the header is not JSON in UTF-8"));
  EXPECT_THAT(HeaderError("{\"x\xff\": {}}"), HasSubstr("the header is not JSON in UTF-8"));
  EXPECT_THAT(HeaderError("{\"\\ud800\": {}}"), HasSubstr("the header is not JSON in UTF-8"));
  EXPECT_THAT(HeaderError("{\"x\": 1e999}"), HasSubstr("the header is not JSON in UTF-8"));
  EXPECT_THAT(HeaderError("{/**/}"), HasSubstr("the header is not JSON in UTF-8"));
}

TEST(Safetensors, NamesWhatIsWrongWithAnEntry) {
  EXPECT_EQ(HeaderError("{\"x\":[]}"), "f: offset 14: tensor 'x': expected an object");
  EXPECT_EQ(HeaderError("{\"x\":null}"), "f: offset 17: tensor 'x': expected an object");
  EXPECT_EQ(HeaderError("{\"x\":{}}"),
            "f: offset 15: tensor 'x': expected dtype, shape and data_offsets");
  EXPECT_THAT(HeaderError("{\"x\":{\"shape\":[],\"data_offsets\":[0,0]}}"),
              HasSubstr("tensor 'x': expected dtype, shape and data_offsets"));
  EXPECT_THAT(HeaderError("{\"x\":{\"colour\":1}}"),
              HasSubstr("unknown key 'colour', expected dtype, shape and data_offsets"));
  EXPECT_THAT(HeaderError("{\"x\":{\"dtype\":1}}"), HasSubstr("expected a dtype string"));
  for (const std::string dtype : {"F16", "f32", "U16", "F8_E4M3", ""}) {
    EXPECT_THAT(HeaderError("{" + Entry("x", dtype, "[]", "[0,4]") + "}"),
                HasSubstr("tensor 'x': unknown dtype '" + dtype +
                          "', expected F32, F64, BF16, I32, I64, U8 or BOOL"));
  }
}

TEST(Safetensors, NamesBadShapesAndOffsets) {
  const auto shape_error = [](const std::string& shape) {
    return HeaderError("{" + Entry("x", "F32", shape, "[0,0]") + "}");
  };
  for (const std::string shape : {"1", "[-1]", "[1.0]", "[1e3]", "[\"1\"]", "[[1]]", "[null]",
                                  "[9223372036854775808]", "[18446744073709551616]", "{}"}) {
    EXPECT_THAT(shape_error(shape),
                HasSubstr("tensor 'x': expected a shape, an array of sizes below 2^63"))
        << shape;
  }
  EXPECT_THAT(shape_error("[1,1,1,1,1,1,1,1,1]"),
              HasSubstr("tensor 'x': expected a shape of at most 8 sizes"));
  for (const std::string shape : {"[4294967296,4294967296]", "[9223372036854775807,0]"}) {
    EXPECT_THAT(shape_error(shape), HasSubstr("of f32 is out of range"));
  }
  const auto offsets_error = [](const std::string& offsets) {
    return HeaderError("{" + Entry("x", "F32", "[0]", offsets) + "}");
  };
  for (const std::string offsets : {"0", "[]", "[0]", "[0,0,0]", "[-1,0]", "[0,0.0]", "{}",
                                    "[0,18446744073709551615]", "[[0,0]]"}) {
    EXPECT_THAT(offsets_error(offsets),
                HasSubstr("tensor 'x': expected data_offsets [begin, end], two sizes below 2^63"))
        << offsets;
  }
  EXPECT_THAT(offsets_error("[4,0]"), HasSubstr("tensor 'x': data_offsets end before they begin"));
}

TEST(Safetensors, NamesDuplicates) {
  const std::string entry = Entry("x", "U8", "[0]", "[0,0]");
  EXPECT_THAT(HeaderError("{" + entry + "," + entry + "}"),
              HasSubstr("the name 'x' occurs twice in the header"));
  // The same name written in another way.
  EXPECT_THAT(HeaderError("{" + entry + "," + Entry("\\u0078", "U8", "[0]", "[0,0]") + "}"),
              HasSubstr("the name 'x' occurs twice in the header"));
  EXPECT_THAT(HeaderError("{\"__metadata__\":{},\"__metadata__\":{}}"),
              HasSubstr("the name '__metadata__' occurs twice in the header"));
  EXPECT_THAT(HeaderError("{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}"),
              HasSubstr("__metadata__: the key 'a' occurs twice"));
  for (const std::string key : {"dtype", "shape", "data_offsets"}) {
    const std::string twice = entry.substr(0, entry.size() - 1) + ",\"" + key + "\":";
    EXPECT_THAT(HeaderError("{" + twice + "1}}"),
                HasSubstr("tensor 'x': the key '" + key + "' occurs twice"));
  }
}

TEST(Safetensors, NamesBadMetadata) {
  EXPECT_THAT(HeaderError("{\"__metadata__\":1}"), HasSubstr("expected __metadata__ to be an"));
  EXPECT_THAT(HeaderError("{\"__metadata__\":{\"a\":1}}"),
              HasSubstr("__metadata__: the value of 'a' is not a string"));
  EXPECT_THAT(HeaderError("{\"__metadata__\":{\"a\":{}}}"),
              HasSubstr("__metadata__: the value of 'a' is not a string"));
  EXPECT_EQ(HeaderError("{\"__metadata__\":{\"format_version\":\"2\"}}"),
            "f: offset 8: expected format_version '1' in __metadata__, got '2'");
}

TEST(Safetensors, NamesOverlapsHolesAndTruncation) {
  const auto error = [](const std::string& a, const std::string& b, size_t bytes) {
    const std::string header =
        "{" + Entry("a", "U8", "[2]", a) + "," + Entry("b", "U8", "[2]", b) + "}";
    return ErrorOf(File(header, std::string(bytes, 'x')));
  };
  EXPECT_EQ(error("[0,2]", "[1,3]", 3),
            "f: offset 115: tensor 'b': begins at data offset 1, expected 2 (overlap)");
  EXPECT_THAT(error("[0,2]", "[0,2]", 2), HasSubstr("expected 2 (overlap)"));
  EXPECT_EQ(error("[0,2]", "[3,5]", 5),
            "f: offset 115: tensor 'b': begins at data offset 3, expected 2 (hole)");
  EXPECT_THAT(error("[1,3]", "[3,5]", 5), HasSubstr("tensor 'a': begins at data offset 1"));
  EXPECT_EQ(error("[0,2]", "[2,4]", 3),
            "f: offset 115: tensor 'b': ends at data offset 4, but the file has only 3 bytes of "
            "data (truncated)");
  EXPECT_EQ(error("[0,2]", "[2,4]", 5),
            "f: offset 117: expected the end of the file, but 1 bytes follow the last tensor");
  EXPECT_EQ(error("[0,2]", "[2,5]", 5),
            "f: offset 115: tensor 'b': expected 2 bytes for shape [2] of u8, got 3");
  EXPECT_THAT(ErrorOf(File("{}", "x")), HasSubstr("1 bytes follow the last tensor"));
}

TEST(Safetensors, BoolsAreZeroOrOne) {
  EXPECT_EQ(ErrorOf(File("{" + Entry("x", "BOOL", "[2]", "[0,2]") + "}", "\1\2")),
            "f: offset 64: tensor 'x': expected a bool, 0 or 1");
}

TEST(Safetensors, ErrorsShowNamesSafelyAndShortly) {
  const std::string error = HeaderError("{\"\\u001b[2J" + std::string(1000, 'x') + "\":1}");
  EXPECT_THAT(error, HasSubstr("tensor '\\033[2Jxxx"));
  EXPECT_LT(error.size(), 200);
}

// A file of 4 TB that is no safetensors file is found out by its first bytes.
TEST(Safetensors, ALargeForeignFileCostsNothing) {
  const std::string path = ::testing::TempDir() + "/large.safetensors";
  std::ofstream(path) << File("{" + Entry("x", "F32", "[3]", "[0,12]") + "}");
  std::filesystem::resize_file(path, uintmax_t{1} << 42);
  EXPECT_THAT(ReadSafetensors(path).status().message(), HasSubstr("bytes follow the last tensor"));
  std::filesystem::remove(path);
}

// Headers an attacker would choose: each element would take many times its text as a JSON tree, or
// recursion as deep as the text is long, or a search among all names for each.
TEST(Safetensors, HostileHeadersEndSoon) {
  constexpr size_t kSize = 2'000'000;
  std::string arrays = "{\"x\":{\"shape\":[", nested = arrays, keys = "{\"__metadata__\":{";
  while (arrays.size() < kSize) arrays += "[],";
  EXPECT_THAT(HeaderError(arrays), HasSubstr("expected a shape"));
  nested.append(kSize, '[');
  EXPECT_THAT(HeaderError(nested), HasSubstr("expected a shape"));
  for (int i = 0; keys.size() < kSize; ++i)
    absl::StrAppend(&keys, i > 0 ? "," : "", "\"", i, "\":\"\"");
  const absl::StatusOr<SafetensorsFile> many = ParseSafetensors(File(keys + "}}"), "f");
  ASSERT_TRUE(many.ok()) << many.status();
  EXPECT_GT(many->metadata.size(), 100'000);
}

TEST(Safetensors, AMemoryLimitIsAnError) {
  const std::string bytes = SerializeSafetensors({{{"x", Zeros({1 << 20})}}, {}}).value();
  EmptyCache();
  SetMemoryLimit(1 << 20);
  const absl::Status status = ParseSafetensors(bytes, "f").status();
  SetMemoryLimit(0);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(status.message(), HasSubstr("tensor 'x': "));
}

}  // namespace
}  // namespace autograd
