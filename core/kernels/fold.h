// Folds with a fixed tree: blocks of kBlock elements in sixteen lanes, then pairs of blocks, whatever the threads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/dtype.h"
#include "kernels/program.h"
#include "runtime/threads.h"

namespace tapeless {

/// A row-major tensor [outer][length][columns]; what is worked on lies along `length`.
struct Extents {
    std::int64_t outer = 1, length = 1, columns = 1;
    std::int64_t numel() const { return outer * length * columns; }
};

namespace fold_detail {

/// Integers wrap around.
struct Plus {
    template <class A> static A identity() { return A{}; }
    template <class A> static A of(A x, A y) {
        if constexpr (std::is_integral_v<A>) {
            return static_cast<A>(static_cast<std::uint64_t>(x) + static_cast<std::uint64_t>(y));
        } else {
            return x + y;
        }
    }
};
struct Times {
    template <class A> static A identity() { return convert<A>(1); }
    template <class A> static A of(A x, A y) {
        if constexpr (std::is_integral_v<A>) {
            return static_cast<A>(static_cast<std::uint64_t>(x) * static_cast<std::uint64_t>(y));
        } else {
            return x * y;
        }
    }
};

/// What elements of T are added up in where the result is rounded to T at the end.
template <class T> struct WideOf {
    using type = std::conditional_t<std::is_integral_v<T>, std::int64_t,
                                    std::conditional_t<is_complex_type<T>, Complex<double>, double>>;
};
template <class T> using Wide = typename WideOf<T>::type;

constexpr int kLanes = 16;
constexpr std::int64_t kWorth = 1 << 15;  // Elements below which a second thread costs more than it brings.
constexpr std::int64_t kStrip = 512;      // Columns whose sums stay in the nearest cache.

/// How many columns a thread takes at a time: long runs of each row, but enough strips for all. Columns do not meet, so
/// no bit depends on it.
inline std::int64_t strip_width(const Extents& x) {
    const std::int64_t share = (x.outer * x.columns + thread_count() - 1) / thread_count();
    return std::min({kStrip, x.columns, std::max<std::int64_t>(64, (share + 15) / 16 * 16)});
}

/// Folds get(first), ..., get(first + count - 1).
template <class Op, class A, class Get> A block_fold(std::int64_t first, std::int64_t count, Get get) {
    std::int64_t i = 0;
    if (count < kLanes) {
        A folded = Op::template identity<A>();
        for (; i < count; ++i) folded = Op::of(folded, get(first + i));
        return folded;
    }
    A lanes[kLanes];
    std::fill_n(lanes, kLanes, Op::template identity<A>());
    for (; i + kLanes <= count; i += kLanes) {
        for (int l = 0; l < kLanes; ++l) lanes[l] = Op::of(lanes[l], get(first + i + l));
    }
    for (int l = 0; i + l < count; ++l) lanes[l] = Op::of(lanes[l], get(first + i + l));
    for (int half = kLanes / 2; half > 0; half /= 2) {
        for (int l = 0; l < half; ++l) lanes[l] = Op::of(lanes[l], lanes[l + half]);
    }
    return lanes[0];
}

/// The tree over partial results: neighbours first, so that its shape depends on the count alone.
template <class Op, class A> A tree(A* partials, std::int64_t count) {
    for (; count > 1; count = (count + 1) / 2) {
        for (std::int64_t i = 0; i < count / 2; ++i)
            partials[i] = Op::of(partials[2 * i], partials[2 * i + 1]);
        if (count % 2) partials[count / 2] = partials[count - 1];
    }
    return partials[0];
}

/// One row; `shared`: by all threads.
template <class Op, class A, class Get>
A row_fold(std::int64_t first, std::int64_t length, bool shared, std::vector<A>& partials, Get get) {
    if (length <= kBlock) return block_fold<Op, A>(first, length, get);
    const std::int64_t blocks = (length + kBlock - 1) / kBlock;
    partials.resize(static_cast<std::size_t>(blocks));
    auto some = [&](std::int64_t from, std::int64_t to) {
        for (std::int64_t b = from; b < to; ++b) {
            const std::int64_t at = b * kBlock;
            partials[static_cast<std::size_t>(b)] =
                block_fold<Op, A>(first + at, std::min(kBlock, length - at), get);
        }
    };
    shared ? parallel_blocks(blocks, kWorth / 2 / kBlock, some) : some(0, blocks);
    return tree<Op>(partials.data(), blocks);
}

/// Rows [first, last) of a strip of columns; halves the range so that errors stay small.
template <class Op, class A, class Get>
void column_fold(std::int64_t first, std::int64_t last, std::int64_t width, A* folded, Get get) {
    constexpr std::int64_t kRun = 64;
    if (last - first <= kRun) {
        std::fill_n(folded, width, Op::template identity<A>());
        for (std::int64_t r = first; r < last; ++r) {
            for (std::int64_t c = 0; c < width; ++c) folded[c] = Op::of(folded[c], get(r, c));
        }
        return;
    }
    std::int64_t half = kRun;
    while (half * 2 < last - first) half *= 2;
    A more[kStrip];
    column_fold<Op, A>(first, first + half, width, folded, get);
    column_fold<Op, A>(first + half, last, width, more, get);
    for (std::int64_t c = 0; c < width; ++c) folded[c] = Op::of(folded[c], more[c]);
}

template <class Op, class A, class Term, class Finish>
void fold_rows(const Extents& x, Term term, Finish finish) {
    const bool large = x.outer * x.length >= kWorth, few = x.outer < 16;
    auto work = [&](std::int64_t first, std::int64_t last) {
        std::vector<A> partials;
        for (std::int64_t r = first; r < last; ++r) {
            finish(r, row_fold<Op, A>(r * x.length, x.length, large && few, partials,
                                      [&](std::int64_t at) { return term(at, r); }));
        }
    };
    if (!large || few) return work(0, x.outer);
    parallel_blocks(x.outer, std::max<std::int64_t>(1, kWorth / 4 / std::max<std::int64_t>(x.length, 1)),
                    work);
}

template <class Op, class A, class Term, class Finish>
void fold_columns(const Extents& x, Term term, Finish finish) {
    const std::int64_t across = std::max<std::int64_t>(1, strip_width(x));
    const std::int64_t strips = (x.columns + across - 1) / across;
    auto work = [&](std::int64_t first, std::int64_t last) {
        A folded[kStrip];
        for (std::int64_t i = first; i < last; ++i) {
            const std::int64_t o = i / strips, begin = i % strips * across;
            const std::int64_t width = std::min(across, x.columns - begin);
            const std::int64_t from = o * x.length * x.columns + begin, to = o * x.columns + begin;
            column_fold<Op, A>(0, x.length, width, folded, [&](std::int64_t r, std::int64_t c) {
                return term(from + r * x.columns + c, to + c);
            });
            for (std::int64_t c = 0; c < width; ++c) finish(to + c, folded[c]);
        }
    };
    const std::int64_t each = std::max<std::int64_t>(1, x.length * across);
    if (x.numel() < kWorth) return work(0, x.outer * strips);
    parallel_blocks(x.outer * strips, std::max<std::int64_t>(1, kWorth / 4 / each), work);
}

/// Folds term(element, result) of each element, by their row-major numbers, and hands each fold to finish(result, A).
template <class Op, class A, class Term, class Finish> void fold(const Extents& x, Term term, Finish finish) {
    x.columns == 1 ? fold_rows<Op, A>(x, term, finish) : fold_columns<Op, A>(x, term, finish);
}

}  // namespace fold_detail
}  // namespace tapeless
