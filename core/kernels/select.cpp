// Selection by partial orders. Which of several equal elements is found follows from the algorithm and the order of its
// comparisons, so these are PyTorch's: the C++ library's, and for the k-th Hoare's with the median of three.
#include "kernels/select.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "runtime/threads.h"

namespace tapeless {
namespace {

template <class T> bool is_nan(T x) { return x != x; }
/// Whether x comes before y in rising, or falling, order; NaN is the largest.
template <class T> bool below(T x, T y) { return (is_nan(y) && !is_nan(x)) || x < y; }
template <class T> bool above(T x, T y) { return (is_nan(x) && !is_nan(y)) || x > y; }

/// An element, half types widened, with where it stood.
template <class T> struct Entry {
    T value;
    std::int64_t index;
};
template <class T> using Entries = std::vector<Entry<T>>;

template <class T> using Widened = std::conditional_t<sizeof(T) == 2 && !std::is_integral_v<T>, float, T>;

/// Calls `find(entries, values, indices)` for each line, with where its results go.
template <class T, class Find>
void for_each_line(const Lines& lines, const void* given, void* values, std::int64_t* indices, Find find) {
    using W = Widened<T>;
    const T* x = static_cast<const T*>(given);
    auto work = [&](std::int64_t first, std::int64_t last) {
        Entries<W> entries(static_cast<std::size_t>(lines.length));
        for (std::int64_t line = first; line < last; ++line) {
            const auto [from, to] = lines.start(line);
            for (std::int64_t i = 0; i < lines.length; ++i)
                entries[static_cast<std::size_t>(i)] = {convert<W>(x[from + i * lines.from_step]), i};
            find(entries, static_cast<T*>(values) + to, indices + to);
        }
    };
    const std::int64_t count = lines.count(), block = std::max<std::int64_t>(1, 4096 / lines.length);
    if (count <= block) return work(0, count);
    parallel_blocks(count, block, work);
}

/// The same for a visitor of the dtype, who gets the types of elements and entries.
template <class Visitor> void visit_ordered(DType dtype, Visitor visitor) {
    visit(dtype, [&]<class T>(Type<T> type) {
        if constexpr (is_complex_type<T>) {
            fail(ErrorKind::Runtime, "select: complex numbers have no order");
        } else {
            visitor(type);
        }
    });
}

template <class T, class Before> void top(Entries<T>& entries, TopK wanted, Before before) {
    const auto first = entries.begin(), kth = first + wanted.k;
    if (wanted.k * 64 <= static_cast<std::int64_t>(entries.size())) {
        std::partial_sort(first, kth, entries.end(), before);
        return;
    }
    std::nth_element(first, kth - 1, entries.end(), before);
    if (wanted.sorted) std::sort(first, kth - 1, before);
}

/// Moves the element that sorting would put at k there: [low, high] shrinks around k, between elements that are in place.
template <class T> void select(Entries<T>& entries, std::int64_t k) {
    Entry<T>* const at = entries.data();
    auto in_order = [&](std::int64_t i, std::int64_t j) {
        if (above(at[i].value, at[j].value)) std::swap(at[i], at[j]);
    };
    std::int64_t low = 0, high = static_cast<std::int64_t>(entries.size()) - 1;
    while (high > low + 1) {
        std::swap(at[low + (high - low) / 2], at[low + 1]);
        in_order(low + 1, high);
        in_order(low, high);
        in_order(low + 1, low);
        const T pivot = at[low].value;
        std::int64_t i = low + 1, j = high;
        for (;;) {
            while (above(pivot, at[++i].value)) {
            }
            while (above(at[--j].value, pivot)) {
            }
            if (j < i) break;
            std::swap(at[i], at[j]);
        }
        std::swap(at[low], at[j]);
        if (j <= k) low = i;
        if (j >= k) high = j - 1;
    }
    if (high == low + 1) in_order(low, high);
}

template <class T> Entry<T> median(Entries<T>& entries, bool ignores_nan) {
    const auto nan = [](const Entry<T>& entry) { return is_nan(entry.value); };
    const auto first_nan = std::find_if(entries.begin(), entries.end(), nan);
    if (!ignores_nan && first_nan != entries.end()) return *first_nan;
    const auto count =
        static_cast<std::int64_t>(entries.size()) - std::count_if(first_nan, entries.end(), nan);
    const auto middle = entries.begin() + std::max<std::int64_t>(count - 1, 0) / 2;
    std::nth_element(entries.begin(), middle, entries.end(), [](const Entry<T>& x, const Entry<T>& y) {
        return below(x.value, y.value) || (!below(y.value, x.value) && x.index < y.index);
    });
    return *middle;
}

template <class T> Entry<T> mode(Entries<T>& entries) {
    std::sort(entries.begin(), entries.end(),
              [](const Entry<T>& x, const Entry<T>& y) { return below(x.value, y.value); });
    Entry<T> most{};
    std::size_t largest = 0, start = 0;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        if (i + 1 < entries.size() && entries[i].value == entries[i + 1].value) continue;
        if (i + 1 - start > largest) {
            largest = i + 1 - start;
            most = entries[i];
        }
        start = i + 1;
    }
    return most;
}

template <class T, class W> void put(const Entry<W>& entry, T* value, std::int64_t* index) {
    *value = convert<T>(entry.value);
    *index = entry.index;
}

}  // namespace

