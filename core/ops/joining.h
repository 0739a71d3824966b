// Joining tensors, for other operations. Both are recorded.
#pragma once

#include <vector>

#include "tensor/tensor.h"

namespace tapeless {

/// The tensors one after another along dim; they agree in all other sizes and are promoted to one dtype.
Tensor cat(const std::vector<Tensor>& tensors, std::int64_t dim);
/// Tensors of one shape side by side along a new dimension.
Tensor stack(const std::vector<Tensor>& tensors, std::int64_t dim);

}  // namespace tapeless
