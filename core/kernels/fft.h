// Discrete Fourier transforms of many rows: complex, from real numbers, and to real numbers.
#pragma once

#include <cstdint>
#include <vector>

#include "base/dtype.h"

namespace tapeless {

enum class FftKind : std::uint8_t {
    Complex,      ///< n complex numbers to n
    FromReal,     ///< n real numbers to the first n / 2 + 1 of n
    FromRealAll,  ///< n real numbers to n
    ToReal,       ///< the first n / 2 + 1 of n complex numbers, which are those of real numbers, to n
};

/// Rows of `length` numbers (the longer of a row's two sides) in `in`, and where their transforms go; in and out may be
/// the same rows. Offsets and strides count elements of their side.
struct FftRows {
    FftKind kind;
    DType real;  ///< Float32 or Float64: of both parts
    std::int64_t length;
    bool
        inverse;  ///< of Complex: by exp(+2 pi i jk / n); from real numbers it is forward, to real ones inverse
    double scale;
    const void* in;
    void* out;
    std::int64_t in_stride, out_stride;
    std::vector<std::int64_t> in_offsets, out_offsets;
};

/// Transforms all rows, several at once.
void fft(const FftRows& rows);

/// The primes that have a pass of their own; a length with a larger one becomes a convolution (Bluestein 1970).
inline constexpr std::int64_t kLargestRadix = 61;

}  // namespace tapeless
