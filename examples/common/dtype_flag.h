// --dtype: the numbers that activations are kept in.
//
// Example:
//   const autograd::DType automatic = examples::FastDType();
//   const absl::StatusOr<autograd::DType> dtype = examples::DTypeFromFlag("bf16", automatic);
#ifndef EXAMPLES_COMMON_DTYPE_FLAG_H_
#define EXAMPLES_COMMON_DTYPE_FLAG_H_

#include <string>

#include "absl/status/statusor.h"
#include "autograd/dtype.h"

namespace examples {

// What trains a large network fastest here: bf16 where tiles of AMX multiply it, f32 elsewhere.
autograd::DType FastDType();

// f32, bf16, or auto, which is `automatic`. InvalidArgument naming the flag for another text.
absl::StatusOr<autograd::DType> DTypeFromFlag(const std::string& text, autograd::DType automatic);

}  // namespace examples

#endif  // EXAMPLES_COMMON_DTYPE_FLAG_H_
