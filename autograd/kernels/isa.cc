#include "autograd/kernels/isa.h"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <string>

#ifdef AUTOGRAD_X86
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace autograd {
namespace {

#ifdef AUTOGRAD_X86
// Linux grants AMX tile data only to a process that asks for it: arch_prctl(ARCH_REQ_XCOMP_PERM,
// XFEATURE_XTILEDATA). The permission is the whole process's, whichever thread asks.
bool RequestTilePermission() {
  constexpr int kArchReqXcompPerm = 0x1023;
  constexpr int kXfeatureXtiledata = 18;
  return syscall(SYS_arch_prctl, kArchReqXcompPerm, kXfeatureXtiledata) == 0;
}

// gcc 12's __builtin_cpu_supports does not know the AMX bits: CPUID leaf 7, EDX bits 22 (bf16) and
// 24 (tile).
bool HasAmxBf16() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) return false;
  constexpr unsigned kBf16 = 1u << 22, kTile = 1u << 24;
  return (edx & kBf16) != 0 && (edx & kTile) != 0;
}

Isa Detect() {
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return Isa::kScalar;
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl")) {
    return Isa::kAvx2;
  }
  if (!__builtin_cpu_supports("avx512bf16")) return Isa::kAvx512;
  return HasAmxBf16() && RequestTilePermission() ? Isa::kAmx : Isa::kAvx512Bf16;
}
#else
Isa Detect() { return Isa::kScalar; }
#endif

Isa Choose() {
  const char* wanted = std::getenv("AUTOGRAD_ISA");
  if (wanted == nullptr || *wanted == '\0') return DetectedIsa();
  for (Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512, Isa::kAvx512Bf16, Isa::kAmx}) {
    if (std::string(wanted) == IsaName(isa)) return std::min(isa, DetectedIsa());
  }
  throw std::invalid_argument(std::string("AUTOGRAD_ISA is '") + wanted +
                              "', expected scalar, avx2, avx512, avx512_bf16 or amx");
}

}  // namespace

Isa DetectedIsa() {
  static const Isa isa = Detect();
  return isa;
}

Isa ActiveIsa() {
  static const Isa isa = Choose();
  return isa;
}

const char* IsaName(Isa isa) {
  switch (isa) {
    case Isa::kScalar:
      return "scalar";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx512:
      return "avx512";
    case Isa::kAvx512Bf16:
      return "avx512_bf16";
    case Isa::kAmx:
      return "amx";
  }
  return "unknown";
}

}  // namespace autograd
