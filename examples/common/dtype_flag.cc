#include "examples/common/dtype_flag.h"

#include "autograd/kernels/isa.h"
#include "examples/common/command_line.h"

namespace examples {

autograd::DType FastDType() {
  const bool tiles = autograd::ActiveIsa() >= autograd::Isa::kAmx;
  return tiles ? autograd::DType::kBF16 : autograd::DType::kF32;
}

absl::StatusOr<autograd::DType> DTypeFromFlag(const std::string& text, autograd::DType automatic) {
  if (absl::Status status = OneOf("--dtype", text, {"f32", "bf16", "auto"}); !status.ok()) {
    return status;
  }
  if (text == "auto") return automatic;
  return text == "bf16" ? autograd::DType::kBF16 : autograd::DType::kF32;
}

}  // namespace examples
