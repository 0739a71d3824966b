// Order statistics of lines: the k largest or smallest, the k-th, the median, the most frequent. NaN is the largest.
#pragma once

#include "base/dtype.h"
#include "kernels/lines.h"

namespace tapeless {

/// What is looked for in each line of x, of a real dtype, and put into `values` and `indices`. Of equal elements, the
/// index that is found is the one that PyTorch finds.
struct TopK {
    std::int64_t k;
    bool largest, sorted;
};
void top_of_lines(DType dtype, const Lines& lines, const void* x, TopK wanted, void* values,
                  std::int64_t* indices);
/// The k-th smallest, counted from 1.
void kth_of_lines(DType dtype, const Lines& lines, const void* x, std::int64_t k, void* values,
                  std::int64_t* indices);
/// The lower of two middle elements. With `ignores_nan` of those that are not NaN, else NaN if there is one.
void median_of_lines(DType dtype, const Lines& lines, const void* x, bool ignores_nan, void* values,
                     std::int64_t* indices);
/// The most frequent element, the smallest of several.
void mode_of_lines(DType dtype, const Lines& lines, const void* x, void* values, std::int64_t* indices);

/// The median of `count` elements, which are reordered; as median_of_lines, but without an index, and not of half types.
void median_of(DType dtype, void* x, std::int64_t count, bool ignores_nan, void* value);

}  // namespace tapeless