void top_of_lines(DType dtype, const Lines& lines, const void* x, TopK wanted, void* values,
                  std::int64_t* indices) {
    visit_ordered(dtype, [&]<class T>(Type<T>) {
        using W = Widened<T>;
        for_each_line<T>(lines, x, values, indices, [&](Entries<W>& entries, T* to, std::int64_t* at) {
            if (wanted.largest) {
                top(entries, wanted,
                    [](const Entry<W>& a, const Entry<W>& b) { return above(a.value, b.value); });
            } else {
                top(entries, wanted,
                    [](const Entry<W>& a, const Entry<W>& b) { return below(a.value, b.value); });
            }
            for (std::int64_t i = 0; i < wanted.k; ++i)
                put(entries[static_cast<std::size_t>(i)], to + i * lines.to_step, at + i * lines.to_step);
        });
    });
}

void kth_of_lines(DType dtype, const Lines& lines, const void* x, std::int64_t k, void* values,
                  std::int64_t* indices) {
    visit_ordered(dtype, [&]<class T>(Type<T>) {
        for_each_line<T>(lines, x, values, indices, [&](auto& entries, T* to, std::int64_t* at) {
            select(entries, k - 1);
            put(entries[static_cast<std::size_t>(k - 1)], to, at);
        });
    });
}

void median_of_lines(DType dtype, const Lines& lines, const void* x, bool ignores_nan, void* values,
                     std::int64_t* indices) {
    visit_ordered(dtype, [&]<class T>(Type<T>) {
        for_each_line<T>(lines, x, values, indices, [&](auto& entries, T* to, std::int64_t* at) {
            put(median(entries, ignores_nan), to, at);
        });
    });
}

void mode_of_lines(DType dtype, const Lines& lines, const void* x, void* values, std::int64_t* indices) {
    visit_ordered(dtype, [&]<class T>(Type<T>) {
        for_each_line<T>(lines, x, values, indices,
                         [&](auto& entries, T* to, std::int64_t* at) { put(mode(entries), to, at); });
    });
}

void median_of(DType dtype, void* x, std::int64_t count, bool ignores_nan, void* value) {
    visit_ordered(dtype, [&]<class T>(Type<T>) {
        if constexpr (std::is_same_v<T, Widened<T>>) {
            T* const first = static_cast<T*>(x);
            T* const numbers =
                std::partition(first, first + count, [](T element) { return !is_nan(element); });
            const std::int64_t left = numbers - first, middle = std::max<std::int64_t>(left - 1, 0) / 2;
            const bool nan = left == 0 || (left < count && !ignores_nan);
            if (!nan) std::nth_element(first, first + middle, numbers);
            *static_cast<T*>(value) = nan ? *numbers : first[middle];
        } else {
            fail(ErrorKind::Runtime, "median: half types are widened first");
        }
    });
}

}  // namespace tapeless
