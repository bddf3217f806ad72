#include "flowmatch/guidance/classifier_free_guidance.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <utility>

#include "absl/strings/str_cat.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/compare.h"
#include "autograd/ops/concat.h"
#include "autograd/ops/index.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/select.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/slice.h"

namespace flowmatch {
namespace {

using autograd::Describe;
using autograd::DType;
using autograd::Shape;

constexpr char kName[] = "ClassifierFreeGuidance";

void CheckLabels(const Tensor& labels, int64_t null_label) {
  const bool integers =
      labels.defined() && (labels.dtype() == DType::kI32 || labels.dtype() == DType::kI64);
  if (!integers || labels.rank() != 1) {
    throw std::invalid_argument(
        absl::StrCat(kName, ": labels are ", Describe(labels), ", expected i32 or i64 [B]"));
  }
  if (labels.dtype() == DType::kI32 && null_label != static_cast<int32_t>(null_label)) {
    throw std::invalid_argument(
        absl::StrCat(kName, ": i32 does not hold the null label ", null_label));
  }
}

void CheckOptions(const GuidanceOptions& options) {
  if (!std::isfinite(options.scale)) {
    throw std::invalid_argument(
        absl::StrCat(kName, ": scale is ", options.scale, ", expected a finite number"));
  }
  if (!(options.interval.first <= options.interval.last)) {
    throw std::invalid_argument(absl::StrCat(kName, ": interval from ", options.interval.first,
                                             " to ", options.interval.last,
                                             ", expected first <= last"));
  }
  if (!(0 <= options.rescale && options.rescale <= 1)) {
    throw std::invalid_argument(
        absl::StrCat(kName, ": rescale is ", options.rescale, ", expected 0 to 1"));
  }
}

template <class T>
Tensor LabelsWhere(const std::vector<bool>& use_first, const Tensor& first, const Tensor& second) {
  const Tensor result = Tensor::Empty(first.shape(), first.dtype());
  for (size_t i = 0; i < use_first.size(); ++i) {
    result.raw<T>()[i] = (use_first[i] ? first : second).raw<T>()[i];
  }
  return result;
}

// Which times lie in the interval, whose ends are rounded like the times.
template <class T>
std::vector<bool> Inside(const Tensor& t, const TimeRange& interval) {
  const T first = static_cast<T>(interval.first), last = static_cast<T>(interval.last);
  std::vector<bool> inside;
  for (const T time : t.ToVector<T>()) inside.push_back(first <= time && time <= last);
  return inside;
}

bool Any(const std::vector<bool>& flags) {
  return std::find(flags.begin(), flags.end(), true) != flags.end();
}
bool All(const std::vector<bool>& flags) {
  return std::find(flags.begin(), flags.end(), false) == flags.end();
}

// Which rows of a batch are guided, and where each row of the result comes from if these stand
// behind the whole batch.
struct GuidedRows {
  explicit GuidedRows(const std::vector<bool>& guided) {
    const int64_t batch = static_cast<int64_t>(guided.size());
    std::vector<int64_t> at, from;
    for (int64_t i = 0; i < batch; ++i) {
      const bool is_guided = guided[static_cast<size_t>(i)];
      from.push_back(is_guided ? batch + static_cast<int64_t>(at.size()) : i);
      if (is_guided) at.push_back(i);
    }
    places = Tensor::FromVector(at, {static_cast<int64_t>(at.size())});
    sources = Tensor::FromVector(from, {batch});
  }
  Tensor places, sources;
};

// The norm of what each row differs from its mean by, [B, 1]: its standard deviation but for a
// factor that all rows share, and differentiable at 0.
Tensor Spread(const Tensor& rows) { return Norm(rows - Mean(rows, {1}, true), {1}, true); }

// phi v std(v_c) / std(v) + (1 - phi) v, sample by sample. A velocity without spread stays.
Tensor Rescale(const Tensor& v, const Tensor& v_c, double phi) {
  const Shape rows = {v.size(0), v.numel() / v.size(0)};
  const Tensor flat = Reshape(v, rows), spread = Spread(flat);
  const Tensor constant = Equal(spread, 0);
  const Tensor ratio = Where(constant, 1, Spread(Reshape(v_c, rows)) / Where(constant, 1, spread));
  return Reshape(flat * (ratio * phi + (1 - phi)), v.shape());
}

}  // namespace

ClassifierFreeGuidance::ClassifierFreeGuidance(ConditionalVelocity v, const Tensor& labels,
                                               const GuidanceOptions& options)
    : v_(std::move(v)), options_(options) {
  if (!v_) throw std::invalid_argument(absl::StrCat(kName, ": there is no velocity to guide"));
  CheckLabels(labels, options.null_label);
  CheckOptions(options);
  const size_t batch = static_cast<size_t>(labels.size(0));
  const auto keep = [&]<class T>(const std::vector<T>& values) {
    const T null = static_cast<T>(options.null_label);
    labels_ = Tensor::FromVector(values, labels.shape());
    null_labels_ = Tensor::FromVector(std::vector<T>(batch, null), labels.shape());
    for (const T label : values) null_.push_back(label == null);
  };
  labels.dtype() == DType::kI32 ? keep(labels.ToVector<int32_t>())
                                : keep(labels.ToVector<int64_t>());
}

Tensor ClassifierFreeGuidance::Evaluate(const Tensor& x, const Tensor& t,
                                        const Tensor& labels) const {
  const Tensor velocity = v_(x, t, labels);
  if (!velocity.defined() || velocity.shape() != x.shape() || velocity.dtype() != x.dtype()) {
    throw std::invalid_argument(
        absl::StrCat(kName, ": the velocity at ", Describe(x), " is ", Describe(velocity)));
  }
  return velocity;
}

// Guidance of the given rows, v_c for the others, which are evaluated once.
Tensor ClassifierFreeGuidance::Guide(const Tensor& x, const Tensor& t,
                                     const std::vector<bool>& rows) const {
  const int64_t batch = x.size(0);
  const bool all = All(rows);
  const GuidedRows guided(rows);
  const auto part = [&](const Tensor& of) {
    return all ? of : autograd::IndexSelect(of, 0, guided.places);
  };
  const Tensor both = Evaluate(autograd::Concat({x, part(x)}), autograd::Concat({t, part(t)}),
                               autograd::Concat({labels_, part(null_labels_)}));
  const Tensor all_c = Slice(both, 0, 0, batch), v_c = part(all_c), v_u = Slice(both, 0, batch);
  Tensor v = v_u + (v_c - v_u) * options_.scale;
  if (options_.rescale > 0) v = Rescale(v, v_c, options_.rescale);
  return all ? v : autograd::IndexSelect(autograd::Concat({all_c, v}), 0, guided.sources);
}

Tensor ClassifierFreeGuidance::operator()(const Tensor& x, const Tensor& t) const {
  const bool floating = x.defined() && (x.dtype() == DType::kF32 || x.dtype() == DType::kF64);
  if (!floating || x.rank() < 1 || x.size(0) != labels_.size(0) || !t.defined() ||
      t.shape() != labels_.shape() || t.dtype() != x.dtype()) {
    throw std::invalid_argument(
        absl::StrCat(kName, ": wants x [B, ...], f32 or f64, and t [B] of its dtype, for labels ",
                     Describe(labels_), "; got ", Describe(x), " and ", Describe(t)));
  }
  if (options_.scale == 1) return Evaluate(x, t, labels_);
  std::vector<bool> rows = x.dtype() == DType::kF32 ? Inside<float>(t, options_.interval)
                                                    : Inside<double>(t, options_.interval);
  if (options_.scale == 0) {
    const Tensor labels = labels_.dtype() == DType::kI32
                              ? LabelsWhere<int32_t>(rows, null_labels_, labels_)
                              : LabelsWhere<int64_t>(rows, null_labels_, labels_);
    return Evaluate(x, t, labels);
  }
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = rows[i] && !null_[i];
  return Any(rows) ? Guide(x, t, rows) : Evaluate(x, t, labels_);
}

}  // namespace flowmatch
