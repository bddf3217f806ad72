#include "examples/moons/data_source.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "autograd/io/npy.h"
#include "examples/moons/data.h"

namespace examples::moons {
namespace {

using autograd::DType;
using autograd::Generator;
using autograd::Tensor;

}  // namespace

DrawData MoonsSource(double noise) {
  // One set of angles for each size asked for: training draws batches of one size, the metrics of a
  // few others.
  auto sets = std::make_shared<std::map<int64_t, MoonsData>>();
  return [noise, sets](int64_t n, Generator& generator) {
    Tensor points = Tensor::Empty({n, 2});
    sets->try_emplace(n, n, noise).first->second.Draw(generator, points.mutable_data<float>());
    return points;
  };
}

absl::StatusOr<DrawData> FileSource(const std::string& path) {
  const absl::StatusOr<Tensor> file = autograd::ReadNpy(path);
  if (!file.ok()) return file.status();
  const bool floating = file->dtype() == DType::kF32 || file->dtype() == DType::kF64;
  if (!floating || file->rank() != 2 || file->size(1) != 2 || file->size(0) == 0) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": the array is ", Describe(*file),
                                                   ", expected float32 or float64 points [n, 2]"));
  }
  std::vector<float> points;
  const auto append = [&](auto values) {
    for (const auto value : values) points.push_back(static_cast<float>(value));
  };
  file->dtype() == DType::kF32 ? append(file->ToVector<float>()) : append(file->ToVector<double>());
  for (size_t i = 0; i < points.size(); ++i) {
    if (std::isfinite(points[i])) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": the value at row ", i / 2, ", column ", i % 2, " is not finite"));
  }
  return [points = std::move(points)](int64_t n, Generator& generator) {
    const int64_t available = static_cast<int64_t>(points.size()) / 2;
    std::vector<int64_t> chosen(static_cast<size_t>(std::max(n, available)));
    if (n <= available) {
      generator.Permutation(chosen.data(), available);
    } else {
      generator.Integers(0, available, chosen.data(), n);
    }
    Tensor result = Tensor::Empty({n, 2});
    float* out = result.mutable_data<float>();
    for (int64_t i = 0; i < n; ++i) {
      const size_t from = static_cast<size_t>(2 * chosen[static_cast<size_t>(i)]);
      out[2 * i] = points[from];
      out[2 * i + 1] = points[from + 1];
    }
    return result;
  };
}

}  // namespace examples::moons
