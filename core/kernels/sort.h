// Stable sorting along lines: NaN counts as the largest, and -0 as equal to 0.
#pragma once

#include "base/dtype.h"
#include "kernels/lines.h"

namespace tapeless {

/// Sorts the lines of x, of a real dtype, into `values` (which may be null) and `indices`.
void sort_lines(DType dtype, const Lines& lines, const void* x, bool descending, void* values,
                std::int64_t* indices);

}  // namespace tapeless
