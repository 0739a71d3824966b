// The lines of a tensor along one dimension, for kernels that work on one line at a time: where each lies in two tensors.
#pragma once

#include <cstdint>

#include "base/dims.h"

namespace tapeless {

/// Lines of `length` elements along a dimension; `sizes` are the other dimensions. Strides and steps in elements:
/// `from` in the tensor that is read, `to` in the tensors that are written.
struct Lines {
    std::int64_t length, from_step, to_step;
    Dims sizes, from, to;

    std::int64_t count() const { return product(sizes); }
    /// Where line `number` begins in the two.
    std::pair<std::int64_t, std::int64_t> start(std::int64_t number) const {
        std::int64_t read = 0, written = 0;
        for (int d = sizes.size() - 1; d >= 0; --d) {
            const std::int64_t at = number % sizes[d];
            number /= sizes[d];
            read += at * from[d];
            written += at * to[d];
        }
        return {read, written};
    }
};

}  // namespace tapeless
