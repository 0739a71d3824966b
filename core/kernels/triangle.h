// Triangles of matrices: what lies on one side of a diagonal is kept, the rest becomes zeros.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tapeless {

/// A batch of row-major matrices, `rows` rows in all, and the part of each that stays: the columns up to the diagonal
/// (lower), or from it on.
struct Triangle {
    std::int64_t rows, height, width, diagonal;
    bool lower;
};
/// Fills `out` from `in`, which may be the same; zeros are zero bytes in every dtype.
void keep_triangle(const Triangle& triangle, std::size_t element, char* out, const char* in);

}  // namespace tapeless
