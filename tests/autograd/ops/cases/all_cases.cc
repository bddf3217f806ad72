#include "tests/autograd/ops/cases/families.h"

namespace autograd::testing {

const std::vector<OpCase>& AllCases() {
  static const std::vector<OpCase>& cases = *[] {
    auto* all = new std::vector<OpCase>;
    for (const auto& family :
         {ActivationCases, ArithmeticCases,  AttentionCases, BinaryCases, CastCases,
          CompareCases,    ConvCases,        DropoutCases,   ExpandCases, IndexCases,
          LinearCases,     LossCases,        MatMulCases,    NormCases,   PoolCases,
          ReduceCases,     ResampleCases,    SelectCases,    ShapeCases,  SoftmaxCases,
          UnaryCases,      UpsampleConvCases}) {
      for (OpCase& line : family()) all->push_back(std::move(line));
    }
    return all;
  }();
  return cases;
}

}  // namespace autograd::testing
