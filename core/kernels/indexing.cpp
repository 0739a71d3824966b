// Loops of indexing. What is read or written twice is met in the index's order whatever the number of threads: work is
// cut across the elements that an index cannot name, never along it.
#include "kernels/indexing.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "kernels/copy.h"
#include "kernels/word.h"
#include "runtime/threads.h"

namespace tapeless {
namespace {

constexpr std::int64_t kBlock = 16 * 1024;  ///< elements that a chunk has at least

std::int64_t pieces(std::int64_t total, std::int64_t piece) { return (total + piece - 1) / piece; }

std::int64_t position_of(std::int64_t point, const Dims& sizes, const Dims& strides) {
    std::int64_t position = 0;
    for (int d = sizes.size() - 1; d >= 0; --d) {
        position += point % sizes[d] * strides[d];
        point /= sizes[d];
    }
    return position;
}

void collapse(Dims& sizes, Dims& strides) {
    Dims* const all[] = {&strides};
    tapeless::collapse(sizes, all, 1);
}

/// Calls f with the type to store, which is a word where only bytes move.
template <class F> void with_store(DType dtype, Placement store, F&& f) {
    auto typed = [&]<Placement how>(std::integral_constant<Placement, how> constant) {
        visit(dtype, [&](auto type) { f(type, constant); });
    };
    switch (store) {
        case Placement::Write:
            return with_word(size_of(dtype), [&](auto type) {
                f(type, std::integral_constant<Placement, Placement::Write>{});
            });
        case Placement::Add:
            return typed(std::integral_constant<Placement, Placement::Add>{});
        case Placement::Multiply:
            return typed(std::integral_constant<Placement, Placement::Multiply>{});
        case Placement::Largest:
            return typed(std::integral_constant<Placement, Placement::Largest>{});
        case Placement::Least:
            return typed(std::integral_constant<Placement, Placement::Least>{});
    }
}

template <Placement store, class T> T combined(T x, T value) {
    if constexpr (store == Placement::Add) {
        return x + value;
    } else if constexpr (store == Placement::Multiply) {
        return x * value;
    } else if constexpr (is_complex_type<T>) {
        return x;  // Refused before it comes to this.
    } else if constexpr (store == Placement::Largest) {
        return x != x || x > value ? x : value;
    } else {
        return x != x || x < value ? x : value;
    }
}

/// Integers wrap around in sums and products.
template <Placement store, class T>
using Wide = std::conditional_t<store == Placement::Add || store == Placement::Multiply, std::uint64_t, T>;

template <Placement store, class T> void put(T& x, T value) {
    if constexpr (store == Placement::Write) {
        x = value;
    } else if constexpr (std::is_same_v<T, bool>) {
        x = store == Placement::Add || store == Placement::Largest ? x || value : x && value;
    } else if constexpr (std::is_integral_v<T>) {
        using W = Wide<store, T>;
        x = static_cast<T>(combined<store>(static_cast<W>(x), static_cast<W>(value)));
    } else if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>) {
        x = T(combined<store>(static_cast<float>(x), static_cast<float>(value)));
    } else {
        x = combined<store>(x, value);
    }
}

template <class T>
void take_elements(char* out, const char* x, const Rows& rows, std::int64_t begin, std::int64_t end) {
    T* to = reinterpret_cast<T*>(out);
    const T* from = reinterpret_cast<const T*>(x);
    while (begin < end) {
        const std::int64_t point = begin / rows.count, first = begin % rows.count;
        const std::int64_t last = std::min(rows.count, first + end - begin);
        const T* base = from + position_of(point, rows.before, rows.before_strides);
        for (std::int64_t i = first; i < last; ++i) *to++ = base[rows.offsets[i]];
        begin += last - first;
    }
}

}  // namespace

