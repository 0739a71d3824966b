// Sums with a fixed tree: sixteen lanes per block, so that the loop is packed, then a tree over lanes and over blocks.
#include "kernels/reduce.h"

#include <algorithm>
#include <vector>

#include "runtime/threads.h"

namespace tapeless {
namespace {

template <class T> struct Accumulator {
    using type = std::conditional_t<std::is_integral_v<T>, std::int64_t, T>;
};
template <> struct Accumulator<Half> {
    using type = float;
};
template <> struct Accumulator<BFloat16> {
    using type = float;
};

constexpr int kLanes = 16;

/// Integers wrap around.
template <class A> A plus(A x, A y) {
    if constexpr (std::is_integral_v<A>) {
        return static_cast<A>(static_cast<std::uint64_t>(x) + static_cast<std::uint64_t>(y));
    } else {
        return x + y;
    }
}

template <class T> typename Accumulator<T>::type block_sum(const T* values, std::int64_t count) {
    using A = typename Accumulator<T>::type;
    A lanes[kLanes] = {};
    std::int64_t i = 0;
    for (; i + kLanes <= count; i += kLanes) {
        for (int l = 0; l < kLanes; ++l) lanes[l] = plus(lanes[l], convert<A>(values[i + l]));
    }
    for (int l = 0; i + l < count; ++l) lanes[l] = plus(lanes[l], convert<A>(values[i + l]));
    for (int half = kLanes / 2; half > 0; half /= 2) {
        for (int l = 0; l < half; ++l) lanes[l] = plus(lanes[l], lanes[l + half]);
    }
    return lanes[0];
}

/// The tree over partial sums: neighbours first, so that its shape depends on the count alone.
template <class A> void tree(A* partials, std::int64_t count) {
    for (; count > 1; count = (count + 1) / 2) {
        for (std::int64_t i = 0; i < count / 2; ++i) partials[i] = plus(partials[2 * i], partials[2 * i + 1]);
        if (count % 2) partials[count / 2] = partials[count - 1];
    }
}

template <class T>
typename Accumulator<T>::type row_sum(const T* values, std::int64_t length,
                                      std::vector<typename Accumulator<T>::type>& partials) {
    if (length <= kBlock) return block_sum(values, length);
    partials.clear();
    for (std::int64_t at = 0; at < length; at += kBlock) {
        partials.push_back(block_sum(values + at, std::min(kBlock, length - at)));
    }
    tree(partials.data(), static_cast<std::int64_t>(partials.size()));
    return partials[0];
}

/// Adds rows [first, last) of a [.., columns] run into sums; halves the range so that errors stay small.
template <class T, class A>
void column_tree(const T* in, std::int64_t first, std::int64_t last, std::int64_t columns, std::int64_t begin,
                 std::int64_t width, A* sums) {
    constexpr std::int64_t kRun = 64;
    if (last - first <= kRun) {
        std::fill_n(sums, width, A{});
        for (std::int64_t r = first; r < last; ++r) {
            const T* row = in + r * columns + begin;
            for (std::int64_t c = 0; c < width; ++c) sums[c] = plus(sums[c], convert<A>(row[c]));
        }
        return;
    }
    std::int64_t half = kRun;
    while (half * 2 < last - first) half *= 2;
    A more[kBlock];
    column_tree(in, first, first + half, columns, begin, width, sums);
    column_tree(in, first + half, last, columns, begin, width, more);
    for (std::int64_t c = 0; c < width; ++c) sums[c] = plus(sums[c], more[c]);
}

constexpr std::int64_t kWorth = 1 << 15;  // Elements below which a second thread costs more than it brings.

}  // namespace

DType sum_type(DType dtype) {
    if (is_half(dtype)) return DType::Float32;
    return is_integral(dtype) ? DType::Int64 : dtype;
}

SumLoop sum_loop(DType dtype) {
    return visit(dtype, []<class T>(Type<T>) -> SumLoop {
        return [](void* partial, const void* in, std::int64_t count) {
            *static_cast<typename Accumulator<T>::type*>(partial) =
                block_sum(static_cast<const T*>(in), count);
        };
    });
}

void sum_pairs(DType accumulator, char* partials, std::int64_t count) {
    visit(accumulator, [&]<class A>(Type<A>) {
        if constexpr (std::is_same_v<A, typename Accumulator<A>::type>)
            tree(reinterpret_cast<A*>(partials), count);
    });
}

void sum_rows(DType dtype, const char* in, std::int64_t rows, std::int64_t length, char* out) {
    visit(dtype, [&]<class T>(Type<T>) {
        using A = typename Accumulator<T>::type;
        const T* values = reinterpret_cast<const T*>(in);
        A* sums = reinterpret_cast<A*>(out);
        auto work = [&](std::int64_t first, std::int64_t last) {
            std::vector<A> partials;
            for (std::int64_t r = first; r < last; ++r)
                sums[r] = row_sum(values + r * length, length, partials);
        };
        if (rows * length < kWorth || rows == 1) return work(0, rows);
        parallel_blocks(rows, std::max<std::int64_t>(1, kWorth / 4 / std::max<std::int64_t>(length, 1)),
                        work);
    });
}

void sum_columns(DType dtype, const char* in, std::int64_t outer, std::int64_t length, std::int64_t columns,
                 char* out) {
    visit(dtype, [&]<class T>(Type<T>) {
        using A = typename Accumulator<T>::type;
        const T* values = reinterpret_cast<const T*>(in);
        A* sums = reinterpret_cast<A*>(out);
        const std::int64_t strips = (columns + kBlock - 1) / kBlock;
        auto work = [&](std::int64_t first, std::int64_t last) {
            for (std::int64_t i = first; i < last; ++i) {
                const std::int64_t o = i / strips, begin = i % strips * kBlock;
                column_tree(values + o * length * columns, 0, length, columns, begin,
                            std::min(kBlock, columns - begin), sums + o * columns + begin);
            }
        };
        if (outer * length * columns < kWorth) return work(0, outer * strips);
        parallel_for(outer * strips, work);
    });
}

}  // namespace tapeless
