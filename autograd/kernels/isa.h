// Which instruction set the kernels use.
//
// Every kernel family is compiled once for each instruction set, and the best one this processor
// can run is chosen once, when the first kernel is asked for. AUTOGRAD_ISA in the environment, one
// of scalar, avx2, avx512, avx512_bf16 and amx, restricts the choice (a name above what the
// processor has falls back to the best it has).
//
// Example:
//   std::cout << "kernels: " << autograd::IsaName(autograd::ActiveIsa()) << "\n";  // kernels: avx512
#ifndef AUTOGRAD_KERNELS_ISA_H_
#define AUTOGRAD_KERNELS_ISA_H_

namespace autograd {

// Ordered: a later one includes the earlier ones. kAvx512 needs F, BW, DQ and VL;
// kAvx512Bf16 also AVX512_BF16, whose instruction adds up products of pairs of bf16 in f32; kAmx
// also AMX-TILE, AMX-BF16 and the operating system's permission to use tiles.
enum class Isa { kScalar, kAvx2, kAvx512, kAvx512Bf16, kAmx };

// The instruction set in use in this process. Throws std::invalid_argument if AUTOGRAD_ISA has an
// unknown value.
Isa ActiveIsa();

// The best one this processor and operating system can run, whatever AUTOGRAD_ISA says.
Isa DetectedIsa();

// "scalar", "avx2", "avx512", "avx512_bf16" or "amx".
const char* IsaName(Isa isa);

}  // namespace autograd

#endif  // AUTOGRAD_KERNELS_ISA_H_
