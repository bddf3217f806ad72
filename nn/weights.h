// Weights in files: a model's state under PyTorch's names and in PyTorch's layouts.
//
// In memory a convolution's weight is [out, kh, kw, in], in files [out, in, kh, kw]; each parameter
// says how it differs (nn/file_layout.h). Everything here converts, so a state dict that PyTorch
// saved as safetensors loads, and one saved here loads in PyTorch. What has the parameters' shapes
// without being their state (averages, moments of an optimiser) is converted by their names.
//
// Example:
//   Generator generator(1);
//   nn::Linear model(3, 2, generator);
//   absl::Status saved = SaveWeights("model.safetensors", model, {{"model", "linear"}});
//   absl::Status loaded = LoadWeights("model.safetensors", model);
//   ParameterBuffer parameters(model);
//   Ema ema(parameters, WarmupDecay(0.9999));
//   NamedTensors part = WithPrefix(ToFileLayout(model, ema.StateDict()), "ema.");  // to a checkpoint
//   loaded = LoadFileLayout(model, WithoutPrefix(part, "ema."), ema.StateDict());  // and back
#ifndef NN_WEIGHTS_H_
#define NN_WEIGHTS_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "nn/module.h"
#include "nn/named_tensors.h"

namespace nn {

// Copies of the module's StateDict in the layout of files: names, order and shapes of PyTorch's
// state_dict.
NamedTensors ToFileLayout(const Module& module);

// Copies of other tensors that belong to the module's parameters. One called as a parameter
// ("conv.weight", an average), or as a parameter with more behind a dot ("conv.weight.exp_avg",
// Adam's moment), is reordered as the parameter is if it has the parameter's shape; all others
// ("conv.weight.step", "num_updates") are copied as they are.
NamedTensors ToFileLayout(const Module& module, const NamedTensors& tensors);

// Copies a state in the layout of files into the module. Strict as Module::LoadStateDict:
// InvalidArgument, listing every name that is missing, unexpected or there twice and every
// difference of shape (as in files) or dtype, and then nothing is changed.
absl::Status LoadFileLayout(Module& module, const NamedTensors& state);

// The same into other tensors that belong to the module's parameters, as Ema::StateDict and
// Optimizer::StateDict hand them out: handles to the owner's memory.
absl::Status LoadFileLayout(const Module& module, const NamedTensors& state,
                            const NamedTensors& into);

// Writes the module's state as safetensors, atomically (autograd/io/safetensors.h). Errors are
// those of WriteSafetensors.
absl::Status SaveWeights(const std::string& path, const Module& module,
                         const std::map<std::string, std::string>& metadata = {});

// Reads such a file, PyTorch's or ours, into the module. Errors are those of ReadSafetensors and of
// LoadFileLayout, with the path.
absl::Status LoadWeights(const std::string& path, Module& module);

}  // namespace nn

#endif  // NN_WEIGHTS_H_
