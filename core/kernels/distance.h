// Distances of all pairs of rows of two matrices, and their gradients, for any p-norm.
#pragma once

#include <cstdint>

#include "base/dtype.h"

namespace tapeless {

/// Two batches of matrices [batch, rows, width] and [batch, others, width], dense; float32 or float64.
struct RowPairs {
    DType dtype;
    std::int64_t batch, rows, others, width;
    const void *x, *y;
};

/// The distances [batch, rows, others] by the norm of that p: 0, positive, or infinite.
void pair_distances(const RowPairs& pairs, double p, void* out);

/// The gradient [batch, rows, width] for x; `g` and `distances` are [batch, rows, others].
/// Where a distance has no derivative its share is 0.
void pair_gradients(const RowPairs& pairs, double p, const void* g, const void* distances, void* out);

}  // namespace tapeless
