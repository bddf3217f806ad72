#include "examples/mnist/classifier.h"

#include <algorithm>
#include <filesystem>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "autograd/grad.h"
#include "autograd/grad_mode.h"
#include "autograd/io/safetensors.h"
#include "autograd/ops/loss.h"
#include "autograd/ops/pool.h"
#include "autograd/ops/select.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/slice.h"
#include "examples/common/progress_bar.h"
#include "examples/mnist/data.h"
#include "examples/mnist/model.h"
#include "examples/mnist/run.h"
#include "nn/data/augment.h"
#include "nn/data/data_loader.h"
#include "nn/optim/adam.h"
#include "nn/optim/finite.h"
#include "nn/optim/schedule.h"
#include "nn/parameter_buffer.h"
#include "nn/weights.h"

namespace examples::mnist {

using autograd::Tensor;

namespace {

constexpr int64_t kEpochs = 5;
constexpr int64_t kBatch = 128;
constexpr double kLearningRate = 2e-3;
// Digits are moved by up to so many pixels, which is worth more than more epochs.
constexpr int64_t kShift = 2;
constexpr int64_t kGroups = 8;
constexpr double kDropout = .25;
// Of the image after two halvings.
constexpr int64_t kSide = kImageSize / 4;

constexpr char kProgramKey[] = "program", kProgram[] = "mnist";
constexpr char kKindKey[] = "kind", kKind[] = "classifier";
constexpr char kDataKey[] = "data";

nn::Conv2dOptions Padded() { return {.padding = {1, 1}}; }

const nn::ActivationSpec kRelu = {nn::Activation::kRelu};

// Digits of labelled images, and the model's images of them, batch by batch.
template <class Visit>
void ForEachBatch(const nn::LabelledImages& data, Visit visit) {
  const nn::ImageDataset dataset(data);
  for (int64_t begin = 0; begin < dataset.size(); begin += kBatch) {
    std::vector<int64_t> indices(static_cast<size_t>(std::min(kBatch, dataset.size() - begin)));
    std::iota(indices.begin(), indices.end(), begin);
    visit(dataset.Fetch(indices));
  }
}

void TrainClassifier(Classifier& classifier, const nn::LabelledImages& images) {
  nn::ParameterBuffer parameters(classifier);
  nn::AdamW optimizer(parameters, {.learning_rate = kLearningRate});
  nn::DataLoaderOptions options = {
      .batch_size = std::min(kBatch, images.labels.size(0)), .shuffle = true, .drop_last = true};
  options.transform = [](std::vector<Tensor>& batch, autograd::Generator& generator) {
    batch[0] = nn::RandomShift(batch[0], kShift, generator, -1);
  };
  nn::DataLoader loader(std::make_shared<nn::ImageDataset>(images), options);
  const int64_t iterations = kEpochs * loader.batches_per_epoch();
  const nn::Schedule rate = nn::CosineSchedule(kLearningRate, iterations);
  ProgressBar progress("training the classifier", iterations);
  for (int64_t i = 0; i < iterations; ++i) {
    const std::vector<Tensor> batch = loader.Next();
    optimizer.set_learning_rate(rate(i));
    optimizer.ZeroGrad();
    const Tensor loss = CrossEntropy(classifier.Scores(classifier.Features(batch[0])), batch[1]);
    Backward(loss);
    nn::CheckFiniteLoss(loss.item(), i, parameters);
    optimizer.Step();
    progress.Update(i + 1, loss.item());
  }
  progress.Finish();
}

double TestAccuracy(const Classifier& classifier, const nn::LabelledImages& images) {
  std::vector<int64_t> classes;
  ForEachBatch(images, [&](const std::vector<Tensor>& batch) {
    const std::vector<int64_t> judged = Judge(classifier, batch[0]).classes;
    classes.insert(classes.end(), judged.begin(), judged.end());
  });
  return Accuracy(classes, images.labels.ToVector<int64_t>());
}

absl::Status Load(const std::string& path, const std::string& data, Classifier& classifier,
                  bool& fits) {
  const absl::StatusOr<autograd::SafetensorsFile> file = autograd::ReadSafetensors(path);
  if (!file.ok()) return file.status();
  const auto value = [&file](const char* key) {
    const auto found = file->metadata.find(key);
    return found == file->metadata.end() ? std::string() : found->second;
  };
  if (value(kProgramKey) != kProgram || value(kKindKey) != kKind) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": not a classifier of this program; move it away to train one"));
  }
  fits = value(kDataKey) == data;
  if (!fits) return absl::OkStatus();
  const absl::Status status = nn::LoadFileLayout(classifier, file->tensors);
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(path, ": ", std::string(status.message())));
}

}  // namespace

