#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "autograd/io/file.h"
#include "autograd/ops/creation.h"
#include "examples/common/command_line.h"
#include "examples/common/paths.h"
#include "examples/common/progress_bar.h"
#include "examples/common/runfiles.h"
#include "examples/mnist/checkpoint.h"
#include "examples/mnist/classifier.h"
#include "examples/mnist/data.h"
#include "examples/mnist/generate.h"
#include "examples/mnist/subcommands.h"
#include "flowmatch/metrics/frechet.h"

namespace examples::mnist {
namespace {

using autograd::Tensor;

// The numbers of the images of each digit.
std::vector<std::vector<int64_t>> ByDigit(const nn::LabelledImages& data) {
  std::vector<std::vector<int64_t>> of_digit(kDigits);
  const std::span<const int64_t> labels = data.labels.span<int64_t>();
  for (size_t i = 0; i < labels.size(); ++i) {
    of_digit[static_cast<size_t>(labels[i])].push_back(static_cast<int64_t>(i));
  }
  return of_digit;
}

// How many images there are of the rarest digit.
int64_t RarestCount(const nn::LabelledImages& data) {
  size_t rarest = static_cast<size_t>(data.images.size(0));
  for (const std::vector<int64_t>& numbers : ByDigit(data)) {
    rarest = std::min(rarest, numbers.size());
  }
  return static_cast<int64_t>(rarest);
}

// The numbers of the first `per_class` images of each digit, digit by digit in turn.
absl::StatusOr<std::vector<int64_t>> Balanced(const nn::LabelledImages& data, int64_t per_class,
                                              const std::string& name) {
  const std::vector<std::vector<int64_t>> of_digit = ByDigit(data);
  std::vector<int64_t> numbers;
  for (size_t digit = 0; digit < of_digit.size(); ++digit) {
    const int64_t found = static_cast<int64_t>(of_digit[digit].size());
    if (found < per_class) {
      return absl::InvalidArgumentError(absl::StrCat("--samples_per_class is ", per_class,
                                                     ", but there are only ", found, " ", name,
                                                     " images of a ", digit));
    }
    numbers.insert(numbers.end(), of_digit[digit].begin(), of_digit[digit].begin() + per_class);
  }
  return numbers;
}

std::vector<int64_t> EachDigit(int64_t per_class) {
  std::vector<int64_t> digits;
  for (int64_t digit = 0; digit < kDigits; ++digit) {
    digits.insert(digits.end(), static_cast<size_t>(per_class), digit);
  }
  return digits;
}

struct Row {
  std::string name;
  double accuracy = 0, frechet = 0, seconds = 0;
};

Row Measure(const std::string& name, const Judgement& judgement, const Judgement& reference,
            const std::vector<int64_t>& digits) {
  return {.name = name,
          .accuracy = Accuracy(judgement.classes, digits),
          .frechet = flowmatch::FrechetDistance(judgement.features, reference.features,
                                                Classifier::kFeatures)};
}

void Print(const Row& row) {
  absl::PrintF("%-32s %11.2f %%  %10.4f", row.name, 100 * row.accuracy, row.frechet);
  row.seconds > 0 ? absl::PrintF("  %8.1f s\n", row.seconds) : absl::PrintF("\n");
  std::fflush(stdout);
}

nlohmann::ordered_json Json(const Row& row) {
  return {{"accuracy", row.accuracy}, {"frechet_distance", row.frechet}};
}

class Evaluation {
 public:
  Evaluation(const EvalOptions& options, const LoadedModel& model, TrainedClassifier classifier)
      : options_(options), model_(model), classifier_(std::move(classifier)) {}

  absl::StatusOr<int> Run(const nn::LabelledImages& train, const nn::LabelledImages& test,
                          const std::vector<int64_t>& train_numbers,
                          const std::vector<int64_t>& test_numbers) {
    const std::vector<int64_t> digits = EachDigit(options_.samples_per_class);
    const Classifier& judge = *classifier_.classifier;
    const Judgement reference = Judge(judge, nn::ImageDataset(test).Fetch(test_numbers)[0]);
    absl::PrintF("%s (%s weights), activations %s\n", options_.model.path,
                 model_.averaged ? "averaged" : "last", autograd::DTypeName(options_.dtype));
    absl::PrintF("the classifier is right on %.2f %% of the test images\n\n",
                 100 * classifier_.accuracy);
    absl::PrintF("%-32s %13s  %10s  %10s\n",
                 absl::StrCat("against ", test_numbers.size(), " test images"), "as their label",
                 "Frechet", "drawn in");
    const Row floor =
        Measure(absl::StrCat(train_numbers.size(), " training images (floor)"),
                Judge(judge, nn::ImageDataset(train).Fetch(train_numbers)[0]), reference, digits);
    Print(floor);
    nlohmann::ordered_json settings = nlohmann::ordered_json::array();
    ProgressBar progress("drawing", Work(digits.size()));
    int64_t done = 0;
    for (const double scale : options_.guidance_scales) {
      for (const int64_t steps : options_.steps) {
        const int64_t work = WorkOfImage(scale, steps);
        const Row row =
            MeasureSetting(scale, static_cast<int>(steps), reference, digits,
                           [&](int64_t images) { progress.Update(done + images * work); });
        done += work * static_cast<int64_t>(digits.size());
        progress.Clear();
        Print(row);
        nlohmann::ordered_json json = {{"guidance_scale", scale}, {"steps", steps}};
        json.update(Json(row));
        json["seconds"] = row.seconds;
        settings.push_back(json);
        // What has been measured stays if the rest is interrupted.
        absl::Status status = WriteReport(floor, test_numbers.size(), settings);
        if (!status.ok()) return status;
      }
    }
    absl::PrintF("\nthe same numbers are in %s\n", ReportPath());
    return 0;
  }

