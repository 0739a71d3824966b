// Our own product loops, on the calling thread: small products, integers, and matrix times vector.
#pragma once

#include <cstdint>

namespace tapeless {

/// What a product multiplies. Integers wrap around, so that signed and unsigned are the same.
enum class GemmElement { F32, F64, C64, C128, I8, I16, I32, I64 };

/// Element (i, j) of a matrix lies at data + (i * row + j * col) * element size.
struct GemmMatrix {
    const void* data;
    std::int64_t row;
    std::int64_t col;
};

std::int64_t element_size(GemmElement element);

/// c (m x n, rows ldc apart) = a (m x k) b (k x n). Each element is summed in the order of k, product by
/// product without fused multiply-add: its bits depend neither on the instruction set nor on how c is cut
/// into pieces.
void own_gemm(GemmElement element, std::int64_t m, std::int64_t n, std::int64_t k, GemmMatrix a, GemmMatrix b,
              void* c, std::int64_t ldc);

/// out[i * step] = sum over p of a(i, p) x[p] for real types, where a.col == 1 and x is dense.
/// From 4 lines of 64 bytes on, the sum runs in lanes of 64 bytes that are folded in halves at the end;
/// below, in order.
void own_dots(GemmElement element, std::int64_t m, std::int64_t k, GemmMatrix a, const void* x, void* out,
              std::int64_t step);

}  // namespace tapeless
