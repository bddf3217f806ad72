// Dataset: examples by their number, handed out as batches of tensors. What DataLoader draws from.
//
// Example:
//   const Tensor points = Tensor::FromVector<float>({0, 1, 2, 3, 4, 5}, {3, 2});
//   const Tensor labels = Tensor::FromVector<int64_t>({7, 8, 9}, {3});
//   const TensorDataset dataset({points, labels});
//   const std::vector<int64_t> indices = {2, 0};
//   std::vector<Tensor> batch = dataset.Fetch(indices);
//   std::cout << batch[0] << batch[1] << "\n";  // [[4, 5], [0, 1]] and [9, 7]
#ifndef NN_DATA_DATASET_H_
#define NN_DATA_DATASET_H_

#include <cstdint>
#include <span>
#include <vector>

#include "autograd/tensor.h"

namespace nn {

class Dataset {
 public:
  Dataset() = default;
  Dataset(const Dataset&) = delete;
  Dataset& operator=(const Dataset&) = delete;
  virtual ~Dataset() = default;

  // Number of examples, the same at every call.
  virtual int64_t size() const = 0;

  // The examples of these numbers in this order (repeated where a number is), as any number of
  // tensors, each of them new and with indices.size() entries on its first axis. Depends on the
  // indices alone. May be called by a thread in the background while others call it, too. Throws
  // std::invalid_argument for a number outside [0, size()).
  virtual std::vector<autograd::Tensor> Fetch(std::span<const int64_t> indices) const = 0;
};

// Examples that are the rows of tensors in memory.
class TensorDataset final : public Dataset {
 public:
  // The tensors, each [n, ...] of any dtype, are used without a copy if they are contiguous; do not
  // change them meanwhile. Throws std::invalid_argument for none, an undefined one, or unless all
  // have the same n.
  explicit TensorDataset(std::vector<autograd::Tensor> tensors);

  int64_t size() const override { return size_; }
  // One tensor for each given to the constructor.
  std::vector<autograd::Tensor> Fetch(std::span<const int64_t> indices) const override;

 private:
  std::vector<autograd::Tensor> tensors_;
  int64_t size_ = 0;
};

// The rows of a contiguous tensor [n, ...] as a new one [indices.size(), ...]. On the calling
// thread. Throws std::invalid_argument for an index outside [0, n), or a tensor without axes or not
// contiguous.
autograd::Tensor CopyRows(const autograd::Tensor& rows, std::span<const int64_t> indices);

}  // namespace nn

#endif  // NN_DATA_DATASET_H_
