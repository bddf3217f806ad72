#include "examples/mnist/test_loss.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "autograd/grad_mode.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/creation.h"
#include "examples/mnist/flow.h"
#include "examples/mnist/run.h"

namespace examples::mnist {

std::optional<double> TestLoss(const flowmatch::ClassConditionedUNet& model,
                               const nn::LabelledImages& images,
                               const std::function<bool()>& stop) {
  // Noise and times belong to the place in the batch and its number, so this never changes.
  constexpr int64_t kBatch = 250;
  constexpr int64_t kChunk = 25;
  const autograd::NoGrad guard;
  const nn::ImageDataset dataset(images);
  autograd::Generator generator(0, kTestStream);
  double sum = 0;
  for (int64_t begin = 0; begin < dataset.size(); begin += kBatch) {
    if (stop()) return std::nullopt;
    const int64_t count = std::min(kBatch, dataset.size() - begin);
    std::vector<int64_t> indices(static_cast<size_t>(count));
    std::iota(indices.begin(), indices.end(), begin);
    const std::vector<autograd::Tensor> batch = dataset.Fetch(indices);
    const flowmatch::PathSample sample = DrawFlow(batch[0], generator);
    const autograd::Tensor labels = batch[1] + 1;
    // Chunk by chunk, as in training, for the caches' sake.
    for (int64_t first = 0; first < count; first += kChunk) {
      const int64_t last = std::min(count, first + kChunk);
      sum +=
          FlowLoss(model, sample, labels, first, last).item() * static_cast<double>(last - first);
    }
  }
  return sum / static_cast<double>(dataset.size());
}

}  // namespace examples::mnist