void take_rows(char* out, const char* x, std::size_t element, Rows rows) {
    collapse(rows.before, rows.before_strides);
    collapse(rows.after, rows.after_strides);
    const std::int64_t length = product(rows.after), total = product(rows.before) * rows.count;
    if (length == 0 || total == 0) return;
    const std::int64_t size = static_cast<std::int64_t>(element);
    const bool dense = rows.after.empty() || (rows.after.size() == 1 && rows.after_strides[0] == 1);
    parallel_blocks(
        total, std::max<std::int64_t>(1, kBlock / length), [&](std::int64_t begin, std::int64_t end) {
            char* to = out + begin * length * size;
            if (length == 1) {
                with_word(element, [&]<class T>(Type<T>) { take_elements<T>(to, x, rows, begin, end); });
                return;
            }
            for (std::int64_t i = begin; i < end; ++i, to += length * size) {
                const std::int64_t base = position_of(i / rows.count, rows.before, rows.before_strides);
                const char* from = x + (base + rows.offsets[i % rows.count]) * size;
                if (dense) {
                    std::memcpy(to, from, static_cast<std::size_t>(length * size));
                } else {
                    gather(to, from, element, rows.after, rows.after_strides, 0, length);
                }
            }
        });
}

namespace {

/// Stores columns [begin, end) of every row at one point of `before`; `columns`: their positions, null when evenly spaced.
template <class T, Placement store>
void put_columns(T* x, const T* source, const Rows& rows, std::int64_t length, const std::int64_t* columns,
                 std::int64_t begin, std::int64_t end) {
    const std::int64_t step = rows.after.empty() ? 1 : rows.after_strides[rows.after.size() - 1];
    for (std::int64_t i = 0; i < rows.count; ++i) {
        T* to = x + rows.offsets[i];
        const T* from = source + i * length;
        if (columns) {
            for (std::int64_t j = begin; j < end; ++j) put<store>(to[columns[j]], from[j]);
        } else if (step == 1) {
            for (std::int64_t j = begin; j < end; ++j) put<store>(to[j], from[j]);
        } else {
            for (std::int64_t j = begin; j < end; ++j) put<store>(to[j * step], from[j]);
        }
    }
}

}  // namespace

void put_rows(DType dtype, Placement store, char* x, const char* source, Rows rows) {
    collapse(rows.before, rows.before_strides);
    collapse(rows.after, rows.after_strides);
    const std::int64_t length = product(rows.after), points = product(rows.before);
    if (length == 0 || points == 0 || rows.count == 0) return;
    std::vector<std::int64_t> columns;
    if (rows.after.size() > 1) {
        columns.resize(static_cast<std::size_t>(length));
        for (std::int64_t j = 0; j < length; ++j) {
            columns[static_cast<std::size_t>(j)] = position_of(j, rows.after, rows.after_strides);
        }
    }
    const std::int64_t* positions = columns.empty() ? nullptr : columns.data();
    const std::int64_t block = std::min(length, std::max<std::int64_t>(64, kBlock / rows.count));
    const std::int64_t across = pieces(length, block);
    const std::int64_t group = std::max<std::int64_t>(1, kBlock / (rows.count * block));
    with_store(dtype, store, [&]<class T, Placement how>(Type<T>, std::integral_constant<Placement, how>) {
        parallel_blocks(points * across, group, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t task = begin; task < end; ++task) {
                const std::int64_t point = task / across, first = task % across * block;
                T* to = reinterpret_cast<T*>(x) + position_of(point, rows.before, rows.before_strides);
                const T* from = reinterpret_cast<const T*>(source) + point * rows.count * length;
                put_columns<T, how>(to, from, rows, length, positions, first,
                                    std::min(length, first + block));
            }
        });
    });
}

