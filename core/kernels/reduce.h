// Sums with a fixed tree: blocks of kBlock elements, then pairs of blocks, whatever the threads and the fusion.
#pragma once

#include <cstdint>

#include "base/dtype.h"
#include "kernels/fold.h"
#include "kernels/program.h"

namespace tapeless {

/// The dtype that elements of `dtype` are added up in: float32 for halves, int64 for integers and bool.
DType sum_type(DType dtype);
/// Adds up one block of `dtype` into one accumulator of sum_type(dtype).
SumLoop sum_loop(DType dtype);
/// Adds `count` accumulators pairwise; the result is in the first.
void sum_pairs(DType accumulator, char* partials, std::int64_t count);
/// Sums along the middle of `x`; `out` is [outer][columns] of sum_type(dtype).
void sum_along(DType dtype, const char* in, const Extents& x, char* out);

}  // namespace tapeless
