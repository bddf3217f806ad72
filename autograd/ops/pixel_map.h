// What resampling and average pooling have in common: each pixel of the result is a weighted sum of
// pixels of the image, with weights that are products of one for the row and one for the column.
//
// The transpose of such a map is another one, so a single function computes an operation and its
// adjoint, and both are differentiable to any order.
#ifndef AUTOGRAD_OPS_PIXEL_MAP_H_
#define AUTOGRAD_OPS_PIXEL_MAP_H_

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "autograd/node.h"
#include "autograd/tensor.h"

namespace autograd::internal {

// A linear map along one axis, as a sparse matrix: entry i of the result sums its terms.
struct AxisMap {
  struct Term {
    int64_t source;
    double weight;
    friend bool operator==(const Term&, const Term&) = default;
  };

  int64_t size() const { return static_cast<int64_t>(first.size()) - 1; }
  int64_t begin(int64_t i) const { return first[static_cast<size_t>(i)]; }
  int64_t count(int64_t i) const { return begin(i + 1) - begin(i); }
  const Term* terms_of(int64_t i) const { return terms.data() + begin(i); }
  // Ends the terms of an entry; the next ones belong to the next.
  void EndEntry() { first.push_back(static_cast<int64_t>(terms.size())); }
  // The matrix transposed; its sources are in ascending order.
  AxisMap Transposed() const;

  int64_t source_size = 0;           // entries of the axis it reads
  std::vector<int64_t> first = {0};  // entry i has the terms first[i] ... first[i + 1] - 1
  std::vector<Term> terms;
};

struct PixelMap {
  AxisMap rows, columns;
};
using SharedPixelMap = std::shared_ptr<const PixelMap>;

SharedPixelMap Transposed(const PixelMap& map);

// x [B, H, W, C], f32, f64 or bf16 (summed in f32, rounded once), of the map's source sizes; result
// [B, H', W', C].
Tensor ApplyPixelMap(const Tensor& x, const PixelMap& map);

// Throws std::invalid_argument naming the operation and x unless it is an image [B, H, W, C], f32,
// f64 or bf16.
void CheckImage(const char* operation, const Tensor& x);
// As well unless its H and W, and those of the images it is to become, are at least 1; and
// OutOfMemoryError if memory cannot hold these.
void CheckImage(const char* operation, const Tensor& x, int64_t height, int64_t width);

// The node of an operation Op that is a pixel map; Op::kName names it and Op::Adjoint is the
// operation of the transposed map.
template <class Op>
class PixelMapNode;

// The operation: applies `map`, whose transpose is `adjoint`.
template <class Op>
Tensor RecordPixelMap(const Tensor& x, const SharedPixelMap& map, const SharedPixelMap& adjoint) {
  return Record<PixelMapNode<Op>>(ApplyPixelMap(x, *map), {&x}, map, adjoint);
}

template <class Op>
class PixelMapNode final : public NodeOf<PixelMapNode<Op>> {
 public:
  static constexpr const char* kName = Op::kName;
  PixelMapNode(SharedPixelMap map, SharedPixelMap adjoint)
      : map_(std::move(map)), adjoint_(std::move(adjoint)) {}
  void Vjp(VjpContext& ctx) override {
    ctx.SetGrad(0, RecordPixelMap<typename Op::Adjoint>(ctx.grad(), adjoint_, map_));
  }
  bool Jvp(JvpContext& ctx) override {
    ctx.SetTangent(0, RecordPixelMap<Op>(ctx.tangent(), map_, adjoint_));
    return true;
  }

 private:
  SharedPixelMap map_, adjoint_;
};

}  // namespace autograd::internal

#endif  // AUTOGRAD_OPS_PIXEL_MAP_H_
