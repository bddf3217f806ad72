#include "autograd/kernels/conv_pairs.h"

#include <algorithm>
#include <cstdint>

#include "autograd/kernels/gemm_kernels.h"
#include "autograd/kernels/gemm_scratch.h"
#include "autograd/kernels/isa.h"
#include "autograd/parallel/parallel.h"

namespace autograd::kernels {
namespace {

// Shares of the gradient, and bytes of them.
constexpr int64_t kMaxParts = 16;
constexpr int64_t kPartBytes = 16 << 20;
// Pixels of dy whose products are worth a share and its adding up.
constexpr int64_t kPartPixels = 196;
// With fewer shares than this, the taps of each are divided among tasks too.
constexpr int64_t kFewParts = 4;
// Multiply-adds that are worth a thread of their own.
constexpr int64_t kTaskProducts = 1 << 20;
// Bytes of a block: no more than stay in a second-level cache beside the sums, and enough that a
// tile's sums are seldom loaded and stored.
constexpr int64_t kLeastBlock = 64 * 1024;
constexpr int64_t kMostBlock = 384 * 1024;

constexpr int64_t kPairBytes = 4;

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t RoundUp(int64_t a, int64_t b) { return CeilDiv(a, b) * b; }

// The elements [begin, end) of y that read x inside its borders through one tap.
struct Range {
  int64_t begin, end;
};
Range InsideOf(int64_t size, int64_t out_size, int64_t offset, int64_t stride) {
  const int64_t begin = offset >= 0 ? 0 : CeilDiv(-offset, stride);
  const int64_t end = offset >= size ? 0 : (size - 1 - offset) / stride + 1;
  return {begin, std::min(end, out_size)};
}

// The rows and columns of x, padded, whose remainders by the strides are these, in pairs that start
// at an even or odd column.
struct Copy {
  int64_t row, column;
  bool odd;
  bool operator==(const Copy& o) const {
    return row == o.row && column == o.column && odd == o.odd;
  }
};

// Where in which copy a tap meets the first pixel of dy.
struct Tap {
  int64_t copy, rows, pairs;
};

// How a convolution is packed, and its rows of dy cut into blocks: by the size alone, so that the
// order of every sum is.
struct Plan {
  int64_t row_pairs;            // pairs of a packed row, of dy and of x
  int64_t most_rows;            // by which a tap shifts
  int64_t most_pairs;           // and by which it does along a row
  int64_t in_pitch, out_pitch;  // channels of a packed pixel
  bool arranges;                // dy's pairs, by ConvPairsKernels::arrange
  bool rows_are_outputs;        // of a tap's outer product, rather than columns
  const Copy* copies;
  int64_t num_copies;
  const Tap* taps;
  int64_t images, rows;          // of a block: several images, or rows of one
  int64_t image_blocks, blocks;  // of an image; of the batch
  int64_t run, runs;             // blocks of a run, whose shares are added up in order
  int64_t task_taps;
  int64_t task_outputs;  // that all taps of a task run over before the next ones
};

Copy CopyOf(const ConvSize& s, int64_t tap) {
  const int64_t row = tap / s.kernel_width * s.dilation_height;
  const int64_t column = tap % s.kernel_width * s.dilation_width;
  return {row % s.stride_height, column % s.stride_width, column / s.stride_width % 2 != 0};
}

void FindCopies(const ConvSize& s, Plan* plan) {
  Copy* copies = GetScratch<Copy>(ScratchUse::kConvOffsets, s.taps());
  Tap* taps = GetScratch<Tap>(ScratchUse::kConvTaps, s.taps());
  plan->num_copies = 0;
  for (int64_t tap = 0; tap < s.taps(); ++tap) {
    const Copy copy = CopyOf(s, tap);
    const Copy* found = std::find(copies, copies + plan->num_copies, copy);
    if (found == copies + plan->num_copies) copies[plan->num_copies++] = copy;
    taps[tap] = {found - copies, tap / s.kernel_width * s.dilation_height / s.stride_height,
                 tap % s.kernel_width * s.dilation_width / s.stride_width / 2};
  }
  plan->copies = copies;
  plan->taps = taps;
}

// The padding in front of the columns of one remainder, and how many of them are inside of x.
struct Columns {
  int64_t lead, count;
};
Columns ColumnsOf(const ConvSize& s, int64_t remainder) {
  const int64_t lead = CeilDiv(std::max<int64_t>(0, s.padding_width - remainder), s.stride_width);
  const int64_t first = remainder + lead * s.stride_width - s.padding_width;
  return {lead, first < s.width ? CeilDiv(s.width - first, s.stride_width) : 0};
}

// The zeros in front of a row serve as those behind the row before, if they suffice.
int64_t RowPairs(const ConvSize& s, const Plan& plan) {
  const int64_t reach = (s.kernel_width - 1) * s.dilation_width / s.stride_width;
  const int64_t full = s.out_width + reach;
  int64_t width = s.out_width, least_lead = full;
  for (int64_t i = 0; i < plan.num_copies; ++i) {
    const Columns columns = ColumnsOf(s, plan.copies[i].column);
    width = std::max(width, std::min(full, columns.lead + columns.count));
    least_lead = std::min(least_lead, columns.lead);
  }
  width = RoundUp(width, 2);
  return (full - width <= least_lead ? width : RoundUp(full, 2)) / 2;
}

// Bytes that `rows` rows of dy, and what they read of x, take in a block.
int64_t BlockBytes(const Plan& plan, int64_t rows) {
  return plan.row_pairs * kPairBytes *
         (rows * plan.out_pitch + (rows + plan.most_rows) * plan.num_copies * plan.in_pitch);
}

// Shares, if blocks were as small as one likes.
int64_t WantedParts(const ConvSize& s) {
  const int64_t pixels = s.batch * s.out_pixels(), weights = s.weights();
  const int64_t fit = kPartBytes / (weights * static_cast<int64_t>(sizeof(float)));
  return std::max<int64_t>(
      1, std::min({kMaxParts, fit, pixels / kPartPixels, pixels * weights / kTaskProducts}));
}

// No more than `most_pairs` pairs of dy.
void CutIntoBlocks(const ConvSize& s, int64_t parts, int64_t most_pairs, Plan* plan) {
  const int64_t image_bytes = BlockBytes(*plan, s.out_height);
  const int64_t fit = std::clamp(s.batch * image_bytes / parts, kLeastBlock, kMostBlock);
  const int64_t most_rows = std::max<int64_t>(1, most_pairs / plan->row_pairs);
  plan->images =
      std::clamp<int64_t>(std::min(fit / image_bytes, most_rows / s.out_height), 1, s.batch);
  const int64_t row_bytes = BlockBytes(*plan, 1) - BlockBytes(*plan, 0);
  const int64_t rows = std::max<int64_t>(1, (fit - BlockBytes(*plan, 0)) / row_bytes);
  plan->image_blocks = plan->images > 1 ? 1 : CeilDiv(s.out_height, std::min(rows, most_rows));
  plan->rows = CeilDiv(s.out_height, plan->image_blocks);
  plan->image_blocks = CeilDiv(s.out_height, plan->rows);
  plan->blocks = CeilDiv(s.batch, plan->images) * plan->image_blocks;
}

Plan PlanOf(const ConvPairsKernels& kernels, const ConvSize& s) {
  Plan plan;
  FindCopies(s, &plan);
  plan.row_pairs = RowPairs(s, plan);
  plan.most_rows = (s.kernel_height - 1) * s.dilation_height / s.stride_height;
  plan.most_pairs = (s.kernel_width - 1) * s.dilation_width / s.stride_width / 2;
  plan.in_pitch = RoundUp(s.channels, kPairChannels);
  plan.out_pitch = RoundUp(s.out_channels, kPairChannels);
  plan.arranges = kernels.arrange != nullptr;
  plan.rows_are_outputs =
      plan.arranges || s.out_channels * plan.in_pitch <= s.channels * plan.out_pitch;
  plan.task_outputs = plan.arranges ? kernels.near_outputs : s.out_channels;
  const int64_t all_pairs = s.batch * s.out_height * plan.row_pairs;
  const int64_t parts = WantedParts(s);
  CutIntoBlocks(s, parts, plan.arranges ? kernels.near_pairs : all_pairs, &plan);
  plan.run = CeilDiv(plan.blocks, parts);
  plan.runs = CeilDiv(plan.blocks, plan.run);
  const int64_t work = s.batch * s.out_pixels() * s.weights();
  const bool divides = plan.runs < kFewParts && work / plan.runs > s.taps() * kTaskProducts;
  plan.task_taps = divides ? 1 : s.taps();
  return plan;
}

// One block's packed rows, and its sums.
class Block {
 public:
  Block(const ConvPairsKernels& kernels, const ConvSize& s, const Plan& plan, int64_t index)
      : kernels_(kernels), s_(s), plan_(plan) {
    first_image_ = index / plan.image_blocks * plan.images;
    images_ = std::min(plan.images, s.batch - first_image_);
    first_row_ = index % plan.image_blocks * plan.rows;
    rows_ = std::min(plan.rows, s.out_height - first_row_);
    x_rows_ = rows_ + plan.most_rows;
    copy_pairs_ = images_ * x_rows_ * plan.row_pairs + Behind(plan);
    y_ = GetScratch<uint32_t>(ScratchUse::kPatches, PackedSize());
    x_ = y_ + images_ * rows_ * plan.row_pairs * plan.out_pitch;
    arranged_ = x_ + plan.num_copies * copy_pairs_ * plan.in_pitch;
  }

