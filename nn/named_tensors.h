// Named tensors: the contents of a model, an optimiser or a checkpoint, in a fixed order.
//
// Names are PyTorch's, with dots between levels ("net.0.weight"). What a model or an optimiser
// hands out as its state are handles to its own memory; copying into it is strict, so a state of
// another architecture is refused as a whole, with a list of what does not fit.
//
// Example:
//   NamedTensors mine = {{"weight", Tensor::FromVector<float>({1, 2}, {2})}};
//   NamedTensors other = {{"weight", Tensor::FromVector<float>({3, 4}, {2})}};
//   absl::Status status = CopyNamedTensors(other, mine);
//   std::cout << mine[0].second << status << "\n";  // [3, 4] OK
#ifndef NN_NAMED_TENSORS_H_
#define NN_NAMED_TENSORS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "autograd/tensor.h"

namespace nn {

using autograd::Tensor;

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

// The tensor of this name; undefined if there is none.
Tensor FindTensor(const NamedTensors& tensors, const std::string& name);

// Those whose name starts with `prefix`, without it: one part of a checkpoint.
NamedTensors WithoutPrefix(const NamedTensors& tensors, const std::string& prefix);

// The same tensors with `prefix` before each name.
NamedTensors WithPrefix(const NamedTensors& tensors, const std::string& prefix);

// Copies the elements of each tensor of `from` into the tensor of the same name in `to`, whose
// order may differ. InvalidArgument, listing all names that are missing, unexpected, there twice,
// or of another shape or dtype, unless both have the same names, shapes and dtypes; then nothing
// is copied.
absl::Status CopyNamedTensors(const NamedTensors& from, const NamedTensors& to);

}  // namespace nn

#endif  // NN_NAMED_TENSORS_H_
