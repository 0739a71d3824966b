// Largest and smallest values, for other operations. What is differentiable is recorded.
#pragma once

#include <optional>
#include <utility>

#include "tensor/tensor.h"

namespace tapeless {

/// The largest value; equal ones share the gradient.
Tensor max(const Tensor& x);
Tensor min(const Tensor& x);
/// The largest value along dim and the first index where it stands, which takes the gradient.
std::pair<Tensor, Tensor> max(const Tensor& x, std::int64_t dim, bool keepdim);
std::pair<Tensor, Tensor> min(const Tensor& x, std::int64_t dim, bool keepdim);
/// The largest value over dimensions, empty: all; equal ones share the gradient.
Tensor amax(const Tensor& x, const Dims& dims, bool keepdim);
Tensor amin(const Tensor& x, const Dims& dims, bool keepdim);
/// The largest value of each element and those before it along dim, and the last index where it stood.
std::pair<Tensor, Tensor> cummax(const Tensor& x, std::int64_t dim);
std::pair<Tensor, Tensor> cummin(const Tensor& x, std::int64_t dim);
/// The first index of the largest value along dim, or in row-major order.
Tensor argmax(const Tensor& x, std::optional<std::int64_t> dim, bool keepdim);
Tensor argmin(const Tensor& x, std::optional<std::int64_t> dim, bool keepdim);
/// Whether all, or any, elements are not zero. Null dims: of the whole tensor; empty: of each element.
Tensor all(const Tensor& x, std::optional<Dims> dims, bool keepdim);
Tensor any(const Tensor& x, std::optional<Dims> dims, bool keepdim);

}  // namespace tapeless
