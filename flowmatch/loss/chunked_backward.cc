#include "flowmatch/loss/chunked_backward.h"

#include <algorithm>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "autograd/grad.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/slice.h"

namespace flowmatch {

double BackwardInChunks(int64_t batch, int64_t chunk,
                        absl::FunctionRef<Tensor(int64_t begin, int64_t end)> mean_loss) {
  if (batch < 1 || chunk < 0) {
    throw std::invalid_argument(
        absl::StrCat("BackwardInChunks: wants a batch of 1 or more and a chunk of 0 or more, got ",
                     batch, " and ", chunk));
  }
  const int64_t size = chunk == 0 ? batch : chunk;
  double sum = 0;
  for (int64_t begin = 0; begin < batch; begin += size) {
    const int64_t end = std::min(batch, begin + size);
    const double share = static_cast<double>(end - begin) / static_cast<double>(batch);
    const Tensor loss = mean_loss(begin, end);
    // One chunk has share 1, and then nothing is recorded that the whole batch would not record.
    Backward(share == 1 ? loss : loss * share);
    sum += share * loss.item();
  }
  return sum;
}

PathSample SliceSample(const PathSample& sample, int64_t begin, int64_t end) {
  const int64_t count = sample.x_t.defined() && sample.x_t.rank() > 0 ? sample.x_t.size(0) : 0;
  if (begin < 0 || begin > end || end > count) {
    throw std::invalid_argument(absl::StrCat("SliceSample: samples ", begin, " to ", end, " of ",
                                             count, ", wants 0 <= begin <= end <= ", count));
  }
  const auto part = [&](const Tensor& x) { return autograd::Slice(x, 0, begin, end); };
  return {.x0 = part(sample.x0),
          .x1 = part(sample.x1),
          .t = sample.t.rank() == 0 ? sample.t : part(sample.t),
          .x_t = part(sample.x_t),
          .dx_t = part(sample.dx_t)};
}

}  // namespace flowmatch
