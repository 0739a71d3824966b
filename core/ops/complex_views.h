// Complex numbers seen as pairs of real ones and back, for the nodes that write through such views.
#pragma once

#include "tensor/tensor.h"

namespace tapeless {

Tensor view_as_real(const Tensor& x);
Tensor view_as_complex(const Tensor& x);

}  // namespace tapeless