Classifier::Classifier(autograd::Generator& generator)
    : conv1_(1, 32, 3, generator, Padded()),
      conv2_(32, 64, 3, generator, Padded()),
      conv3_(64, 64, 3, generator, Padded()),
      norm1_(kGroups, 32),
      norm2_(kGroups, 64),
      norm3_(kGroups, 64),
      hidden_(
          kSide * kSide * 64, kFeatures, generator,
          {.activation = kRelu, .weight_layout = nn::FileLayout::FlattenedImage(kSide, kSide, 64)}),
      dropped_(generator.state().seed, kDropoutStream),
      dropout_(kDropout, dropped_),
      last_(kFeatures, kDigits, generator) {
  RegisterModule("conv1", conv1_);
  RegisterModule("norm1", norm1_);
  RegisterModule("conv2", conv2_);
  RegisterModule("norm2", norm2_);
  RegisterModule("conv3", conv3_);
  RegisterModule("norm3", norm3_);
  RegisterModule("hidden", hidden_);
  RegisterModule("dropout", dropout_);
  RegisterModule("last", last_);
}

Tensor Classifier::Features(const Tensor& images) const {
  Tensor x = MaxPool2d(norm1_.ForwardThen(conv1_.Forward(images), kRelu));  // 14 x 14
  x = MaxPool2d(norm2_.ForwardThen(conv2_.Forward(x), kRelu));              // 7 x 7
  x = norm3_.ForwardThen(conv3_.Forward(x), kRelu);
  return hidden_.Forward(Reshape(x, {x.size(0), kSide * kSide * 64}));
}

Tensor Classifier::Scores(const Tensor& features) const {
  return last_.Forward(dropout_.Forward(features));
}

Judgement Judge(const Classifier& classifier, const Tensor& images) {
  const autograd::NoGrad guard;
  Judgement judgement;
  for (int64_t begin = 0; begin < images.size(0); begin += kBatch) {
    const Tensor part = Slice(images, 0, begin, std::min(images.size(0), begin + kBatch));
    const Tensor features = classifier.Features(Clamp(part, -1, 1));
    const Tensor scores = classifier.Scores(features);
    const std::span<const float> values = features.span<float>(), rows = scores.span<float>();
    judgement.features.insert(judgement.features.end(), values.begin(), values.end());
    for (size_t row = 0; row < rows.size(); row += kDigits) {
      const auto first = rows.begin() + static_cast<int64_t>(row);
      judgement.classes.push_back(std::max_element(first, first + kDigits) - first);
    }
  }
  return judgement;
}

double Accuracy(const std::vector<int64_t>& classes, const std::vector<int64_t>& digits) {
  int64_t right = 0;
  for (size_t i = 0; i < classes.size(); ++i) right += classes[i] == digits[i] ? 1 : 0;
  return static_cast<double>(right) / static_cast<double>(classes.size());
}

absl::StatusOr<TrainedClassifier> ClassifierFor(const nn::Mnist& data, const std::string& path,
                                                const std::string& published) {
  autograd::Generator generator(0, kClassifierStream);
  TrainedClassifier trained{std::make_unique<Classifier>(generator)};
  const std::string fingerprint = Fingerprint(data.train);
  bool fits = false;
  for (const std::string& file : {path, published}) {
    if (fits || !std::filesystem::exists(file)) continue;
    absl::Status status = Load(file, fingerprint, *trained.classifier, fits);
    if (!status.ok()) return status;
  }
  trained.is_new = !fits;
  if (trained.is_new) TrainClassifier(*trained.classifier, data.train);
  trained.classifier->Eval();
  trained.accuracy = TestAccuracy(*trained.classifier, data.test);
  return trained;
}

absl::Status SaveClassifier(const Classifier& classifier, const nn::Mnist& data,
                            const std::string& path) {
  return nn::SaveWeights(
      path, classifier,
      {{kProgramKey, kProgram}, {kKindKey, kKind}, {kDataKey, Fingerprint(data.train)}});
}

}  // namespace examples::mnist
