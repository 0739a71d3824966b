// The exponential of square matrices.
#pragma once

#include <cstdint>

#include "base/dtype.h"

namespace tapeless {

/// Fills `out` with the exponentials of `count` row-major n x n matrices of float64 or complex128.
void matrix_exp(DType dtype, std::int64_t count, std::int64_t n, const char* in, char* out);

}  // namespace tapeless
