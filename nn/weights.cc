#include "nn/weights.h"

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "autograd/grad_mode.h"
#include "autograd/io/safetensors.h"
#include "autograd/ops/inplace.h"

namespace nn {
namespace {

// What the names of tensors say about their layouts.
class Layouts {
 public:
  explicit Layouts(const Module& module) {
    const NamedTensors state = module.StateDict();
    const auto layouts = module.FileLayouts();
    for (size_t i = 0; i < state.size(); ++i) {
      if (layouts[i].second.kind() == FileLayout::kAsIs) continue;
      entries_.emplace(layouts[i].first, Entry{layouts[i].second, state[i].second.shape()});
    }
  }

  // The layout of the tensor called `name` whose shape in memory is `shape`.
  FileLayout Of(const std::string& name, const autograd::Shape& shape) const {
    auto entry = entries_.find(name);
    if (entry == entries_.end()) entry = entries_.find(name.substr(0, name.rfind('.')));
    if (entry == entries_.end() || entry->second.shape != shape) return {};
    return entry->second.layout;
  }

 private:
  struct Entry {
    FileLayout layout;
    autograd::Shape shape;  // in memory
  };
  std::map<std::string, Entry> entries_;
};

NamedTensors Convert(const Layouts& layouts, const NamedTensors& tensors) {
  NamedTensors result;
  for (const auto& [name, tensor] : tensors) {
    const FileLayout layout = layouts.Of(name, tensor.shape());
    result.emplace_back(name, layout.kind() == FileLayout::kAsIs ? Clone(tensor.Detach())
                                                                 : layout.ToFile(tensor.Detach()));
  }
  return result;
}

}  // namespace

NamedTensors ToFileLayout(const Module& module) { return ToFileLayout(module, module.StateDict()); }

NamedTensors ToFileLayout(const Module& module, const NamedTensors& tensors) {
  return Convert(Layouts(module), tensors);
}

absl::Status LoadFileLayout(Module& module, const NamedTensors& state) {
  return LoadFileLayout(module, state, module.StateDict());
}

absl::Status LoadFileLayout(const Module& module, const NamedTensors& state,
                            const NamedTensors& into) {
  const Layouts layouts(module);
  // By way of a copy in the layout of files, so that what does not fit is told in its shapes.
  const NamedTensors copies = Convert(layouts, into);
  const absl::Status fits = CopyNamedTensors(state, copies);
  if (!fits.ok()) return fits;
  const autograd::NoGrad guard;
  for (size_t i = 0; i < into.size(); ++i) {
    Tensor target = into[i].second;
    CopyInPlace(target, layouts.Of(into[i].first, target.shape()).FromFile(copies[i].second));
  }
  return absl::OkStatus();
}

absl::Status SaveWeights(const std::string& path, const Module& module,
                         const std::map<std::string, std::string>& metadata) {
  return autograd::WriteSafetensors(path, {ToFileLayout(module), metadata});
}

absl::Status LoadWeights(const std::string& path, Module& module) {
  const absl::StatusOr<autograd::SafetensorsFile> file = autograd::ReadSafetensors(path);
  if (!file.ok()) return file.status();
  const absl::Status status = LoadFileLayout(module, file->tensors);
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(path, ": ", status.message()));
}

}  // namespace nn
