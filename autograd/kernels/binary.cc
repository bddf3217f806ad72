#include "autograd/kernels/binary.h"

#include "autograd/kernels/binary_table.h"
#include "autograd/kernels/isa.h"

namespace autograd::kernels {

#ifdef AUTOGRAD_X86
extern const BinaryTables kBinaryAvx2;
extern const BinaryTables kBinaryAvx512;
#endif

namespace {

constexpr BinaryTables kBinaryScalar = MakeBinaryTables();

const BinaryTables& Choose() {
  switch (ActiveIsa()) {
#ifdef AUTOGRAD_X86
    case Isa::kAvx2:
      return kBinaryAvx2;
    case Isa::kAvx512:
    case Isa::kAvx512Bf16:
    case Isa::kAmx:
      return kBinaryAvx512;
#endif
    default:
      return kBinaryScalar;
  }
}

}  // namespace

const BinaryTables& GetBinaryTables() {
  static const BinaryTables& tables = Choose();
  return tables;
}

const BinaryTables& ScalarBinaryTables() { return kBinaryScalar; }

}  // namespace autograd::kernels
