// Loops that look for the largest or smallest value: lanes side by side along rows, columns side by side across them.
#include "kernels/extreme.h"

#include <algorithm>
#include <vector>

#include "runtime/threads.h"

namespace tapeless {
namespace {

constexpr std::int64_t kBlock = 16 * 1024;  ///< elements that a chunk has at least
constexpr int kColumns = 256;               ///< columns whose state stays in the nearest cache

/// Whether y takes the place of x: it is beyond x, or NaN where x is not.
template <class T, Extreme which> bool beats(T y, T x) {
    const bool beyond = which == Extreme::Largest ? y > x : y < x;
    if constexpr (std::is_floating_point_v<T>) {
        return beyond | ((y != y) & (x == x));
    } else {
        return beyond;
    }
}

template <class T, Extreme which> T best_of(const T* x, std::int64_t length) {
    constexpr int lanes = static_cast<int>(64 / sizeof(T));
    T best[lanes];
    std::fill_n(best, lanes, x[0]);
    std::int64_t i = 0;
    for (; i + lanes <= length; i += lanes) {
        for (int lane = 0; lane < lanes; ++lane) {
            const T y = x[i + lane];
            best[lane] = beats<T, which>(y, best[lane]) ? y : best[lane];
        }
    }
    for (; i < length; ++i) best[0] = beats<T, which>(x[i], best[0]) ? x[i] : best[0];
    for (int lane = 1; lane < lanes; ++lane)
        best[0] = beats<T, which>(best[lane], best[0]) ? best[lane] : best[0];
    return best[0];
}

/// Where `value`, which is in the row, first stands.
template <class T> std::int64_t first_of(const T* x, std::int64_t length, T value) {
    constexpr std::int64_t step = 64;
    std::int64_t i = 0;
    for (; i + step <= length; i += step) {
        bool any = false;
        for (std::int64_t j = i; j < i + step; ++j)
            any |= (x[j] == value) | ((x[j] != x[j]) & (value != value));
        if (any) break;
    }
    while (!(x[i] == value || (x[i] != x[i] && value != value))) ++i;
    return i;
}

/// One long row, cut into blocks whose best values are compared afterwards.
template <class T, Extreme which> T best_of_long(const T* x, std::int64_t length) {
    const std::int64_t block = 4 * kBlock, blocks = (length + block - 1) / block;
    if (blocks <= 1) return best_of<T, which>(x, length);
    std::vector<T> best(static_cast<std::size_t>(blocks));
    parallel_blocks(length, block, [&](std::int64_t begin, std::int64_t end) {
        best[static_cast<std::size_t>(begin / block)] = best_of<T, which>(x + begin, end - begin);
    });
    return best_of<T, which>(best.data(), blocks);
}

template <class T, Extreme which>
void along_rows(const T* x, std::int64_t outer, std::int64_t length, T* values, std::int64_t* indices) {
    if (outer == 1) {
        const T best = best_of_long<T, which>(x, length);
        if (values) values[0] = best;
        if (indices) indices[0] = first_of(x, length, best);
        return;
    }
    parallel_blocks(outer, std::max<std::int64_t>(1, kBlock / length),
                    [&](std::int64_t begin, std::int64_t end) {
                        for (std::int64_t i = begin; i < end; ++i) {
                            const T* row = x + i * length;
                            const T best = best_of<T, which>(row, length);
                            if (values) values[i] = best;
                            if (indices) indices[i] = first_of(row, length, best);
                        }
                    });
}

/// A strip of `count` columns, `pitch` elements from one row to the next.
template <class T, Extreme which>
void strip(const T* x, std::int64_t length, std::int64_t pitch, int count, T* values, std::int64_t* indices) {
    T best[kColumns];
    std::int64_t where[kColumns];
    std::copy_n(x, count, best);
    std::fill_n(where, count, 0);
    for (std::int64_t i = 1; i < length; ++i) {
        const T* row = x + i * pitch;
        if (indices) {
            for (int j = 0; j < count; ++j) {
                const bool better = beats<T, which>(row[j], best[j]);
                best[j] = better ? row[j] : best[j];
                where[j] = better ? i : where[j];
            }
        } else {
            for (int j = 0; j < count; ++j) best[j] = beats<T, which>(row[j], best[j]) ? row[j] : best[j];
        }
    }
    if (values) std::copy_n(best, count, values);
    if (indices) std::copy_n(where, count, indices);
}

template <class T, Extreme which>
void across_rows(const T* x, std::int64_t outer, std::int64_t length, std::int64_t columns, T* values,
                 std::int64_t* indices) {
    const std::int64_t strips = (columns + kColumns - 1) / kColumns;
    const std::int64_t each = length * std::min<std::int64_t>(columns, kColumns);
    parallel_blocks(
        outer * strips, std::max<std::int64_t>(1, kBlock / each), [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t task = begin; task < end; ++task) {
                const std::int64_t i = task / strips, j = task % strips * kColumns, at = i * columns + j;
                strip<T, which>(x + i * length * columns + j, length, columns,
                                static_cast<int>(std::min<std::int64_t>(kColumns, columns - j)),
                                values ? values + at : nullptr, indices ? indices + at : nullptr);
            }
        });
}

template <class T, Extreme which>
void find(const void* x, std::int64_t outer, std::int64_t length, std::int64_t columns, void* values,
          std::int64_t* indices) {
    if (columns == 1) {
        along_rows<T, which>(static_cast<const T*>(x), outer, length, static_cast<T*>(values), indices);
    } else {
        across_rows<T, which>(static_cast<const T*>(x), outer, length, columns, static_cast<T*>(values),
                              indices);
    }
}

}  // namespace

void extreme(Extreme which, DType dtype, const void* x, std::int64_t outer, std::int64_t length,
             std::int64_t columns, void* values, std::int64_t* indices) {
    if (outer == 0 || columns == 0) return;
    visit(dtype == DType::Bool ? DType::UInt8 : dtype, [&]<class T>(Type<T>) {
        if constexpr (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) {
            which == Extreme::Largest
                ? find<T, Extreme::Largest>(x, outer, length, columns, values, indices)
                : find<T, Extreme::Smallest>(x, outer, length, columns, values, indices);
        } else {
            fail(ErrorKind::Runtime, "extreme: complex and half types have no loops");
        }
    });
}

}  // namespace tapeless
