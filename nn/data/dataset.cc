#include "nn/data/dataset.h"

#include <cstring>
#include <stdexcept>
#include <utility>

#include "absl/strings/str_cat.h"
#include "autograd/grad_mode.h"
#include "autograd/ops/inplace.h"

namespace nn {

using autograd::Tensor;

TensorDataset::TensorDataset(std::vector<Tensor> tensors) : tensors_(std::move(tensors)) {
  if (tensors_.empty()) throw std::invalid_argument("TensorDataset: wants at least one tensor");
  for (Tensor& tensor : tensors_) {
    if (!tensor.defined() || tensor.rank() == 0 || tensor.size(0) != tensors_[0].size(0)) {
      throw std::invalid_argument(
          absl::StrCat("TensorDataset: wants tensors with the same number of entries on their "
                       "first axis, got ",
                       Describe(tensors_[0]), " and ", Describe(tensor)));
    }
    const autograd::NoGrad guard;
    tensor = tensor.is_contiguous() ? tensor.Detach() : autograd::Clone(tensor);
  }
  size_ = tensors_[0].size(0);
}

std::vector<Tensor> TensorDataset::Fetch(std::span<const int64_t> indices) const {
  std::vector<Tensor> batch;
  batch.reserve(tensors_.size());
  for (const Tensor& tensor : tensors_) batch.push_back(CopyRows(tensor, indices));
  return batch;
}

Tensor CopyRows(const Tensor& rows, std::span<const int64_t> indices) {
  if (!rows.defined() || rows.rank() == 0 || !rows.is_contiguous()) {
    throw std::invalid_argument(absl::StrCat(
        "CopyRows: wants a contiguous tensor with at least one axis, got ", Describe(rows)));
  }
  const int64_t count = rows.size(0);
  autograd::Shape shape = rows.shape();
  shape[0] = static_cast<int64_t>(indices.size());
  const Tensor copy = Tensor::Empty(shape, rows.dtype());
  const size_t row_bytes =
      count == 0 ? 0 : static_cast<size_t>(rows.numel() / count) * autograd::ItemSize(rows.dtype());
  char* to = copy.raw<char>();
  for (const int64_t index : indices) {
    if (index < 0 || index >= count) {
      throw std::invalid_argument(
          absl::StrCat("CopyRows: there is no row ", index, " in ", Describe(rows)));
    }
    std::memcpy(to, rows.raw<char>() + static_cast<size_t>(index) * row_bytes, row_bytes);
    to += row_bytes;
  }
  return copy;
}

}  // namespace nn
