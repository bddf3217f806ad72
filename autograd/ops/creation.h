// New tensors: constants, ranges and random numbers.
//
// Random tensors take a Generator (autograd/random/philox.h) explicitly and move it on: the same
// state of the generator gives the same bytes on any number of threads. All of these throw
// std::invalid_argument for a bad shape, a dtype they do not offer, or a value it cannot hold.
//
// Example:
//   Tensor zeros = Zeros({2, 3});
//   Tensor steps = Linspace(0, 1, 5, DType::kF64);   // [0, .25, .5, .75, 1]
//   Generator generator(42);
//   Tensor noise = Randn({2, 3}, generator);
//   Tensor order = Permutation(4, generator);
//   std::cout << zeros << steps << noise << order << "\n";
#ifndef AUTOGRAD_OPS_CREATION_H_
#define AUTOGRAD_OPS_CREATION_H_

#include "autograd/random/philox.h"
#include "autograd/tensor.h"

namespace autograd {

// Every element is 0, 1 or `value`. Any dtype; an integer or bool must hold the value exactly.
Tensor Zeros(const Shape& shape, DType dtype = DType::kF32);
Tensor Ones(const Shape& shape, DType dtype = DType::kF32);
Tensor Full(const Shape& shape, double value, DType dtype = DType::kF32);
// The same with the shape and dtype of x.
Tensor ZerosLike(const Tensor& x);
Tensor OnesLike(const Tensor& x);
Tensor FullLike(const Tensor& x, double value);

// start, start + step, ... before stop, as many as ceil((stop - start) / step); none if stop lies
// on the other side of start. Element i is start + i step, computed in f64 and rounded once. Throws
// for a step of 0 and for infinite arguments.
Tensor Arange(double start, double stop, double step = 1, DType dtype = DType::kF32);

// `count` numbers evenly spaced from start to stop, both included exactly; start alone for a count
// of 1. Computed in f64 from the nearer end and rounded once. f32, f64 and bf16.
Tensor Linspace(double start, double stop, int64_t count, DType dtype = DType::kF32);

// 1 on the diagonal of a matrix of n rows and n columns (or the given number), 0 elsewhere.
Tensor Eye(int64_t n, DType dtype = DType::kF32);
Tensor Eye(int64_t rows, int64_t columns, DType dtype);

// Uniform on [0, 1). f32 (multiples of 2^-24), f64 (of 2^-53) and bf16 (of 2^-8, those of f32
// rounded down).
Tensor Rand(const Shape& shape, Generator& generator, DType dtype = DType::kF32);
Tensor RandLike(const Tensor& x, Generator& generator);

// Normal with mean 0 and variance 1. f32, f64 and bf16 (those of f32, rounded).
Tensor Randn(const Shape& shape, Generator& generator, DType dtype = DType::kF32);
Tensor RandnLike(const Tensor& x, Generator& generator);

// Uniform integers in [low, high). i64 and i32. Throws unless low < high and both fit the dtype.
Tensor RandInt(int64_t low, int64_t high, const Shape& shape, Generator& generator,
               DType dtype = DType::kI64);

// bool, true with probability p. Throws unless 0 <= p <= 1.
Tensor Bernoulli(double p, const Shape& shape, Generator& generator);

// 0 ... n-1 in a random order, each equally likely; i64.
Tensor Permutation(int64_t n, Generator& generator);

}  // namespace autograd

#endif  // AUTOGRAD_OPS_CREATION_H_