  void PackOutputs(const BFloat16* dy) const {
    const int64_t size = plan_.row_pairs * plan_.out_pitch;
    for (int64_t i = 0; i < images_ * rows_; ++i) {
      const int64_t row = (first_image_ + i / rows_) * s_.out_height + first_row_ + i % rows_;
      kernels_.pack({plan_.row_pairs, 0, s_.out_width, dy + row * s_.out_width * s_.out_channels,
                     s_.out_channels, s_.out_channels, plan_.out_pitch, y_ + i * size});
    }
    if (!plan_.arranges) return;
    kernels_.arrange(images_, rows_ * plan_.row_pairs, plan_.out_pitch, y_, arranged_);
  }

  void PackCopy(int64_t index, const BFloat16* x) const {
    const Copy& copy = plan_.copies[index];
    const Columns columns = ColumnsOf(s_, copy.column);
    const int64_t first_column = copy.column + columns.lead * s_.stride_width - s_.padding_width;
    const int64_t size = plan_.row_pairs * plan_.in_pitch;
    uint32_t* to = x_ + index * copy_pairs_ * plan_.in_pitch;
    PairsRow r = {
        plan_.row_pairs, columns.lead - copy.odd, 0, nullptr, s_.stride_width * s_.channels,
        s_.channels,     plan_.in_pitch,          to};
    for (int64_t i = 0; i <= images_ * x_rows_; ++i, r.to += size) {
      const int64_t row =
          (first_row_ + i % x_rows_) * s_.stride_height + copy.row - s_.padding_height;
      const bool inside = i < images_ * x_rows_ && row >= 0 && row < s_.height;
      r.count = inside ? columns.count : 0;
      if (i == images_ * x_rows_) r.pairs = Behind(plan_);
      if (inside) {
        r.pixels =
            x + (((first_image_ + i / x_rows_) * s_.height + row) * s_.width + first_column) *
                    s_.channels;
      }
      kernels_.pack(r);
    }
  }

