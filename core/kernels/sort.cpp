// Sorting by unsigned keys in the elements' order: short lines by comparison, long ones by their digits, the lowest
// first (Knuth, The Art of Computer Programming 3, 5.2.5), which keeps equal keys in their order.
#include "kernels/sort.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <vector>

#include "runtime/threads.h"

namespace tapeless {
namespace {

template <std::size_t bytes> struct Unsigned;
template <> struct Unsigned<1> {
    using type = std::uint8_t;
};
template <> struct Unsigned<2> {
    using type = std::uint16_t;
};
template <> struct Unsigned<4> {
    using type = std::uint32_t;
};
template <> struct Unsigned<8> {
    using type = std::uint64_t;
};

/// Unsigned numbers in the order of T, and back: negative floats count down, so their bits are turned.
template <class T> struct Keys {
    using U = typename Unsigned<sizeof(T)>::type;
    static constexpr bool floats = !std::is_integral_v<T>;
    static constexpr U top = static_cast<U>(U{1} << (8 * sizeof(T) - 1));

    static U of(T value) {
        const U bits = std::bit_cast<U>(value);
        if constexpr (std::is_same_v<T, bool> || std::is_unsigned_v<T>) {
            return bits;
        } else if constexpr (!floats) {
            return bits ^ top;
        } else {
            const auto number = convert<std::conditional_t<sizeof(T) == 8, double, float>>(value);
            if (number != number) return std::numeric_limits<U>::max();
            if (bits == top) return top;
            return static_cast<U>(bits & top ? ~bits : bits | top);
        }
    }
    /// Whether the value can be told from its key: not of -0, nor the bits of a NaN.
    static bool exact(U key) { return !floats || (key != top && key != std::numeric_limits<U>::max()); }
    static T value(U key) {
        if constexpr (std::is_same_v<T, bool>) {
            return key != 0;
        } else if constexpr (std::is_unsigned_v<T>) {
            return key;
        } else if constexpr (!floats) {
            return std::bit_cast<T>(static_cast<U>(key ^ top));
        } else {
            return std::bit_cast<T>(static_cast<U>(key & top ? key ^ top : ~key));
        }
    }
};

/// A key of at most 32 bits with its index behind it: one number, whose order is that of both.
template <class U> struct Packed {
    std::uint64_t word;
    Packed() = default;
    Packed(U key, std::int64_t index) : word(std::uint64_t{key} << 32 | static_cast<std::uint64_t>(index)) {}
    U key() const { return static_cast<U>(word >> 32); }
    std::int64_t index() const { return static_cast<std::int64_t>(word & 0xffffffffu); }
    bool operator<(const Packed& other) const { return word < other.word; }
};

template <class U> struct Paired {
    U word;
    std::int64_t at;
    Paired() = default;
    Paired(U key, std::int64_t index) : word(key), at(index) {}
    U key() const { return word; }
    std::int64_t index() const { return at; }
    bool operator<(const Paired& other) const {
        return word != other.word ? word < other.word : at < other.at;
    }
};

constexpr std::int64_t kByDigits = 250;     ///< elements for each pass from which digits beat comparisons
constexpr std::int64_t kChunk = 64 * 1024;  ///< elements of a long line that one thread takes at a time
constexpr int kDigit = 11;                  ///< bits: its counts fit into the nearest cache
using Counts = std::array<std::uint32_t, 1 << kDigit>;

/// Chunks of 0 .. length-1 by idle threads, one after another where there is but one.
template <class F> void chunks(std::int64_t length, F body) {
    if (length <= kChunk) return body(std::int64_t{0}, std::int64_t{0}, length);
    parallel_blocks(length, kChunk,
                    [&](std::int64_t begin, std::int64_t end) { body(begin / kChunk, begin, end); });
}

/// One pass: items in the order of the digit at `shift`, equal ones as they were. False if all have the same.
template <class Item>
bool scatter_digit(const Item* from, Item* to, std::int64_t length, int shift, std::vector<Counts>& counts) {
    constexpr std::uint32_t mask = (1u << kDigit) - 1;
    chunks(length, [&](std::int64_t chunk, std::int64_t begin, std::int64_t end) {
        Counts& own = counts[static_cast<std::size_t>(chunk)];
        own.fill(0);
        for (std::int64_t i = begin; i < end; ++i) ++own[(from[i].key() >> shift) & mask];
    });
    std::uint32_t before = 0;
    for (std::size_t digit = 0; digit <= mask; ++digit) {
        const std::uint32_t first = before;
        for (Counts& own : counts) before += std::exchange(own[digit], before);
        if (before - first == static_cast<std::uint32_t>(length)) return false;
    }
    chunks(length, [&](std::int64_t chunk, std::int64_t begin, std::int64_t end) {
        Counts& place = counts[static_cast<std::size_t>(chunk)];
        for (std::int64_t i = begin; i < end; ++i) to[place[(from[i].key() >> shift) & mask]++] = from[i];
    });
    return true;
}

/// Buffers that the lines of one thread share.
template <class Item, class U> struct Room {
    static constexpr int passes = (static_cast<int>(8 * sizeof(U)) + kDigit - 1) / kDigit;
    std::int64_t length;
    bool by_digits;
    std::vector<Item> items, others;
    std::vector<Counts> counts;

    explicit Room(std::int64_t given)
        : length(given),
          by_digits(length >= passes * kByDigits && length <= std::numeric_limits<std::uint32_t>::max()),
          items(static_cast<std::size_t>(length)) {
        if (!by_digits) return;
        others.resize(items.size());
        counts.resize(static_cast<std::size_t>((length + kChunk - 1) / kChunk));
    }
    /// The items in order.
    const Item* sorted() {
        Item *from = items.data(), *to = others.data();
        if (!by_digits) std::sort(from, from + length);
        for (int pass = 0; by_digits && pass < passes; ++pass) {
            if (scatter_digit(from, to, length, pass * kDigit, counts)) std::swap(from, to);
        }
        return from;
    }
};

template <class T, class Item>
void sort_line(const T* x, std::int64_t step, std::int64_t length, bool descending,
               Room<Item, typename Keys<T>::U>& room, T* values, std::int64_t* indices,
               std::int64_t to_step) {
    using Key = Keys<T>;
    using U = typename Key::U;
    const U turn = descending ? std::numeric_limits<U>::max() : U{0};
    chunks(length, [&](std::int64_t, std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i)
            room.items[static_cast<std::size_t>(i)] = Item(static_cast<U>(Key::of(x[i * step]) ^ turn), i);
    });
    const Item* found = room.sorted();
    chunks(length, [&](std::int64_t, std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) indices[i * to_step] = found[i].index();
        if (!values) return;
        for (std::int64_t i = begin; i < end; ++i) {
            const U key = static_cast<U>(found[i].key() ^ turn);
            values[i * to_step] = Key::exact(key) ? Key::value(key) : x[found[i].index() * step];
        }
    });
}

