// Diagonals, for other operations. All are recorded.
#pragma once

#include "tensor/tensor.h"

namespace tapeless {

/// The view of a diagonal, which becomes the last dimension: element i lies at i in dim1 and i + offset in dim2.
Tensor diagonal(const Tensor& x, std::int64_t offset, std::int64_t dim1, std::int64_t dim2);

}  // namespace tapeless
