#include "autograd/ops/pixel_map.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

#include "autograd/kernels/pixels.h"
#include "autograd/ops/dispatch.h"
#include "autograd/ops/shape.h"
#include "autograd/parallel/parallel.h"

namespace autograd::internal {
namespace {

// Elements read or written that are worth a thread.
constexpr int64_t kGrain = 32768;

int64_t MostTerms(const AxisMap& map) {
  int64_t most = 0;
  for (int64_t i = 0; i < map.size(); ++i) most = std::max(most, map.count(i));
  return most;
}

bool SameTerms(const AxisMap& map, int64_t i, int64_t j) {
  return std::equal(map.terms_of(i), map.terms_of(i) + map.count(i), map.terms_of(j),
                    map.terms_of(j) + map.count(j));
}

// Computes rows of one image after the other.
template <class T>
class RowWriter {
 public:
  using Weight = kernels::ComputeType<T>;

  RowWriter(const PixelMap& map, int64_t channels)
      : map_(map),
        channels_(channels),
        pixels_(static_cast<size_t>(MostTerms(map.rows) * MostTerms(map.columns))),
        weights_(pixels_.size()) {}

  // y is row i of the result for the image at x.
  void Write(const T* x, int64_t i, T* y) {
    for (int64_t j = 0; j < map_.columns.size(); ++j, y += channels_) {
      const size_t count = Gather(x, i, j);
      if (count == 1 && weights_[0] == 1) {
        std::memcpy(y, pixels_[0], static_cast<size_t>(channels_) * sizeof(T));
      } else {
        kernels_.weighted_sum(pixels_.data(), weights_.data(), static_cast<int64_t>(count),
                              channels_, y);
      }
    }
  }

 private:
  // The terms of pixel (i, j), row by row; returns their number.
  size_t Gather(const T* x, int64_t i, int64_t j) {
    const AxisMap::Term *row = map_.rows.terms_of(i), *column = map_.columns.terms_of(j);
    const int64_t rows = map_.rows.count(i), columns = map_.columns.count(j);
    size_t count = 0;
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < columns; ++c, ++count) {
        pixels_[count] =
            x + (row[r].source * map_.columns.source_size + column[c].source) * channels_;
        weights_[count] = static_cast<Weight>(row[r].weight * column[c].weight);
      }
    }
    return count;
  }

  const kernels::PixelKernels<T>& kernels_ = kernels::GetPixelKernels<T>();
  const PixelMap& map_;
  int64_t channels_;
  std::vector<const T*> pixels_;
  std::vector<Weight> weights_;
};

template <class T>
void Apply(const Tensor& x, const PixelMap& map, const Tensor& y) {
  const int64_t height = y.size(1), row = y.size(2) * y.size(3), image = x.numel() / x.size(0);
  const int64_t terms = std::max<int64_t>(1, MostTerms(map.rows) * MostTerms(map.columns));
  const int64_t grain = std::max<int64_t>(1, kGrain / (row * terms));
  ParallelFor(x.size(0) * height, grain, [&](int64_t begin, int64_t end) {
    RowWriter<T> writer(map, y.size(3));
    for (int64_t at = begin; at < end; ++at) {
      T* to = y.raw<T>() + at * row;
      const int64_t i = at % height;
      // Rows of an enlarged image repeat.
      if (at > begin && i > 0 && SameTerms(map.rows, i, i - 1)) {
        std::memcpy(to, to - row, static_cast<size_t>(row) * sizeof(T));
      } else {
        writer.Write(x.raw<T>() + at / height * image, i, to);
      }
    }
  });
}

}  // namespace

AxisMap AxisMap::Transposed() const {
  AxisMap map;
  map.source_size = size();
  map.first.assign(static_cast<size_t>(source_size) + 1, 0);
  map.terms.resize(terms.size());
  for (const Term& term : terms) ++map.first[static_cast<size_t>(term.source) + 1];
  for (size_t i = 1; i < map.first.size(); ++i) map.first[i] += map.first[i - 1];
  std::vector<int64_t> next(map.first.begin(), map.first.end() - 1);
  for (int64_t i = 0; i < size(); ++i) {
    for (int64_t t = 0; t < count(i); ++t) {
      const Term& term = terms_of(i)[t];
      const int64_t at = next[static_cast<size_t>(term.source)]++;
      map.terms[static_cast<size_t>(at)] = {i, term.weight};
    }
  }
  return map;
}

SharedPixelMap Transposed(const PixelMap& map) {
  return std::make_shared<PixelMap>(PixelMap{map.rows.Transposed(), map.columns.Transposed()});
}

Tensor ApplyPixelMap(const Tensor& x, const PixelMap& map) {
  const Tensor y =
      Tensor::Empty({x.size(0), map.rows.size(), map.columns.size(), x.size(3)}, x.dtype());
  if (y.numel() == 0) return y;
  const NoGrad guard;
  const Tensor dense = Contiguous(x);
  Dispatch<DTypes::kFloatingOrBf16>(x.dtype(), [&]<class T>(T) { Apply<T>(dense, map, y); });
  return y;
}

void CheckImage(const char* operation, const Tensor& x) {
  CheckDTypes(operation, DTypes::kFloatingOrBf16, {&x});
  if (x.rank() != 4) {
    throw std::invalid_argument(std::string(operation) + ": wants images [B, H, W, C], got " +
                                Describe(x));
  }
}

void CheckImage(const char* operation, const Tensor& x, int64_t height, int64_t width) {
  CheckImage(operation, x);
  if (height < 1 || width < 1 || x.size(1) < 1 || x.size(2) < 1) {
    throw std::invalid_argument(std::string(operation) + ": " + Describe(x) +
                                " cannot become images of height " + std::to_string(height) +
                                " and width " + std::to_string(width) + "; sizes are at least 1");
  }
  // A result that memory cannot hold is told of here, by name: the maps, with an entry for each of
  // its rows, would take the memory there is first.
  const Shape shape = {x.size(0), height, width, x.size(3)};
  CheckShape(operation, shape);
  Tensor::Empty(shape, x.dtype());
}

}  // namespace autograd::internal
