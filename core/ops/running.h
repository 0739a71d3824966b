// Running results along a dimension, for other operations. All are recorded, and have rules for levels.
#pragma once

#include "tensor/tensor.h"

namespace tapeless {

/// Running sums, from the end if `reverse`; integers and bool add up in int64.
Tensor cumsum(const Tensor& x, std::int64_t dim, bool reverse = false);
Tensor cumprod(const Tensor& x, std::int64_t dim);
/// The products of all elements before each, and after it.
Tensor products_before(const Tensor& x, std::int64_t dim);
Tensor products_after(const Tensor& x, std::int64_t dim);

/// out[i] = b[i] + a[i] * out[i - 1], or from the end out[i] = b[i] + a[i + 1] * out[i + 1]. The first a is not read.
Tensor recurrence(const Tensor& a, const Tensor& b, std::int64_t dim, bool reverse);
/// x moved by one along dim towards the end, or towards the front; what comes free is 0.
Tensor shifted(const Tensor& x, std::int64_t dim, bool towards_front);
/// A mask of the first, or of the last, place along dim, with size 1 in x's other dimensions.
Tensor edge_along(const Tensor& x, std::int64_t dim, bool last);

}  // namespace tapeless
