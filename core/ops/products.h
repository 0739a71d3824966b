// Matrix products, for other operations. All are recorded; half types are multiplied in float32 and rounded once.
#pragma once

#include "tensor/tensor.h"

namespace tapeless {

/// The product by the ranks of x and y: dot, mv, mm, or batches of products that broadcast.
Tensor matmul(const Tensor& x, const Tensor& y);
/// (m, k) times (k, n).
Tensor mm(const Tensor& x, const Tensor& y);
/// (batch, m, k) times (batch, k, n).
Tensor bmm(const Tensor& x, const Tensor& y);
/// (m, k) times (k).
Tensor mv(const Tensor& x, const Tensor& y);
/// The sum of products of two vectors.
Tensor dot(const Tensor& x, const Tensor& y);
/// The sum of products of a conjugated vector and another.
Tensor vdot(const Tensor& x, const Tensor& y);
/// The product of each element of x with each of y.
Tensor outer(const Tensor& x, const Tensor& y);
/// beta * input + alpha * (x @ y); a beta of 0 ignores the input, NaN included.
Tensor addmm(const Tensor& input, const Tensor& x, const Tensor& y, const Scalar& beta, const Scalar& alpha);
/// The same for batches.
Tensor baddbmm(const Tensor& input, const Tensor& x, const Tensor& y, const Scalar& beta,
               const Scalar& alpha);

}  // namespace tapeless
