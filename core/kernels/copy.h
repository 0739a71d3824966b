// Moving elements: dtype conversion of blocks, gathering strided elements into a block and scattering them back.
#pragma once

#include <cstdint>

#include "base/dims.h"
#include "base/dtype.h"

namespace tapeless {

using ConvertLoop = void (*)(void* out, const void* in, std::int64_t count);
/// The loop that converts elements of `from` to `to`, both without gaps.
ConvertLoop convert_loop(DType from, DType to);

/// A walk over a strided operand in the order of a space: where element `start` lies, and runs from there.
/// Copies elements [start, start + count) of the operand into `out` without gaps.
void gather(char* out, const char* base, std::size_t element, const Dims& space, const Dims& strides,
            std::int64_t start, std::int64_t count);
/// The reverse: writes `count` elements that lie without gaps to where the strides say.
void scatter(char* base, const char* in, std::size_t element, const Dims& space, const Dims& strides,
             std::int64_t start, std::int64_t count);
/// `count` copies of one element.
void fill(char* out, const char* value, std::size_t element, std::int64_t count);

/// Joins neighbouring dimensions that every operand steps through as one; sizes and strides slowest first.
void collapse(Dims& space, Dims* const* strides, int operands);

}  // namespace tapeless
