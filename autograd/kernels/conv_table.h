// The tables of DirectKernels, for files of an instruction set.
//
// Only for files of kernel_library's isa_hdrs: everything is in an anonymous namespace.
#ifndef AUTOGRAD_KERNELS_CONV_TABLE_H_
#define AUTOGRAD_KERNELS_CONV_TABLE_H_

#include "autograd/kernels/conv_dot_tile.h"
#include "autograd/kernels/conv_kernels.h"
#include "autograd/kernels/conv_math.h"
#include "autograd/kernels/conv_tile.h"
#include "autograd/kernels/gemm_pack.h"

namespace autograd::kernels {
namespace {

// Of products in f32: tiles of kPixels pixels and kVecs vectors of outputs, kDots pixels of `dot`.
template <class V, class Transpose, class Image, int kPixels, int kVecs, int kDots>
constexpr DirectKernels<float, Image> F32Table() {
  using Math = F32Math<V>;
  DirectKernels<float, Image> table = {};
  table.lanes = V::kLanes;
  table.depth = 1;
  table.dot_lanes = V::kLanes;
  table.cols = kVecs * V::kLanes;
  table.channel_unit = 1;
  table.row_channels = &SameChannels;
  table.rows_at_a_time = &RowsAtATime<kPixels>;
  table.copy = &CopyToFloats<V, Image>;
  table.pack = &PackB<V, Transpose, kVecs * V::kLanes>;
  table.direct = &Direct<Math, Image, kPixels, kVecs>;
  table.dot = &Dot<Math, Image, kDots>;
  return table;
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_CONV_TABLE_H_
