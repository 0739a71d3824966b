// Moving elements: conversion loops for every pair of dtypes, and strided gathers and scatters.
#include "kernels/copy.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace tapeless {
namespace {

template <class From, class To> void convert_block(void* out, const void* in, std::int64_t count) {
    To* to = static_cast<To*>(out);
    if constexpr (std::is_same_v<From, bool>) {
        // Padding behind the last element is anything, and a byte other than 0 and 1 is no bool.
        const unsigned char* from = static_cast<const unsigned char*>(in);
        for (std::int64_t i = 0; i < count; ++i) to[i] = convert<To>(from[i] != 0);
    } else {
        const From* from = static_cast<const From*>(in);
        for (std::int64_t i = 0; i < count; ++i) to[i] = convert<To>(from[i]);
    }
}

constexpr int index(DType dtype) { return static_cast<int>(dtype); }

using ConvertTable = std::array<std::array<ConvertLoop, kDTypes>, kDTypes>;

ConvertTable make_table() {
    ConvertTable table{};
    for (int from = 0; from < kDTypes; ++from) {
        for (int to = 0; to < kDTypes; ++to) {
            table[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)] =
                visit(static_cast<DType>(from), [&]<class From>(Type<From>) {
                    return visit(static_cast<DType>(to),
                                 []<class To>(Type<To>) -> ConvertLoop { return &convert_block<From, To>; });
                });
        }
    }
    return table;
}

template <int Bytes> struct Element {
    alignas(Bytes > 8 ? 8 : Bytes) char bytes[Bytes];
};

/// Copies a run of `count` elements between a strided and a dense side.
template <class T, bool Scatter>
void run(char* dense, char* strided, std::int64_t stride, std::int64_t count) {
    T* a = reinterpret_cast<T*>(dense);
    T* b = reinterpret_cast<T*>(strided);
    if (stride == 1) {
        std::memcpy(Scatter ? b : a, Scatter ? a : b, static_cast<std::size_t>(count) * sizeof(T));
    } else if (!Scatter && stride == 0) {
        std::fill_n(a, count, *b);
    } else {
        for (std::int64_t i = 0; i < count; ++i) {
            if constexpr (Scatter) {
                b[i * stride] = a[i];
            } else {
                a[i] = b[i * stride];
            }
        }
    }
}

template <class T, bool Scatter>
void walk(char* dense, char* base, const Dims& space, const Dims& strides, std::int64_t start,
          std::int64_t count) {
    const int rank = space.size();
    if (rank == 0) return run<T, Scatter>(dense, base, 1, count);
    Dims at(rank);
    std::int64_t position = 0, rest = start;
    for (int d = rank - 1; d >= 0; --d) {
        at[d] = rest % space[d];
        rest /= space[d];
        position += at[d] * strides[d];
    }
    const int last = rank - 1;
    while (count > 0) {
        const std::int64_t length = std::min(count, space[last] - at[last]);
        run<T, Scatter>(dense, base + position * static_cast<std::int64_t>(sizeof(T)), strides[last], length);
        dense += length * static_cast<std::int64_t>(sizeof(T));
        count -= length;
        position += length * strides[last];
        at[last] += length;
        for (int d = last; d > 0 && at[d] == space[d]; --d) {
            position += strides[d - 1] - at[d] * strides[d];
            at[d] = 0;
            ++at[d - 1];
        }
    }
}

template <bool Scatter>
void walk_of(std::size_t element, char* dense, char* base, const Dims& space, const Dims& strides,
             std::int64_t start, std::int64_t count) {
    switch (element) {
        case 1:
            return walk<Element<1>, Scatter>(dense, base, space, strides, start, count);
        case 2:
            return walk<Element<2>, Scatter>(dense, base, space, strides, start, count);
        case 4:
            return walk<Element<4>, Scatter>(dense, base, space, strides, start, count);
        case 8:
            return walk<Element<8>, Scatter>(dense, base, space, strides, start, count);
        default:
            return walk<Element<16>, Scatter>(dense, base, space, strides, start, count);
    }
}

}  // namespace

ConvertLoop convert_loop(DType from, DType to) {
    static const ConvertTable table = make_table();
    return table[static_cast<std::size_t>(index(from))][static_cast<std::size_t>(index(to))];
}

void gather(char* out, const char* base, std::size_t element, const Dims& space, const Dims& strides,
            std::int64_t start, std::int64_t count) {
    walk_of<false>(element, out, const_cast<char*>(base), space, strides, start, count);
}

void scatter(char* base, const char* in, std::size_t element, const Dims& space, const Dims& strides,
             std::int64_t start, std::int64_t count) {
    walk_of<true>(element, const_cast<char*>(in), base, space, strides, start, count);
}

void fill(char* out, const char* value, std::size_t element, std::int64_t count) {
    auto spread = [&]<class Word>(Word word) {
        std::memcpy(&word, value, sizeof(Word));
        for (std::int64_t i = 0; i < count; ++i)
            std::memcpy(out + i * static_cast<std::int64_t>(sizeof(Word)), &word, sizeof(Word));
    };
    struct Pair {
        std::uint64_t words[2];
    };
    switch (element) {
        case 1:
            return spread(std::uint8_t{});
        case 2:
            return spread(std::uint16_t{});
        case 4:
            return spread(std::uint32_t{});
        case 8:
            return spread(std::uint64_t{});
        default:
            return spread(Pair{});
    }
}

void collapse(Dims& space, Dims* const* strides, int operands) {
    int kept = 0;
    for (int d = 0; d < space.size(); ++d) {
        if (space[d] == 1) continue;
        bool joins = kept > 0;
        for (int k = 0; joins && k < operands; ++k) {
            joins = (*strides[k])[kept - 1] == (*strides[k])[d] * space[d];
        }
        const int to = joins ? kept - 1 : kept++;
        space[to] = joins ? space[to] * space[d] : space[d];
        for (int k = 0; k < operands; ++k) (*strides[k])[to] = (*strides[k])[d];
    }
    space.resize(kept);
    for (int k = 0; k < operands; ++k) strides[k]->resize(kept);
}

}  // namespace tapeless
