// ParameterBuffer: all parameters of a model in one array, and their gradients in another.
//
// Clipping, an optimiser's step and a moving average are then one pass over a few arrays, whatever
// the number of layers. The parameters stay the tensors the model knows: each becomes a slice of
// the buffer, with a version counter of its own, and Backward leaves its gradient in the slice of
// the other buffer (without filling it with zeros first, and for fused operations without a copy).
//
// Make it once, after the model has its parameters and before an optimiser needs them. It must
// outlive the optimisers and averages made over it. Slices start at multiples of 64 bytes; what
// lies between them is zero and stays zero.
//
// Example:
//   Generator generator(1);
//   nn::Linear model(3, 2, generator);
//   ParameterBuffer parameters(model);
//   Backward(Sum(Square(model.Forward(Ones({5, 3})))));
//   std::cout << parameters.gradients() << "\n";
//   parameters.ZeroGrad();
#ifndef NN_PARAMETER_BUFFER_H_
#define NN_PARAMETER_BUFFER_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "autograd/tensor.h"
#include "nn/module.h"

namespace nn {

class ParameterBuffer {
 public:
  // One parameter and where it lies: elements [begin, begin + parameter.numel()).
  struct Entry {
    std::string name;
    Tensor parameter;
    int64_t begin;
    Tensor gradient;  // its slice of gradients()
  };

  // Moves the parameters of a model, or those given. Views of them taken before, and tensors saved
  // by graphs recorded before, keep the old memory. Throws std::invalid_argument if there are none,
  // or if they are not all f32 or all f64.
  explicit ParameterBuffer(const Module& module);
  explicit ParameterBuffer(const NamedTensors& parameters);
  ParameterBuffer(const ParameterBuffer&) = delete;
  ParameterBuffer& operator=(const ParameterBuffer&) = delete;

  std::span<const Entry> entries() const { return entries_; }
  // Elements of the whole buffer, those between the slices included.
  int64_t size() const { return values_.numel(); }
  autograd::DType dtype() const { return values_.dtype(); }

  // The buffers, of shape [size()]. After changing them, call MarkChanged.
  const Tensor& values() const { return values_; }
  const Tensor& gradients() const { return gradients_; }
  // Counts a change in place of every parameter, or of every gradient.
  void MarkChanged();
  void MarkGradientsChanged();

  // Clears the gradients: they become undefined, as before the first Backward. A gradient tensor
  // still held is overwritten by the next one.
  void ZeroGrad();
  // Makes gradients() complete: brings in gradients that lie elsewhere (set by the user, of a
  // parameter with hooks or used several times), and fills the slices of parameters without one
  // with zeros. Optimisers and clipping do it first. Throws std::invalid_argument if another
  // ParameterBuffer has taken a parameter over.
  void GatherGradients();
  // True if entry `index` had a gradient at the last GatherGradients.
  bool HasGradient(size_t index) const { return has_gradient_[index] != 0; }
  // Where entry `index` begins; size() for the number of entries.
  int64_t BeginOf(size_t index) const {
    return index == entries_.size() ? size() : entries_[index].begin;
  }

  // The slice of `flat`, a tensor of shape [size()], that belongs to an entry, in its shape.
  static Tensor SliceFor(const Entry& entry, const Tensor& flat);

 private:
  std::vector<Entry> entries_;
  std::vector<char> has_gradient_;
  Tensor values_;
  Tensor gradients_;
};

}  // namespace nn

#endif  // NN_PARAMETER_BUFFER_H_
