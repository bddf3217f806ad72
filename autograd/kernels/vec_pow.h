// x^y of f32 vectors by way of f64; see vec_math.h for the rules of these headers.
//
// e^(y ln|x|) in f64 has an error of at most 2^-43 or so (the rounding of y ln|x|, which is below
// 2^8), far below f32's last place. The special cases are those of C's Annex F.
#ifndef AUTOGRAD_KERNELS_VEC_POW_H_
#define AUTOGRAD_KERNELS_VEC_POW_H_

#include "autograd/kernels/bf16_scalar.h"
#include "autograd/kernels/binary.h"
#include "autograd/kernels/simd_elements.h"
#include "autograd/kernels/vec_math.h"

namespace autograd::kernels {
namespace {

// F64 is a vector of doubles, x and y of which hold floats.
template <class F64>
[[gnu::always_inline]] inline typename F64::Vec PowOfFloats(typename F64::Vec x,
                                                            typename F64::Vec y) {
  using C = Consts<F64>;
  const auto inf = F64::Set(C::kInf);
  const auto zero = F64::Zero();
  const auto one = F64::Set(1);
  const auto log = Log<F64>(Abs<F64>(x));
  // |x| = 1, y infinite: 1.
  const auto unit = F64::MaskAnd(F64::Eq(log, zero), F64::Eq(Abs<F64>(y), inf));
  auto result = Exp<F64>(F64::Select(unit, zero, y * log));

  const auto half = y * F64::Set(0.5);
  const auto integer = F64::Eq(F64::Round(y), y);
  const auto even = F64::Eq(F64::Round(half), half);
  const auto odd = F64::MaskAnd(integer, F64::MaskNot(even));
  result = F64::Select(odd, F64::Xor(result, SignBit<F64>(x)), result);

  const auto negative = F64::MaskAnd(F64::Lt(x, zero), F64::Lt(-inf, x));
  const auto undefined = F64::MaskAnd(negative, F64::MaskNot(integer));
  result = F64::Select(undefined, F64::Set(C::kNan), result);
  return F64::Select(F64::MaskOr(F64::Eq(y, zero), F64::Eq(x, one)), one, result);
}

template <class F32, class F64>
[[gnu::always_inline]] inline typename F32::Vec PowF32(typename F32::Vec x, typename F32::Vec y) {
  return F64::ToF32(PowOfFloats<F64>(F64::FromF32Lo(x), F64::FromF32Lo(y)),
                    PowOfFloats<F64>(F64::FromF32Hi(x), F64::FromF32Hi(y)));
}

// T is float or BFloat16.
template <class F32, class F64, class T, bool kScalarX, bool kScalarY>
void PowLoop(const T* x, const T* y, T* z, int64_t n) {
  if (n == 0) return;
  const auto x0 = F32::Set(Widen(*x)), y0 = F32::Set(Widen(*y));
  int64_t i = 0;
  for (; i + F32::kLanes <= n; i += F32::kLanes) {
    const auto a = kScalarX ? x0 : LoadElements<F32>(x + i);
    const auto b = kScalarY ? y0 : LoadElements<F32>(y + i);
    StoreElements<F32>(z + i, PowF32<F32, F64>(a, b));
  }
  if (i < n) {
    const auto a = kScalarX ? x0 : LoadElements<F32>(x + i, n - i);
    const auto b = kScalarY ? y0 : LoadElements<F32>(y + i, n - i);
    StoreElements<F32>(z + i, PowF32<F32, F64>(a, b), n - i);
  }
}

template <class F32, class F64, class T>
constexpr void EnterPow(BinaryFn<T> (&row)[kNumOperands]) {
  row[static_cast<int>(Operands::kArrayArray)] = PowLoop<F32, F64, T, false, false>;
  row[static_cast<int>(Operands::kArrayScalar)] = PowLoop<F32, F64, T, false, true>;
  row[static_cast<int>(Operands::kScalarArray)] = PowLoop<F32, F64, T, true, false>;
}

template <class F32, class F64>
constexpr BinaryTables WithVectorPow(BinaryTables tables) {
  EnterPow<F32, F64>(tables.f32.arithmetic[static_cast<int>(BinaryOp::kPow)]);
  EnterPow<F32, F64>(tables.bf16.arithmetic[static_cast<int>(BinaryOp::kPow)]);
  return tables;
}

}  // namespace
}  // namespace autograd::kernels

#endif  // AUTOGRAD_KERNELS_VEC_POW_H_