namespace {

/// The walk of an index: `outer` are its dimensions but dim and the last, which the inner two loops take.
struct AlongWalk {
    Dims outer, outer_index, outer_x, outer_other;
    std::int64_t length, index_step, x_step, other_step;  ///< along dim
    std::int64_t columns, column_index, column_x,
        column_other;  ///< along the last dimension, if that is another
};

AlongWalk walk_of(const Along& along) {
    const int last = along.sizes.size() - 1;
    const Dims index = [&] {
        Dims strides(along.sizes.size());
        std::int64_t step = 1;
        for (int d = last; d >= 0; --d) {
            strides[d] = step;
            step *= along.sizes[d];
        }
        return strides;
    }();
    AlongWalk walk{};
    const int dim = along.dim;
    walk.length = along.sizes[dim];
    walk.index_step = index[dim];
    walk.x_step = along.strides[dim];
    walk.other_step = along.others[dim];
    walk.columns = 1;
    for (int d = 0; d <= last; ++d) {
        if (d == dim) continue;
        if (d == last) {
            walk.columns = along.sizes[d];
            walk.column_index = index[d];
            walk.column_x = along.strides[d];
            walk.column_other = along.others[d];
            continue;
        }
        walk.outer.push_back(along.sizes[d]);
        walk.outer_index.push_back(index[d]);
        walk.outer_x.push_back(along.strides[d]);
        walk.outer_other.push_back(along.others[d]);
    }
    return walk;
}

/// Calls element(x position, other position) for every element of the index.
template <class F> void for_along(const Along& along, F&& element) {
    const AlongWalk walk = walk_of(along);
    const std::int64_t points = product(walk.outer);
    if (points == 0 || walk.length == 0 || walk.columns == 0) return;
    const std::int64_t block = std::min(walk.columns, std::max<std::int64_t>(64, kBlock / walk.length));
    const std::int64_t across = pieces(walk.columns, block);
    const std::int64_t group = std::max<std::int64_t>(1, kBlock / (walk.length * block));
    parallel_blocks(points * across, group, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t task = begin; task < end; ++task) {
            const std::int64_t point = task / across, first = task % across * block;
            const std::int64_t last = std::min(walk.columns, first + block);
            const std::int64_t* index = along.index + position_of(point, walk.outer, walk.outer_index);
            const std::int64_t x = position_of(point, walk.outer, walk.outer_x);
            const std::int64_t other = position_of(point, walk.outer, walk.outer_other);
            for (std::int64_t i = 0; i < walk.length; ++i) {
                for (std::int64_t j = first; j < last; ++j) {
                    const std::int64_t at = index[i * walk.index_step + j * walk.column_index];
                    element(x + j * walk.column_x + at * walk.x_step,
                            other + i * walk.other_step + j * walk.column_other);
                }
            }
        }
    });
}

}  // namespace

void take_along(char* out, const char* x, std::size_t element, const Along& along) {
    with_word(element, [&]<class T>(Type<T>) {
        T* to = reinterpret_cast<T*>(out);
        const T* from = reinterpret_cast<const T*>(x);
        for_along(along, [&](std::int64_t at, std::int64_t other) { to[other] = from[at]; });
    });
}

void put_along(DType dtype, Placement store, char* x, const char* source, const Along& along) {
    with_store(dtype, store, [&]<class T, Placement how>(Type<T>, std::integral_constant<Placement, how>) {
        T* to = reinterpret_cast<T*>(x);
        const T* from = reinterpret_cast<const T*>(source);
        for_along(along, [&](std::int64_t at, std::int64_t other) { put<how>(to[at], from[other]); });
    });
}

std::int64_t first_outside(const std::int64_t* index, std::int64_t count, std::int64_t low,
                           std::int64_t high) {
    const std::uint64_t start = static_cast<std::uint64_t>(low),
                        span = static_cast<std::uint64_t>(high) - start;
    bool any = false;
    for (std::int64_t i = 0; i < count; ++i) any |= static_cast<std::uint64_t>(index[i]) - start >= span;
    if (!any) return -1;
    return std::find_if(index, index + count, [&](std::int64_t i) { return i < low || i >= high; }) - index;
}

}  // namespace tapeless
