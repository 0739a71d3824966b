// Vector products in three dimensions.
#pragma once

#include <cstdint>

#include "base/dtype.h"

namespace tapeless {

/// out = a x b for row-major [outer][3][inner] operands of one dtype that is no bool.
void cross(DType dtype, std::int64_t outer, std::int64_t inner, const char* a, const char* b, char* out);

}  // namespace tapeless
