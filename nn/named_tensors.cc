#include "nn/named_tensors.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "autograd/grad_mode.h"
#include "autograd/ops/inplace.h"

namespace nn {
namespace {

// "; missing: a, b", or nothing for an empty list.
std::string Listed(const char* what, const std::vector<std::string>& names) {
  if (names.empty()) return "";
  return absl::StrCat("; ", what, ": ", absl::StrJoin(names, ", "));
}

}  // namespace

Tensor FindTensor(const NamedTensors& tensors, const std::string& name) {
  for (const auto& [own_name, tensor] : tensors) {
    if (own_name == name) return tensor;
  }
  return Tensor();
}

NamedTensors WithoutPrefix(const NamedTensors& tensors, const std::string& prefix) {
  NamedTensors result;
  for (const auto& [name, tensor] : tensors) {
    if (name.starts_with(prefix)) result.emplace_back(name.substr(prefix.size()), tensor);
  }
  return result;
}

NamedTensors WithPrefix(const NamedTensors& tensors, const std::string& prefix) {
  NamedTensors result;
  for (const auto& [name, tensor] : tensors) {
    result.emplace_back(prefix + name, tensor);
  }
  return result;
}

absl::Status CopyNamedTensors(const NamedTensors& from, const NamedTensors& to) {
  std::vector<std::string> missing, unexpected, twice, different;
  std::map<std::string, const Tensor*> sources;
  for (const auto& [name, tensor] : from) {
    if (!sources.emplace(name, &tensor).second) twice.push_back(name);
  }
  std::map<std::string, const Tensor*> targets;
  for (const auto& [name, tensor] : to) {
    targets.emplace(name, &tensor);
    const auto source = sources.find(name);
    if (source == sources.end()) {
      missing.push_back(name);
    } else if (source->second->shape() != tensor.shape() ||
               source->second->dtype() != tensor.dtype()) {
      different.push_back(
          absl::StrCat(name, " is ", Describe(tensor), ", given ", Describe(*source->second)));
    }
  }
  for (const auto& [name, tensor] : from) {
    if (!targets.contains(name)) unexpected.push_back(name);
  }
  const std::string problems = Listed("missing", missing) + Listed("unexpected", unexpected) +
                               Listed("given twice", twice) + Listed("different", different);
  if (!problems.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("the state does not fit", problems));
  }
  const autograd::NoGrad guard;
  for (const auto& [name, tensor] : to) {
    Tensor target = tensor;
    CopyInPlace(target, *sources[name]);
  }
  return absl::OkStatus();
}

}  // namespace nn
