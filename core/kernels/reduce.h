// Sums with a fixed tree: blocks of kBlock elements, then pairs of blocks, whatever the threads and the fusion.
#pragma once

#include <cstdint>

#include "base/dims.h"
#include "base/dtype.h"
#include "kernels/program.h"

namespace tapeless {

/// The dtype that elements of `dtype` are added up in: float32 for halves, int64 for integers and bool.
DType sum_type(DType dtype);
/// Adds up one block of `dtype` into one accumulator of sum_type(dtype).
SumLoop sum_loop(DType dtype);
/// Adds `count` accumulators pairwise; the result is in the first.
void sum_pairs(DType accumulator, char* partials, std::int64_t count);

/// Sums of `rows` runs of `length` elements without gaps, `out` in sum_type(dtype).
void sum_rows(DType dtype, const char* in, std::int64_t rows, std::int64_t length, char* out);
/// Sums over the first of two dimensions: in is [outer][length][columns] without gaps, out [outer][columns].
void sum_columns(DType dtype, const char* in, std::int64_t outer, std::int64_t length, std::int64_t columns,
                 char* out);

}  // namespace tapeless
