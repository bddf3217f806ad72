// An operation of one's own: y = x exp(-x^2), its derivative, and the check that both agree, of
// first and second order.
#include <iostream>

#include "autograd/gradcheck.h"
#include "autograd/node.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/unary.h"

using namespace autograd;

class WaveletNode final : public NodeOf<WaveletNode> {
 public:
  static constexpr char kName[] = "Wavelet";
  explicit WaveletNode(const Tensor& x) : x_(this, x) {}
  void Vjp(VjpContext& ctx) override {
    const Tensor x = x_.Get();
    ctx.SetGrad(0, ctx.grad() * (1.0 - 2.0 * Square(x)) * Exp(-Square(x)));
  }

 private:
  SavedTensor x_;
};

Tensor Wavelet(const Tensor& x) {
  const Tensor v = x.Detach();
  return Record<WaveletNode>(v * Exp(-Square(v)), {&x}, x);
}

int main() {
  const auto wavelet = [](const std::vector<Tensor>& in) { return std::vector{Wavelet(in[0])}; };
  const Tensor x = Tensor::FromVector<double>({-1, .3, 2}, {3});
  const bool right = GradCheck(wavelet, {x}).ok && GradGradCheck(wavelet, {x}).ok;
  std::cout << Wavelet(x) << (right ? "\nderivatives are right\n" : "\nderivatives are wrong\n");
  return right ? 0 : 1;
}
