#include "examples/mnist/checkpoint.h"

#include <zlib.h>

#include <filesystem>
#include <map>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "autograd/dtype.h"
#include "autograd/ops/cast.h"
#include "autograd/ops/creation.h"
#include "autograd/ops/shape.h"
#include "nn/weights.h"

namespace examples::mnist {
namespace {

using autograd::DType;
using autograd::SafetensorsFile;
using autograd::Tensor;
using nn::NamedTensors;
using Metadata = std::map<std::string, std::string>;

constexpr char kProgramKey[] = "program", kProgram[] = "mnist";
constexpr char kKindKey[] = "kind", kCheckpoint[] = "checkpoint", kModel[] = "model";
constexpr char kChecksumKey[] = "crc32";
constexpr char kWeightsKey[] = "weights", kAveraged[] = "ema", kLast[] = "last";
constexpr char kWeightsPrefix[] = "weights.", kEmaPrefix[] = "ema.",
               kOptimizerPrefix[] = "optimizer.";
constexpr char kGenerator[] = "generator.state", kLoader[] = "loader.position",
               kLosses[] = "progress.losses", kTestLosses[] = "progress.test_losses";

absl::Status Error(const std::string& path, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", what));
}

absl::Status At(const std::string& path, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(path, ": ", std::string(status.message())));
}

void Append(NamedTensors& list, const NamedTensors& more) {
  list.insert(list.end(), more.begin(), more.end());
}

template <class T>
Tensor Row(const std::vector<T>& values) {
  return Tensor::FromVector(values, {static_cast<int64_t>(values.size())});
}

// A tensor of one axis of type T; InvalidArgument if there is none of the name, or of another kind
// or, unless `count` is -1, of another length.
template <class T>
absl::StatusOr<std::vector<T>> ReadRow(const SafetensorsFile& file, const std::string& name,
                                       int64_t count = -1) {
  const Tensor tensor = nn::FindTensor(file.tensors, name);
  if (!tensor.defined()) return absl::InvalidArgumentError(absl::StrCat("it has no ", name));
  if (tensor.dtype() != autograd::DTypeOf<T> || tensor.rank() != 1 ||
      (count >= 0 && tensor.size(0) != count)) {
    return absl::InvalidArgumentError(absl::StrCat(name, " is ", Describe(tensor)));
  }
  return tensor.ToVector<T>();
}

// An error unless the file is this program's and holds a flow model, or has no metadata at all.
absl::Status CheckProgram(const SafetensorsFile& file, const std::string& path) {
  const auto program = file.metadata.find(kProgramKey);
  if (program != file.metadata.end() && program->second != kProgram) {
    return Error(path, absl::StrCat("a file of the program ", program->second, ", not of mnist"));
  }
  if (program == file.metadata.end() &&
      !nn::FindTensor(file.tensors, "class_emb.weight").defined()) {
    return Error(path, "not a model of this program: it has no class_emb.weight");
  }
  const auto kind = file.metadata.find(kKindKey);
  if (kind != file.metadata.end() && kind->second != kCheckpoint && kind->second != kModel) {
    return Error(path, absl::StrCat("a ", kind->second, " of this program, not a flow model"));
  }
  return absl::OkStatus();
}

// Of the bytes of all tensors in the order of their names; a changed bit in a weight shows nowhere
// else.
std::string Checksum(const NamedTensors& tensors) {
  const std::map<std::string, Tensor> sorted(tensors.begin(), tensors.end());
  uLong sum = crc32_z(0, nullptr, 0);
  for (const auto& [name, tensor] : sorted) {
    const Tensor dense = Contiguous(tensor);
    if (dense.numel() == 0) continue;
    const size_t bytes = static_cast<size_t>(dense.numel()) * autograd::ItemSize(dense.dtype());
    sum = crc32_z(sum, reinterpret_cast<const Bytef*>(dense.raw<std::byte>()), bytes);
  }
  return absl::StrFormat("%08x", sum);
}

// A file of this program, or one with bare names as PyTorch saves it, undamaged.
absl::StatusOr<SafetensorsFile> ReadOwn(const std::string& path) {
  absl::StatusOr<SafetensorsFile> file = autograd::ReadSafetensors(path);
  if (!file.ok()) return file.status();
  if (absl::Status status = CheckProgram(*file, path); !status.ok()) return status;
  const auto checksum = file->metadata.find(kChecksumKey);
  if (checksum != file->metadata.end() && checksum->second != Checksum(file->tensors)) {
    return Error(path, "damaged: its numbers are not those that were written (crc32)");
  }
  return file;
}

bool IsCheckpoint(const SafetensorsFile& file) {
  const auto kind = file.metadata.find(kKindKey);
  return kind != file.metadata.end() && kind->second == kCheckpoint;
}

absl::Status RestoreProgress(const SafetensorsFile& file, nn::DataLoader& loader,
                             TrainingRun& run) {
  const auto generator = ReadRow<int64_t>(file, kGenerator, 3);
  const auto position = ReadRow<int64_t>(file, kLoader, 2);
  const auto losses = ReadRow<float>(file, kLosses);
  const auto test_losses = ReadRow<float>(file, kTestLosses);
  for (const absl::Status& status :
       {generator.status(), position.status(), losses.status(), test_losses.status()}) {
    if (!status.ok()) return status;
  }
  run.generator.set_state({static_cast<uint64_t>((*generator)[0]),
                           static_cast<uint64_t>((*generator)[1]),
                           static_cast<uint64_t>((*generator)[2])});
  run.losses = *losses;
  run.test_losses = *test_losses;
  const nn::DataLoader::Position place = {.epoch = (*position)[0], .batch = (*position)[1]};
  const int64_t per_epoch = loader.batches_per_epoch();
  const int64_t epochs = run.iteration() / per_epoch;
  // The last epoch's tests may be missing: Ctrl-C can come between.
  const bool consistent = place.epoch == epochs && place.batch == run.iteration() % per_epoch &&
                          (run.finished_epochs() == epochs ||
                           (place.batch == 0 && run.finished_epochs() == epochs - 1));
  if (!consistent) {
    return absl::InvalidArgumentError(absl::StrCat(
        kLoader, " is epoch ", place.epoch, ", batch ", place.batch, ", which does not fit ",
        run.iteration(), " losses of ", run.finished_epochs(), " finished epochs"));
  }
  return loader.Seek(place);
}

// The tensors of a file that are the model's parameters, under bare names.
absl::StatusOr<NamedTensors> Weights(const SafetensorsFile& file, const ModelChoice& choice,
                                     bool& averaged) {
  if (!IsCheckpoint(file)) {
    const auto weights = file.metadata.find(kWeightsKey);
    averaged = weights != file.metadata.end() && weights->second == kAveraged;
    if (choice.use_ema.has_value() && *choice.use_ema != averaged) {
      return Error(choice.path, averaged ? "--use_ema=false, but it has only averaged weights"
                                         : "--use_ema, but its weights are not averaged");
    }
    return file.tensors;
  }
  NamedTensors average;
  for (auto& entry : nn::WithoutPrefix(file.tensors, kEmaPrefix)) {
    if (entry.first != "num_updates") average.push_back(entry);
  }
  if (choice.use_ema.value_or(false) && average.empty()) {
    return Error(choice.path, "--use_ema, but it has no averaged weights");
  }
  averaged = choice.use_ema.value_or(true) && !average.empty();
  return averaged ? average : nn::WithoutPrefix(file.tensors, kWeightsPrefix);
}

}  // namespace

