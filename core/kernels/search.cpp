// Binary search by halving, and histograms whose partial counts depend on the number of points alone.
#include "kernels/search.h"

#include <algorithm>

#include "runtime/threads.h"

namespace tapeless {
namespace {

constexpr std::int64_t kValues = 4096;  ///< values that a thread takes at a time

/// The first place in [0, length) that `passes` not; the places that it passes come first.
template <class Passes> std::int64_t first_not(std::int64_t length, Passes passes) {
    std::int64_t start = 0;
    while (length > 0) {
        const std::int64_t half = length / 2;
        const bool further = passes(start + half);
        start = further ? start + half + 1 : start;
        length = further ? length - half - 1 : half;
    }
    return start;
}

template <class T>
std::int64_t place_of(const T* row, const std::int64_t* sorter, std::int64_t length, T value, bool right) {
    const auto at = [&](std::int64_t i) { return row[sorter ? sorter[i] : i]; };
    if (right) return first_not(length, [&](std::int64_t i) { return !(at(i) > value); });
    return first_not(length, [&](std::int64_t i) { return !(at(i) >= value); });
}

/// Real dtypes in which comparisons are made.
template <class Visitor> void visit_compared(DType dtype, Visitor visitor) {
    visit(dtype, [&]<class T>(Type<T> type) {
        if constexpr (std::is_arithmetic_v<T>) {
            visitor(type);
        } else {
            fail(ErrorKind::Runtime, "search: complex and half types have no loops");
        }
    });
}

template <class P, class T> void search_all(const Search& search, P* out) {
    const T* bounds = static_cast<const T*>(search.bounds);
    const T* values = static_cast<const T*>(search.values);
    const std::int64_t each = search.count / std::max<std::int64_t>(search.rows, 1);
    parallel_blocks(search.count, kValues, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
            const std::int64_t row = search.rows == 1 ? 0 : i / each * search.length;
            out[i] = static_cast<P>(place_of(bounds + row, search.sorter ? search.sorter + row : nullptr,
                                             search.length, values[i], search.right));
        }
    });
}

/// Edges as numbers, and how the dtype rounds: half types after every step, as PyTorch's arithmetic on them does.
template <class T> struct Ruler {
    using W = std::conditional_t<sizeof(T) == 2, float, T>;
    const T* edges;
    std::int64_t count;
    W first, last;

    explicit Ruler(const Axis& axis)
        : edges(static_cast<const T*>(axis.edges)),
          count(axis.count),
          first(convert<W>(edges[0])),
          last(convert<W>(edges[count - 1])) {}

    static W rounded(W value) { return convert<W>(convert<T>(value)); }
    /// The first edge in [low, high) beyond the value.
    std::int64_t beyond(W value, std::int64_t low, std::int64_t high) const {
        return low +
               first_not(high - low, [&](std::int64_t i) { return !(value < convert<W>(edges[low + i])); });
    }
    /// The bin of a value, or -1.
    std::int64_t bin(W value, Binning binning) const {
        if (!(value >= first && value <= last)) return -1;
        std::int64_t found;
        if (binning == Binning::Search) {
            found = beyond(value, 0, count) - 1;
        } else {
            const W scaled = rounded(rounded(value - first) * rounded(static_cast<W>(count - 1)));
            found = static_cast<std::int64_t>(rounded(scaled / rounded(last - first)));
            if (binning == Binning::Near)
                found = beyond(value, std::max<std::int64_t>(0, found - 1), std::min(found + 2, count)) - 1;
        }
        return std::min(found, count - 2);
    }
};

template <class T>
void add_points(const T* points, std::int64_t begin, std::int64_t end, const std::vector<Ruler<T>>& rulers,
                const T* weights, Binning binning, double* bins) {
    using W = typename Ruler<T>::W;
    for (std::int64_t i = begin; i < end; ++i) {
        const T* point = points + i * static_cast<std::int64_t>(rulers.size());
        std::int64_t at = 0;
        for (const Ruler<T>& ruler : rulers) {
            const std::int64_t bin = ruler.bin(convert<W>(*point++), binning);
            if (bin < 0) {
                at = -1;
                break;
            }
            at = at * (ruler.count - 1) + bin;
        }
        if (at >= 0) bins[at] += weights ? static_cast<double>(convert<W>(weights[i])) : 1.0;
    }
}

}  // namespace

void search_rows(DType dtype, const Search& search, DType places, void* out) {
    visit_compared(dtype, [&]<class T>(Type<T>) {
        places == DType::Int32 ? search_all<std::int32_t, T>(search, static_cast<std::int32_t*>(out))
                               : search_all<std::int64_t, T>(search, static_cast<std::int64_t*>(out));
    });
}

void occurs_in_row(DType dtype, const Search& search, bool inverts, bool* out) {
    visit_compared(dtype, [&]<class T>(Type<T>) {
        const T* bounds = static_cast<const T*>(search.bounds);
        const T* values = static_cast<const T*>(search.values);
        std::int64_t length = search.length;  // Without NaN, which comes last and has no place in an order.
        while (length > 0 && bounds[length - 1] != bounds[length - 1]) --length;
        parallel_blocks(search.count, kValues, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i) {
                const std::int64_t at = place_of(bounds, nullptr, length, values[i], false);
                out[i] = (at < length && bounds[at] == values[i]) != inverts;
            }
        });
    });
}

void histogram(DType dtype, const void* points, std::int64_t count, const std::vector<Axis>& axes,
               const void* weights, Binning binning, void* bins) {
    visit(dtype, [&]<class T>(Type<T>) {
        if constexpr (std::is_integral_v<T> || is_complex_type<T>) {
            fail(ErrorKind::Runtime, "histogram: only floating dtypes have loops");
        } else {
            std::vector<Ruler<T>> rulers;
            std::size_t size = 1;
            for (const Axis& axis : axes) {
                rulers.emplace_back(axis);
                size *= static_cast<std::size_t>(axis.count - 1);
            }
            // At most 16 partial histograms, so that many bins do not cost more than the points.
            const std::int64_t block = std::max<std::int64_t>(1 << 15, (count + 15) / 16);
            const std::int64_t blocks = std::max<std::int64_t>((count + block - 1) / block, 1);
            std::vector<double> partial(size * static_cast<std::size_t>(blocks));
            parallel_blocks(count, block, [&](std::int64_t begin, std::int64_t end) {
                add_points(static_cast<const T*>(points), begin, end, rulers, static_cast<const T*>(weights),
                           binning, partial.data() + size * static_cast<std::size_t>(begin / block));
            });
            for (std::size_t i = size; i < partial.size(); ++i) partial[i % size] += partial[i];
            for (std::size_t i = 0; i < size; ++i) static_cast<T*>(bins)[i] = convert<T>(partial[i]);
        }
    });
}

void count_into(const std::int64_t* index, std::int64_t count, std::int64_t* bins) {
    for (std::int64_t i = 0; i < count; ++i) ++bins[index[i]];
}

void add_into(DType dtype, const std::int64_t* index, std::int64_t count, const void* weights, void* bins) {
    visit(dtype, [&]<class T>(Type<T>) {
        if constexpr (std::is_floating_point_v<T>) {
            for (std::int64_t i = 0; i < count; ++i)
                static_cast<T*>(bins)[index[i]] += static_cast<const T*>(weights)[i];
        } else {
            fail(ErrorKind::Runtime, "bincount: weights are float32 or float64");
        }
    });
}

}  // namespace tapeless
