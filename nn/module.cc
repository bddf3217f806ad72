#include "nn/module.h"

#include <algorithm>
#include <stdexcept>

#include "absl/strings/str_cat.h"

namespace nn {

// Calls visit(prefix, module) for this module and all below it, parents first; prefix is the path
// to the module with a dot at its end, or "".
template <class Visit>
void Module::ForEachModule(const std::string& prefix, Visit visit) const {
  visit(prefix, *this);
  for (const auto& [name, module] : modules_) {
    module->ForEachModule(absl::StrCat(prefix, name, "."), visit);
  }
}

NamedTensors Module::NamedParameters() const {
  NamedTensors result;
  ForEachModule("", [&result](const std::string& prefix, const Module& module) {
    for (const auto& [name, tensor] : module.parameters_) {
      const bool listed = std::any_of(
          result.begin(), result.end(),
          [&tensor = tensor](const auto& other) { return other.second.IsSame(tensor); });
      if (!listed) result.emplace_back(prefix + name, tensor);
    }
  });
  return result;
}

std::vector<Tensor> Module::Parameters() const {
  std::vector<Tensor> result;
  for (auto& [name, tensor] : NamedParameters()) result.push_back(std::move(tensor));
  return result;
}

int64_t Module::ParameterCount() const {
  int64_t count = 0;
  for (const auto& [name, tensor] : NamedParameters()) count += tensor.numel();
  return count;
}

NamedTensors Module::NamedBuffers() const {
  NamedTensors result;
  ForEachModule("", [&result](const std::string& prefix, const Module& module) {
    for (const auto& [name, tensor] : module.buffers_) result.emplace_back(prefix + name, tensor);
  });
  return result;
}

std::vector<std::pair<std::string, const Module*>> Module::NamedModules() const {
  std::vector<std::pair<std::string, const Module*>> result;
  ForEachModule("", [&result](const std::string& prefix, const Module& module) {
    result.emplace_back(prefix.substr(0, prefix.empty() ? 0 : prefix.size() - 1), &module);
  });
  return result;
}

NamedTensors Module::StateDict() const {
  NamedTensors result;
  ForEachModule("", [&result](const std::string& prefix, const Module& module) {
    for (const NamedTensors* list : {&module.parameters_, &module.buffers_}) {
      for (const auto& [name, tensor] : *list) result.emplace_back(prefix + name, tensor.Detach());
    }
  });
  return result;
}

std::vector<std::pair<std::string, FileLayout>> Module::FileLayouts() const {
  std::vector<std::pair<std::string, FileLayout>> result;
  ForEachModule("", [&result](const std::string& prefix, const Module& module) {
    for (size_t i = 0; i < module.parameters_.size(); ++i) {
      result.emplace_back(prefix + module.parameters_[i].first, module.layouts_[i]);
    }
    for (const auto& [name, tensor] : module.buffers_) {
      result.emplace_back(prefix + name, FileLayout());
    }
  });
  return result;
}

absl::Status Module::LoadStateDict(const NamedTensors& state) {
  return CopyNamedTensors(state, StateDict());
}

void Module::Train(bool training) {
  training_ = training;
  for (const auto& [name, module] : modules_) module->Train(training);
}

void Module::CheckName(const std::string& name) const {
  const auto taken = [&name](const auto& entries) {
    return std::any_of(entries.begin(), entries.end(),
                       [&name](const auto& entry) { return entry.first == name; });
  };
  if (name.empty() || name.find('.') != std::string::npos) {
    throw std::invalid_argument("Module: the name \"" + name + "\" is empty or contains a dot");
  }
  if (taken(parameters_) || taken(buffers_) || taken(modules_)) {
    throw std::invalid_argument("Module: the name \"" + name + "\" is registered already");
  }
}

Tensor Module::RegisterParameter(std::string name, Tensor value, const FileLayout& layout) {
  CheckName(name);
  if (!value.defined()) {
    throw std::invalid_argument("Module: the parameter \"" + name + "\" is undefined");
  }
  if (!layout.Fits(value.shape())) {
    throw std::invalid_argument("Module: the layout of the parameter \"" + name +
                                "\" does not fit its shape " + value.shape().ToString());
  }
  value.set_requires_grad(true);
  parameters_.emplace_back(std::move(name), value);
  layouts_.push_back(layout);
  return value;
}

Tensor Module::RegisterBuffer(std::string name, Tensor value) {
  CheckName(name);
  if (!value.defined()) {
    throw std::invalid_argument("Module: the buffer \"" + name + "\" is undefined");
  }
  buffers_.emplace_back(std::move(name), value);
  return value;
}

void Module::RegisterModule(std::string name, Module& module) {
  CheckName(name);
  modules_.emplace_back(std::move(name), &module);
}

}  // namespace nn
