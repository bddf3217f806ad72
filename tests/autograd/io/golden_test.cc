// Files the Python libraries wrote are read, and files written here are the ones the Python
// libraries were seen to read (golden/golden.py check).
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "autograd/io/file.h"
#include "autograd/io/npy.h"
#include "autograd/io/safetensors.h"

namespace autograd {
namespace {

constexpr char kFolder[] = "tests/autograd/io/golden/";

Tensor Bool(const std::vector<uint8_t>& values, const Shape& shape) {
  Tensor result = Tensor::Empty(shape, DType::kBool);
  for (size_t i = 0; i < values.size(); ++i) result.mutable_data<bool>()[i] = values[i] != 0;
  return result;
}

std::vector<int32_t> Count(int n) {
  std::vector<int32_t> values;
  for (int i = 0; i < n; ++i) values.push_back(i);
  return values;
}

// What golden.py calls ARRAYS.
std::map<std::string, Tensor> Arrays() {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr int32_t kMin32 = std::numeric_limits<int32_t>::min();
  constexpr int64_t kMin64 = std::numeric_limits<int64_t>::min();
  return {
      {"f32", Tensor::FromVector<float>({1.5F, -2, .1F, kInfinity, -0.0F, 3e-39F}, {2, 3})},
      {"f64", Tensor::FromVector<double>({1.5, -2, .1, kInfinity, -0.0, 5e-324}, {2, 3})},
      {"i32", Tensor::FromVector<int32_t>({0, -1, 2, kMin32, -(kMin32 + 1), 7}, {2, 3})},
      {"i64", Tensor::FromVector<int64_t>({0, -1, 2, kMin64, -(kMin64 + 1), 7}, {2, 3})},
      {"u8", Tensor::FromVector<uint8_t>({0, 1, 2, 127, 128, 255}, {2, 3})},
      {"bool", Bool({1, 0, 1, 0, 0, 1}, {2, 3})},
      {"rank8", Tensor::FromVector(Count(16), {1, 2, 1, 2, 1, 2, 1, 2})},
      {"scalar", Tensor::Scalar(2.5)},
      {"empty", Tensor::Empty({0, 3})},
  };
}

Tensor BFloat16s() { return Tensor::FromVector<BFloat16>({{0x3fc0}, {0xc000}, {0x7f80}}, {3}); }

void ExpectSame(const Tensor& found, const Tensor& expected, const std::string& name) {
  EXPECT_EQ(found.dtype(), expected.dtype()) << name;
  EXPECT_EQ(found.shape().ToString(), expected.shape().ToString()) << name;
  EXPECT_EQ(SerializeSafetensors({{{"x", found}}, {}}).value(),
            SerializeSafetensors({{{"x", expected}}, {}}).value())
      << name;
}

TEST(Golden, ReadsWhatNumPyWrote) {
  for (const auto& [name, expected] : Arrays()) {
    const absl::StatusOr<Tensor> found = ReadNpy(kFolder + ("numpy_" + name) + ".npy");
    ASSERT_TRUE(found.ok()) << found.status();
    ExpectSame(*found, expected, name);
  }
}

TEST(Golden, ReadsFortranOrderAndLaterVersions) {
  const absl::StatusOr<Tensor> fortran = ReadNpy(std::string(kFolder) + "numpy_fortran.npy");
  ASSERT_TRUE(fortran.ok()) << fortran.status();
  EXPECT_FALSE(fortran->is_contiguous());
  std::vector<float> expected;
  for (const int32_t i : Count(24)) expected.push_back(static_cast<float>(i));
  ExpectSame(*fortran, Tensor::FromVector(expected, {2, 3, 4}), "fortran");
  for (const std::string version : {"2", "3"}) {
    const absl::StatusOr<Tensor> found = ReadNpy(kFolder + ("numpy_version" + version) + ".npy");
    ASSERT_TRUE(found.ok()) << found.status();
    ExpectSame(*found, Arrays()["f32"], version);
  }
}

TEST(Golden, ReadsWhatSafetensorsWrote) {
  const absl::StatusOr<SafetensorsFile> file =
      ReadSafetensors(std::string(kFolder) + "python.safetensors");
  ASSERT_TRUE(file.ok()) << file.status();
  const std::map<std::string, std::string> metadata = {{"format", "pt"}, {"note", "grüß \"dich\""}};
  EXPECT_EQ(file->metadata, metadata);
  std::map<std::string, Tensor> expected = Arrays();
  expected["bf16"] = BFloat16s();
  EXPECT_EQ(file->tensors.size(), expected.size());
  for (const auto& [name, tensor] : file->tensors) ExpectSame(tensor, expected[name], name);
}

// To write the files anew, after which golden.py has to check them: GOLDEN_OUT=<folder>.
void ExpectGolden(const std::string& name, const absl::StatusOr<std::string>& bytes) {
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  if (const char* folder = std::getenv("GOLDEN_OUT"); folder != nullptr) {
    const absl::Status written = WriteFileAtomically(std::string(folder) + "/" + name, *bytes);
    ASSERT_TRUE(written.ok()) << written;
  }
  const absl::StatusOr<std::string> expected = ReadFile(kFolder + name);
  ASSERT_TRUE(expected.ok()) << expected.status();
  EXPECT_EQ(*bytes, *expected) << name;
}

TEST(Golden, WritesWhatPythonReads) {
  SafetensorsFile file;
  file.metadata = {{"note", "grüß \"dich\""}};
  for (const auto& [name, tensor] : Arrays()) {
    ExpectGolden("ours_" + name + ".npy", SerializeNpy(tensor));
    file.tensors.emplace_back(name, tensor);
  }
  file.tensors.emplace_back("bf16", BFloat16s());
  ExpectGolden("ours.safetensors", SerializeSafetensors(file));
}

}  // namespace
}  // namespace autograd
