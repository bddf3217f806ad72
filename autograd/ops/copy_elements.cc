#include "autograd/ops/copy_elements.h"

#include <algorithm>
#include <cstring>

#include "autograd/ops/elementwise_loop.h"

namespace autograd::internal {

void CopyElements(const Tensor& to, const Tensor& from) {
  Tensor target = to;
  const Tensor* inputs[] = {&from};
  DispatchItemSize(ItemSize(to.dtype()), [&](auto typed) {
    using T = decltype(typed);
    ElementwiseLoop(target, inputs, [](int64_t n, void* out, const ElementwiseArg* args) {
      if (args[0].scalar) {
        std::fill_n(static_cast<T*>(out), n, *args[0].as<T>());
      } else {
        std::memcpy(out, args[0].data, static_cast<size_t>(n) * sizeof(T));
      }
    });
  });
}

Tensor DenseCopy(const Tensor& x) {
  Tensor copy = Tensor::Empty(x.shape(), x.dtype());
  CopyElements(copy, x);
  return copy;
}

}  // namespace autograd::internal