  // The sums of tap `tap` and outputs [output, output + outputs): [out, taps, in] or [taps, in,
  // out], written or, with `adds`, added to those there are.
  void SumTap(int64_t tap, int64_t output, int64_t outputs, bool adds, float* sums) const {
    const int64_t offset = tap / s_.kernel_width * s_.dilation_height - s_.padding_height;
    const Range inside = InsideOf(s_.height, s_.out_height, offset, s_.stride_height);
    int64_t first = plan_.arranges ? 0 : std::max(inside.begin, first_row_) - first_row_;
    int64_t last = plan_.arranges ? rows_ : std::min(inside.end, first_row_ + rows_) - first_row_;
    if (first >= last) {
      if (adds) return;
      first = last = 0;
    }
    const Tap& t = plan_.taps[tap];
    const uint32_t* x =
        x_ + (t.copy * copy_pairs_ + (first + t.rows) * plan_.row_pairs + t.pairs) * plan_.in_pitch;
    const uint32_t* y = plan_.arranges ? arranged_ + output * images_ * ArrangedPairs()
                                       : y_ + first * plan_.row_pairs * plan_.out_pitch + output;
    const int64_t x_image = x_rows_ * plan_.row_pairs, y_image = rows_ * plan_.row_pairs;
    PairsBlock b = {};
    b.adds = adds;
    b.images = images_;
    b.rows = last - first;
    b.pairs = CeilDiv(s_.out_width, 2);
    b.row_stride = plan_.row_pairs;
    if (plan_.rows_are_outputs) {
      SetLeft(y, y_image, plan_.out_pitch, outputs, &b);
      SetRight(x, x_image, plan_.in_pitch, s_.channels, &b);
      b.dw = sums + output * s_.filter() + tap * s_.channels;
      b.dw_row_stride = s_.filter();
    } else {
      SetLeft(x, x_image, plan_.in_pitch, s_.channels, &b);
      SetRight(y, y_image, plan_.out_pitch, outputs, &b);
      b.dw = sums + tap * s_.channels * s_.out_channels + output;
      b.dw_row_stride = s_.out_channels;
    }
    kernels_.outer(b);
  }