absl::Status SaveCheckpoint(const TrainingRun& run, const nn::DataLoader& loader,
                            const std::string& path) {
  const autograd::Generator::State state = run.generator.state();
  SafetensorsFile file;
  Append(file.tensors, nn::WithPrefix(nn::ToFileLayout(*run.model), kWeightsPrefix));
  if (run.ema.has_value()) {
    Append(file.tensors,
           nn::WithPrefix(nn::ToFileLayout(*run.model, run.ema->StateDict()), kEmaPrefix));
  }
  Append(file.tensors,
         nn::WithPrefix(nn::ToFileLayout(*run.model, run.optimizer.StateDict()), kOptimizerPrefix));
  Append(file.tensors, {{kGenerator, Row<int64_t>({static_cast<int64_t>(state.seed),
                                                   static_cast<int64_t>(state.stream),
                                                   static_cast<int64_t>(state.position)})},
                        {kLoader, Row<int64_t>({loader.position().epoch, loader.position().batch})},
                        {kLosses, Row(run.losses)},
                        {kTestLosses, Row(run.test_losses)}});
  file.metadata = SettingsMetadata(run.settings);
  file.metadata[kProgramKey] = kProgram;
  file.metadata[kKindKey] = kCheckpoint;
  file.metadata[kChecksumKey] = Checksum(file.tensors);
  return autograd::WriteSafetensors(path, file);
}