 private:
  // How often the network judges an image with fixed steps of Euler; other solvers' work is in
  // proportion, but for adaptive steps, which are not known.
  static int64_t WorkOfImage(double scale, int64_t steps) {
    return std::max<int64_t>(1, steps) * (scale == 1 ? 1 : 2);
  }

  int64_t Work(size_t images) const {
    int64_t work = 0;
    for (const double scale : options_.guidance_scales) {
      for (const int64_t steps : options_.steps) work += WorkOfImage(scale, steps);
    }
    return work * static_cast<int64_t>(images);
  }

  Row MeasureSetting(double scale, int steps, const Judgement& reference,
                     const std::vector<int64_t>& digits, std::function<void(int64_t)> on_drawn) {
    // Each setting starts from the same noise.
    autograd::Generator generator(options_.seed, kSampleStream);
    const Tensor noise = autograd::Randn(
        {static_cast<int64_t>(digits.size()), kImageSize, kImageSize, 1}, generator);
    std::vector<int64_t> labels = digits;
    for (int64_t& label : labels) ++label;
    const GenerateOptions generate = {.guidance_scale = scale,
                                      .ode = {.method = options_.method, .steps = steps},
                                      .on_drawn = std::move(on_drawn)};
    const auto start = std::chrono::steady_clock::now();
    const Tensor images = Generate(*model_.model, noise, labels, generate);
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    Row row =
        Measure(Describe(generate), Judge(*classifier_.classifier, images), reference, digits);
    row.seconds = seconds;
    return row;
  }

  std::string ReportPath() const { return options_.output_dir + "/eval.json"; }

  absl::Status WriteReport(const Row& floor, size_t test_images,
                           const nlohmann::ordered_json& settings) const {
    nlohmann::ordered_json json;
    json["checkpoint"] = options_.model.path;
    json["weights"] = model_.averaged ? "ema" : "last";
    json["dtype"] = autograd::DTypeName(options_.dtype);
    json["solver"] = flowmatch::OdeMethodName(options_.method);
    json["samples_per_class"] = options_.samples_per_class;
    json["test_images"] = test_images;
    json["seed"] = options_.seed;
    json["classifier_accuracy"] = classifier_.accuracy;
    json["floor"] = Json(floor);
    json["settings"] = settings;
    return autograd::WriteFileAtomically(ReportPath(), json.dump(2) + "\n");
  }

  const EvalOptions& options_;
  const LoadedModel& model_;
  TrainedClassifier classifier_;
};

}  // namespace

absl::StatusOr<int> RunEval(const EvalOptions& options) {
  const absl::StatusOr<LoadedModel> model = LoadModel(options.model);
  if (!model.ok()) return model.status();
  model->model->set_compute_dtype(options.dtype);
  const absl::StatusOr<nn::Mnist> data = LoadImages(options.data_dir);
  if (!data.ok()) return data.status();
  const auto train_numbers = Balanced(data->train, options.samples_per_class, "training");
  if (!train_numbers.ok()) return train_numbers.status();
  // The statistics that all are held against are of as many images of each digit, too, as far as
  // there are: of MNIST's rarest, 5, there are 892.
  const int64_t per_class =
      std::clamp<int64_t>(RarestCount(data->test), 1, options.samples_per_class);
  const auto test_numbers = Balanced(data->test, per_class, "test");
  if (!test_numbers.ok()) return test_numbers.status();
  if (absl::Status status = MakeFolder(options.output_dir); !status.ok()) return status;
  const std::string own = options.output_dir + "/classifier.safetensors";
  absl::StatusOr<TrainedClassifier> classifier =
      ClassifierFor(*data, own, RunfilePath(kPublishedClassifier));
  if (!classifier.ok()) return classifier.status();
  if (classifier->is_new) {
    absl::Status status = SaveClassifier(*classifier->classifier, *data, own);
    if (!status.ok()) return Fail(status, kFailure);
  }
  const absl::StatusOr<int> code = Evaluation(options, *model, *std::move(classifier))
                                       .Run(data->train, data->test, *train_numbers, *test_numbers);
  return code.ok() ? *code : Fail(code.status(), kFailure);
}

}  // namespace examples::mnist
