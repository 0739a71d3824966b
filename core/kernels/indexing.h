// Elements read or written where an index says: whole rows at offsets, and single elements along one dimension.
#pragma once

#include <cstdint>

#include "base/dims.h"
#include "base/dtype.h"

namespace tapeless {

/// What happens to an element that is written: it is replaced, added to, multiplied, or kept if it is larger or smaller
/// (NaN is both). Repeats are served in the index's order. Complex numbers have no order.
enum class Placement { Write, Add, Multiply, Largest, Least };

/// Rows of a tensor: for each point of `before` and each of `count` offsets, the block `after`. Sizes and strides in
/// elements, slowest dimension first.
struct Rows {
    Dims before, before_strides, after, after_strides;
    const std::int64_t* offsets;
    std::int64_t count;
};
/// Copies the rows of x into `out`, which is row-major: before, offsets, after.
void take_rows(char* out, const char* x, std::size_t element, Rows rows);
/// Stores `source`, row-major as above, into the rows of x.
void put_rows(DType dtype, Placement store, char* x, const char* source, Rows rows);

/// An index with `sizes`, row-major, that says where along `dim` an element of x lies; its other coordinates are the
/// index's own. `strides` are x's, `others` those of the tensor on the other side.
struct Along {
    Dims sizes;
    int dim;
    const std::int64_t* index;
    Dims strides, others;
};
/// out[point] = x[point with the index along dim].
void take_along(char* out, const char* x, std::size_t element, const Along& along);
/// x[point with the index along dim] replaced by or combined with source[point].
void put_along(DType dtype, Placement store, char* x, const char* source, const Along& along);

/// The first of `count` numbers outside [low, high), or -1 if there is none.
std::int64_t first_outside(const std::int64_t* index, std::int64_t count, std::int64_t low,
                           std::int64_t high);

}  // namespace tapeless