template <class T, class Item>
void sort_all(const Lines& lines, const T* x, bool descending, T* values, std::int64_t* indices) {
    const std::int64_t count = lines.count();
    auto work = [&](std::int64_t first, std::int64_t last) {
        Room<Item, typename Keys<T>::U> room(lines.length);
        for (std::int64_t line = first; line < last; ++line) {
            const auto [from, to] = lines.start(line);
            sort_line(x + from, lines.from_step, lines.length, descending, room,
                      values ? values + to : nullptr, indices + to, lines.to_step);
        }
    };
    const std::int64_t block = std::max<std::int64_t>(1, 4096 / std::max<std::int64_t>(lines.length, 1));
    if (count <= block) return work(0, count);
    parallel_blocks(count, block, work);
}

}  // namespace

void sort_lines(DType dtype, const Lines& lines, const void* x, bool descending, void* values,
                std::int64_t* indices) {
    visit(dtype, [&]<class T>(Type<T>) {
        if constexpr (is_complex_type<T>) {
            fail(ErrorKind::Runtime, "sort: complex numbers have no order");
        } else {
            using U = typename Keys<T>::U;
            const T* from = static_cast<const T*>(x);
            T* to = static_cast<T*>(values);
            if constexpr (sizeof(T) <= 4) {
                if (lines.length <= std::numeric_limits<std::uint32_t>::max())
                    return sort_all<T, Packed<U>>(lines, from, descending, to, indices);
            }
            sort_all<T, Paired<U>>(lines, from, descending, to, indices);
        }
    });
}

}  // namespace tapeless
