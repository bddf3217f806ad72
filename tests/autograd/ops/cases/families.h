// The families of operation cases. A new family is declared here and listed in all_cases.cc.
#ifndef TESTS_AUTOGRAD_OPS_CASES_FAMILIES_H_
#define TESTS_AUTOGRAD_OPS_CASES_FAMILIES_H_

#include <vector>

#include "tests/autograd/ops/cases/op_case.h"

namespace autograd::testing {

std::vector<OpCase> ArithmeticCases();
std::vector<OpCase> UnaryCases();
std::vector<OpCase> SelectCases();
std::vector<OpCase> CompareCases();
std::vector<OpCase> SoftmaxCases();
std::vector<OpCase> ReduceCases();
std::vector<OpCase> LossCases();
std::vector<OpCase> CastCases();
std::vector<OpCase> BinaryCases();
std::vector<OpCase> ActivationCases();
std::vector<OpCase> ConvCases();
std::vector<OpCase> DropoutCases();
std::vector<OpCase> ExpandCases();
std::vector<OpCase> LinearCases();
std::vector<OpCase> MatMulCases();
std::vector<OpCase> NormCases();
std::vector<OpCase> IndexCases();
std::vector<OpCase> AttentionCases();
std::vector<OpCase> PoolCases();
std::vector<OpCase> ResampleCases();
std::vector<OpCase> ShapeCases();
std::vector<OpCase> UpsampleConvCases();

}  // namespace autograd::testing

#endif  // TESTS_AUTOGRAD_OPS_CASES_FAMILIES_H_
