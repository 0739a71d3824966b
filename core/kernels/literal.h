// Typed literals of formulas: `0.5_k` takes the type of what it meets, so that a float formula stays in float.
#pragma once

#include <concepts>

#include "base/dtype.h"

namespace tapeless::formula {

struct Literal {
    double value;
    template <class T> constexpr T as() const {
        if constexpr (is_complex_type<T>) {
            return T{static_cast<decltype(T{}.re)>(value), 0};
        } else {
            return static_cast<T>(value);
        }
    }
};

constexpr Literal operator-(Literal x) { return {-x.value}; }
constexpr Literal operator""_k(long double value) { return {static_cast<double>(value)}; }
constexpr Literal operator""_k(unsigned long long value) { return {static_cast<double>(value)}; }

/// The numbers of formulas; Code, the symbolic reader, brings its own overloads.
template <class T>
concept Number = std::is_arithmetic_v<T> || is_complex_type<T>;

// Arithmetic on narrow integers is cast back: C++ computes it in int.
template <Number T> static inline T operator+(T x, Literal y) { return static_cast<T>(x + y.as<T>()); }
template <Number T> static inline T operator+(Literal x, T y) { return static_cast<T>(x.as<T>() + y); }
template <Number T> static inline T operator-(T x, Literal y) { return static_cast<T>(x - y.as<T>()); }
template <Number T> static inline T operator-(Literal x, T y) { return static_cast<T>(x.as<T>() - y); }
template <Number T> static inline T operator*(T x, Literal y) { return static_cast<T>(x * y.as<T>()); }
template <Number T> static inline T operator*(Literal x, T y) { return static_cast<T>(x.as<T>() * y); }
template <Number T> static inline T operator/(T x, Literal y) { return static_cast<T>(x / y.as<T>()); }
template <Number T> static inline T operator/(Literal x, T y) { return static_cast<T>(x.as<T>() / y); }
template <Number T> static inline bool operator==(T x, Literal y) { return x == y.as<T>(); }
template <Number T> static inline bool operator!=(T x, Literal y) { return x != y.as<T>(); }
template <Number T> static inline bool operator<(T x, Literal y) { return x < y.as<T>(); }
template <Number T> static inline bool operator>(T x, Literal y) { return x > y.as<T>(); }
template <Number T> static inline bool operator<=(T x, Literal y) { return x <= y.as<T>(); }
template <Number T> static inline bool operator>=(T x, Literal y) { return x >= y.as<T>(); }

template <Number T> static inline T where(bool condition, T x, Literal y) {
    return condition ? x : y.as<T>();
}
template <Number T> static inline T where(bool condition, Literal x, T y) {
    return condition ? x.as<T>() : y;
}

// Bits of integers and bool. Shift counts outside the type give what shifting one bit at a time would.
template <std::integral T> static inline T bitwise_and(T x, T y) { return static_cast<T>(x & y); }
template <std::integral T> static inline T bitwise_or(T x, T y) { return static_cast<T>(x | y); }
template <std::integral T> static inline T bitwise_xor(T x, T y) { return static_cast<T>(x ^ y); }
template <std::integral T> static inline T bitwise_not(T x) {
    if constexpr (std::is_same_v<T, bool>) {
        return !x;
    } else {
        return static_cast<T>(~x);
    }
}
template <std::integral T> static inline T bitwise_left_shift(T x, T y) {
    constexpr int bits = static_cast<int>(sizeof(T)) * 8;
    const bool outside = static_cast<std::int64_t>(y) < 0 || static_cast<std::int64_t>(y) >= bits;
    return outside ? T(0) : static_cast<T>(static_cast<std::uint64_t>(x) << (static_cast<unsigned>(y) & 63u));
}
template <std::integral T> static inline T bitwise_right_shift(T x, T y) {
    constexpr int bits = static_cast<int>(sizeof(T)) * 8;
    const bool outside = static_cast<std::int64_t>(y) < 0 || static_cast<std::int64_t>(y) >= bits;
    if (outside) return static_cast<T>(x < T(0) ? -1 : 0);
    return static_cast<T>(x >> static_cast<int>(y));
}

/// A gradient that no operand asks for, such as that of a condition.
struct NoGradient {};

}  // namespace tapeless::formula