absl::Status SaveModel(const TrainingRun& run, const std::string& path) {
  SafetensorsFile file;
  file.tensors = run.ema.has_value() ? nn::ToFileLayout(*run.model, run.ema->NamedParameters())
                                     : nn::ToFileLayout(*run.model);
  file.metadata = SettingsMetadata(run.settings);
  file.metadata[kProgramKey] = kProgram;
  file.metadata[kKindKey] = kModel;
  file.metadata[kWeightsKey] = run.ema.has_value() ? kAveraged : kLast;
  file.metadata["iterations"] = absl::StrCat(run.iteration());
  file.metadata[kChecksumKey] = Checksum(file.tensors);
  return autograd::WriteSafetensors(path, file);
}

absl::StatusOr<SafetensorsFile> ReadCheckpoint(const std::string& path) {
  absl::StatusOr<SafetensorsFile> file = ReadOwn(path);
  if (file.ok() && !IsCheckpoint(*file)) {
    return Error(path, "a model without the state of a run; only a checkpoint can be continued");
  }
  return file;
}

absl::Status RestoreRun(const SafetensorsFile& file, const std::string& path,
                        nn::DataLoader& loader, TrainingRun& run) {
  const auto part = [&file](const char* prefix) { return nn::WithoutPrefix(file.tensors, prefix); };
  absl::Status status = nn::LoadFileLayout(*run.model, part(kWeightsPrefix));
  if (status.ok() && run.ema.has_value()) {
    status = nn::LoadFileLayout(*run.model, part(kEmaPrefix), run.ema->StateDict());
  }
  if (status.ok()) {
    status = nn::LoadFileLayout(*run.model, part(kOptimizerPrefix), run.optimizer.StateDict());
  }
  if (status.ok()) status = RestoreProgress(file, loader, run);
  return At(path, status);
}

absl::StatusOr<LoadedModel> LoadModel(const ModelChoice& choice) {
  std::error_code error;
  if (choice.published && !std::filesystem::exists(choice.path, error)) {
    return absl::NotFoundError(
        absl::StrCat(choice.path,
                     ", the model that comes with the program, is not there; train one, or name a "
                     "file with --checkpoint"));
  }
  const absl::StatusOr<SafetensorsFile> file = ReadOwn(choice.path);
  if (!file.ok()) return file.status();
  LoadedModel loaded;
  loaded.architecture = {{32, 64, 64}};
  if (file->metadata.count(kProgramKey) > 0) {
    const absl::StatusOr<Architecture> stated = ArchitectureFrom(file->metadata);
    if (!stated.ok()) return At(choice.path, stated.status());
    loaded.architecture = *stated;
  }
  absl::StatusOr<NamedTensors> weights = Weights(*file, choice, loaded.averaged);
  if (!weights.ok()) return weights.status();
  for (auto& [name, tensor] : *weights) {
    if (tensor.dtype() == DType::kBF16) tensor = Cast(tensor, DType::kF32);
  }
  autograd::Generator generator(0, kInitStream);
  loaded.model = MakeModel(loaded.architecture, generator);
  loaded.model->Eval();
  if (absl::Status status = nn::LoadFileLayout(*loaded.model, *weights); !status.ok()) {
    return At(choice.path, status);
  }
  return loaded;
}

absl::Status ExportModel(const LoadedModel& model, DType dtype, const std::string& path) {
  SafetensorsFile file;
  for (const auto& [name, tensor] : nn::ToFileLayout(*model.model)) {
    file.tensors.emplace_back(name, Cast(tensor, dtype));
  }
  file.metadata = ArchitectureMetadata(model.architecture);
  file.metadata[kProgramKey] = kProgram;
  file.metadata[kKindKey] = kModel;
  file.metadata[kWeightsKey] = model.averaged ? kAveraged : kLast;
  file.metadata[kChecksumKey] = Checksum(file.tensors);
  return autograd::WriteSafetensors(path, file);
}

}  // namespace examples::mnist