 private:
  // What is read of x behind its last row meets zeros of dy only, but has to be finite: a tap
  // reaches beyond it, and kernels may run over a multiple of 16 pairs.
  static int64_t Behind(const Plan& plan) { return plan.most_pairs + 16; }
  int64_t ArrangedPairs() const { return RoundUp(rows_ * plan_.row_pairs, 16); }
  int64_t PackedSize() const {
    return images_ * rows_ * plan_.row_pairs * plan_.out_pitch +
           plan_.num_copies * copy_pairs_ * plan_.in_pitch +
           (plan_.arranges ? images_ * ArrangedPairs() * plan_.out_pitch : 0);
  }
  static void SetLeft(const uint32_t* p, int64_t image, int64_t pitch, int64_t channels,
                      PairsBlock* b) {
    b->left = p;
    b->left_image_stride = image;
    b->left_pitch = pitch;
    b->left_channels = channels;
  }
  static void SetRight(const uint32_t* p, int64_t image, int64_t pitch, int64_t channels,
                       PairsBlock* b) {
    b->right = p;
    b->right_image_stride = image;
    b->right_pitch = pitch;
    b->right_channels = channels;
  }

  const ConvPairsKernels& kernels_;
  const ConvSize& s_;
  const Plan& plan_;
  int64_t first_image_, images_, first_row_, rows_, x_rows_, copy_pairs_;
  uint32_t* y_;
  uint32_t* x_;
  uint32_t* arranged_;
};

// The taps of a task.
void SumTaps(const ConvSize& s, const Plan& plan, const Block& block, int64_t first_tap, bool adds,
             float* sums) {
  for (int64_t output = 0; output < s.out_channels; output += plan.task_outputs) {
    const int64_t outputs = std::min(plan.task_outputs, s.out_channels - output);
    for (int64_t tap = first_tap; tap < first_tap + plan.task_taps; ++tap) {
      block.SumTap(tap, output, outputs, adds, sums);
    }
  }
}

// dw[out, filter] from sums[filter, out].
void Turn(int64_t out, int64_t filter, const float* sums, float* dw) {
  for (int64_t o = 0; o < out; ++o) {
    for (int64_t i = 0; i < filter; ++i) dw[o * filter + i] = sums[i * out + o];
  }
}

}  // namespace

void PairsWeightGradient(const ConvPairsKernels& kernels, const ConvSize& s, const BFloat16* x,
                         const BFloat16* dy, float* dw) {
  if (s.weights() == 0) return;
  if (s.batch * s.out_pixels() == 0) {
    std::fill_n(dw, s.weights(), 0.0f);
    return;
  }
  const Plan plan = PlanOf(kernels, s);
  // The last part is for the sum of the others, where its order is not that of dw.
  float* parts = GetScratch<float>(ScratchUse::kConvParts, (plan.runs + 1) * s.weights());
  const int64_t tasks = CeilDiv(s.taps(), plan.task_taps);
  ParallelFor(plan.runs * tasks, 1, {kernels.begin, kernels.end}, [&](int64_t task, int64_t) {
    const int64_t run = task / tasks, first_tap = task % tasks * plan.task_taps;
    const int64_t end = std::min(plan.blocks, (run + 1) * plan.run);
    for (int64_t i = run * plan.run; i < end; ++i) {
      const Block block(kernels, s, plan, i);
      block.PackOutputs(dy);
      for (int64_t copy = 0; copy < plan.num_copies; ++copy) {
        if (tasks == 1 || plan.taps[first_tap].copy == copy) block.PackCopy(copy, x);
      }
      SumTaps(s, plan, block, first_tap, i > run * plan.run, parts + run * s.weights());
    }
  });
  float* total = plan.rows_are_outputs ? dw : parts + plan.runs * s.weights();
  constexpr int64_t kColumns = 8192;
  ParallelFor(s.weights(), kColumns, [&](int64_t begin, int64_t end) {
    ActiveGemmKernels(float()).sum_rows(plan.runs, end - begin, parts + begin, s.weights(),
                                        total + begin);
  });
  if (!plan.rows_are_outputs) Turn(s.out_channels, s.filter(), total, dw);
}

const ConvPairsKernels* ActiveConvPairsKernels() {
#ifdef AUTOGRAD_X86
  if (ActiveIsa() == Isa::kAmx) return &kConvPairsAmx;
  if (ActiveIsa() == Isa::kAvx512Bf16) return &kConvPairsAvx512Bf16;
#endif
  return nullptr;
}

}  // namespace autograd::kernels
