// Module: a part of a network that has parameters, and the base class of every layer and model.
//
// A module is an ordinary C++ class. Its constructor registers, under the names PyTorch uses, what
// it is made of: parameters (trained), buffers (other state, such as running statistics) and child
// modules, which are plain members. The computation is a member function, Forward by convention,
// with whatever arguments the model needs; nothing is looked up by name when it runs.
//
// Example:
//   class Mlp : public Module {
//    public:
//     explicit Mlp(Generator& generator) : in_(3, 64, generator), out_(64, 2, generator) {
//       RegisterModule("in", in_);
//       RegisterModule("out", out_);
//     }
//     Tensor Forward(const Tensor& x) const { return out_.Forward(Silu(in_.Forward(x))); }
//
//    private:
//     nn::Linear in_, out_;
//   };
//   Generator generator(1);
//   Mlp mlp(generator);
//   for (const auto& [name, tensor] : mlp.NamedParameters()) {
//     std::cout << name << " " << tensor.shape().ToString() << "\n";  // in.weight [64, 3] ...
//   }
#ifndef NN_MODULE_H_
#define NN_MODULE_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "autograd/tensor.h"
#include "nn/file_layout.h"
#include "nn/named_tensors.h"

namespace nn {

// Modules are known to their parent by address, so they are neither copied nor moved. A function
// that makes one returns it as a temporary, or behind a std::unique_ptr.
class Module {
 public:
  Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  virtual ~Module() = default;

  // All parameters, this module's first, then those of its children, in order of registration. A
  // parameter that several modules share is listed once, under its first name.
  std::vector<Tensor> Parameters() const;
  NamedTensors NamedParameters() const;
  // Number of elements in all of them.
  int64_t ParameterCount() const;
  // All buffers, in the same order.
  NamedTensors NamedBuffers() const;
  // This module (under the name "") and all modules below it, parents first.
  std::vector<std::pair<std::string, const Module*>> NamedModules() const;

  // All parameters and buffers, module by module: the names and the order of PyTorch's state_dict.
  // The tensors share the module's memory but have no gradients; shared parameters are there under
  // each of their names.
  NamedTensors StateDict() const;
  // The layout in files of every parameter and buffer, in the order and under the names of
  // StateDict; see nn/weights.h, which applies them.
  std::vector<std::pair<std::string, FileLayout>> FileLayouts() const;
  // Copies in what another state dict holds. InvalidArgument, listing every name that is missing,
  // unexpected or of another shape or dtype, if it does not fit exactly; then nothing is changed.
  absl::Status LoadStateDict(const NamedTensors& state);

  // Switches this module and all below it between training and evaluation, which matters to layers
  // such as dropout and batch normalisation. New modules are in training.
  void Train(bool training = true);
  void Eval() { Train(false); }
  bool training() const { return training_; }

 protected:
  // These throw std::invalid_argument for a name that is empty, contains a dot, or is taken.

  // Makes `value`, a floating-point tensor, a leaf that collects gradients, and returns it. The
  // same tensor may be registered in several modules that share it. `layout` says how its elements
  // are ordered in files; std::invalid_argument too for one that does not fit the shape.
  Tensor RegisterParameter(std::string name, Tensor value, const FileLayout& layout = {});
  // State that is saved but not trained. Change it in place only, so that the handle stays valid.
  Tensor RegisterBuffer(std::string name, Tensor value);
  // A member of this module, or something else that lives as long.
  void RegisterModule(std::string name, Module& module);

 private:
  void CheckName(const std::string& name) const;
  template <class Visit>
  void ForEachModule(const std::string& prefix, Visit visit) const;

  NamedTensors parameters_;
  std::vector<FileLayout> layouts_;  // of parameters_
  NamedTensors buffers_;
  std::vector<std::pair<std::string, Module*>> modules_;
  bool training_ = true;
};

}  // namespace nn

#endif  // NN_MODULE_H_
