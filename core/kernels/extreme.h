// The largest or smallest value of a row and where it first occurs; NaN beats every number.
#pragma once

#include <cstdint>

#include "base/dtype.h"

namespace tapeless {

enum class Extreme { Largest, Smallest };

/// x is [outer][length][columns], row-major, with a length of at least 1 and a real dtype that is not a half type.
/// `values` and `indices` are [outer][columns]; either may be null.
void extreme(Extreme which, DType dtype, const void* x, std::int64_t outer, std::int64_t length,
             std::int64_t columns, void* values, std::int64_t* indices);

}  // namespace tapeless
