// What formulas share on numbers: selection, bits, classification, rounding, extremes, signs, remainders.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "base/complex.h"

// Everything is `static` and inlined by force: a symbol shared between the ISA levels' translation units
// would let the linker run AVX-512 code on a machine without it, and a call in a loop keeps the loop scalar.

namespace tapeless::formula {

/// `x` where the condition holds, else `y`; both are computed.
template <class T> [[gnu::always_inline]] static inline T where(bool condition, T x, T y) {
    return condition ? x : y;
}
namespace detail {

/// The integers as wide as a floating type: signed ones where arithmetic shifts or conversions are needed.
template <class T> using Word = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;

template <std::floating_point T> [[gnu::always_inline]] static inline Word<T> bits(T x) {
    return __builtin_bit_cast(Word<T>, x);
}
[[gnu::always_inline]] static inline float from_bits(std::uint32_t x) { return __builtin_bit_cast(float, x); }
[[gnu::always_inline]] static inline double from_bits(std::uint64_t x) {
    return __builtin_bit_cast(double, x);
}

template <class T> inline constexpr Word<T> sign_bit = Word<T>(1) << (8 * sizeof(T) - 1);

/// c0 + c1 x + c2 x² ..., two terms a step: half the chain of dependent operations; always in this order.
template <class T> [[gnu::always_inline]] static inline T pairs(T, T, T c) { return c; }
template <class T> [[gnu::always_inline]] static inline T pairs(T x, T, T c0, T c1) { return c0 + c1 * x; }
template <class T, class... Rest>
[[gnu::always_inline]] static inline T pairs(T x, T square, T c0, T c1, Rest... rest) {
    return (c0 + c1 * x) + square * pairs(x, square, rest...);
}
template <class T, class... Coefficients>
[[gnu::always_inline]] static inline T polynomial(T x, Coefficients... c) {
    return pairs(x, x * x, c...);
}

/// `x` with its sign bit flipped where `sign` has its own set.
template <std::floating_point T> [[gnu::always_inline]] static inline T flip_sign(T x, Word<T> sign) {
    return from_bits(bits(x) ^ (sign & sign_bit<T>));
}

template <class T> inline constexpr T infinity = std::numeric_limits<T>::infinity();
template <class T> inline constexpr T not_a_number = std::numeric_limits<T>::quiet_NaN();

}  // namespace detail

// Floating point: classification, signs, rounding.

template <std::floating_point T> [[gnu::always_inline]] static inline bool isnan(T x) { return x != x; }
template <std::floating_point T> [[gnu::always_inline]] static inline T abs(T x) {
    return detail::from_bits(detail::bits(x) & ~detail::sign_bit<T>);
}
template <std::floating_point T> [[gnu::always_inline]] static inline bool isinf(T x) {
    return abs(x) == detail::infinity<T>;
}
template <std::floating_point T> [[gnu::always_inline]] static inline bool isfinite(T x) {
    return abs(x) < detail::infinity<T>;
}
template <std::floating_point T> [[gnu::always_inline]] static inline bool signbit(T x) {
    return (detail::bits(x) & detail::sign_bit<T>) != 0;
}
template <std::floating_point T> [[gnu::always_inline]] static inline T copysign(T x, T sign) {
    return detail::from_bits((detail::bits(x) & ~detail::sign_bit<T>) |
                             (detail::bits(sign) & detail::sign_bit<T>));
}
/// -1, 0 or 1; 0 for NaN, as PyTorch has it.
template <std::floating_point T> [[gnu::always_inline]] static inline T sign(T x) {
    return where(x > T(0), T(1), where(x < T(0), T(-1), T(0)));
}

[[gnu::always_inline]] static inline float floor(float x) { return __builtin_floorf(x); }
[[gnu::always_inline]] static inline double floor(double x) { return __builtin_floor(x); }
[[gnu::always_inline]] static inline float ceil(float x) { return __builtin_ceilf(x); }
[[gnu::always_inline]] static inline double ceil(double x) { return __builtin_ceil(x); }
[[gnu::always_inline]] static inline float trunc(float x) { return __builtin_truncf(x); }
[[gnu::always_inline]] static inline double trunc(double x) { return __builtin_trunc(x); }
/// Halves go to the even neighbour (the processor's default rounding mode).
[[gnu::always_inline]] static inline float round(float x) { return __builtin_rintf(x); }
[[gnu::always_inline]] static inline double round(double x) { return __builtin_rint(x); }

[[gnu::always_inline]] static inline float sqrt(float x) { return __builtin_sqrtf(x); }
[[gnu::always_inline]] static inline double sqrt(double x) { return __builtin_sqrt(x); }
template <std::floating_point T> [[gnu::always_inline]] static inline T rsqrt(T x) { return T(1) / sqrt(x); }
template <std::floating_point T> [[gnu::always_inline]] static inline T reciprocal(T x) { return T(1) / x; }

namespace detail {

/// The sign and the special cases of x^y, given the power of |x| for 0 < |x| < inf, |x| != 1.
[[gnu::always_inline]] static inline double pow_limits(double x, double y, double power) {
    const double size = abs(x);
    const bool whole = round(y) == y;
    const bool odd = whole & (round(0.5 * y) != 0.5 * y);
    power = flip_sign(power, where(odd, bits(x), std::uint64_t(0)));
    power = where((x < 0.0) & !whole & (size != infinity<double>), not_a_number<double>, power);
    power = where((x == -1.0) & (abs(y) == infinity<double>), 1.0, power);
    power = where((x != x) | (y != y), x + y, power);
    return where((x == 1.0) | (y == 0.0), 1.0, power);
}

}  // namespace detail

/// The smaller operand, or NaN if either is.
template <std::floating_point T> [[gnu::always_inline]] static inline T minimum(T x, T y) {
    return where((x < y) | (x != x), x, y);
}
/// The larger operand, or NaN if either is.
template <std::floating_point T> [[gnu::always_inline]] static inline T maximum(T x, T y) {
    return where((x > y) | (x != x), x, y);
}

// Floating point remainders: exact, large quotients by the C library, so that these loops stay scalar.

namespace detail {

[[gnu::always_inline]] static inline float library_fmod(float x, float y) { return __builtin_fmodf(x, y); }
[[gnu::always_inline]] static inline double library_fmod(double x, double y) { return __builtin_fmod(x, y); }

/// x mod y for 0 <= x < 2^(digits of a half) * y, both normal: quotient * half of y's digits is exact.
template <std::floating_point T> [[gnu::always_inline]] static inline T short_fmod(T x, T y) {
    constexpr int low_digits = sizeof(T) == 4 ? 12 : 27;
    const T quotient = trunc(x / y);
    const T high = from_bits(bits(y) & ~((Word<T>(1) << low_digits) - 1));
    T rest = (x - quotient * high) - quotient * (y - high);
    if (rest < T(0)) rest += y;  // The quotient may have been rounded up ...
    if (rest >= y) rest -= y;    // ... or down.
    return rest;
}

}  // namespace detail

/// C's fmod: x - trunc(x / y) * y, exact, with the sign of x.
template <std::floating_point T> [[gnu::always_inline]] static inline T fmod(T x, T y) {
    const T size_x = abs(x), size_y = abs(y);
    constexpr T limit = sizeof(T) == 4 ? T(1 << 11) : T(1 << 24);
    constexpr T smallest = std::numeric_limits<T>::min() / std::numeric_limits<T>::epsilon();
    if (size_y >= smallest && size_y < detail::infinity<T> && size_x < limit * size_y) [[likely]] {
        return copysign(size_x < size_y ? size_x : detail::short_fmod(size_x, size_y), x);
    }
    return detail::library_fmod(x, y);
}
/// Python's %: the sign of y.
template <std::floating_point T> [[gnu::always_inline]] static inline T remainder(T x, T y) {
    const T rest = fmod(x, y);
    return where((rest != T(0)) & ((y < T(0)) != (rest < T(0))), rest + y, rest);
}
/// Python's //: the quotient that belongs to `remainder`; rounding can push floor(x / y) over an integer.
template <std::floating_point T> [[gnu::always_inline]] static inline T floor_divide(T x, T y) {
    const T rest = fmod(x, y);
    T quotient = (x - rest) / y;
    quotient = where((rest != T(0)) & ((y < T(0)) != (rest < T(0))), quotient - T(1), quotient);
    const T floored = floor(quotient);
    const T nearest = where(quotient - floored > T(0.5), floored + T(1), floored);
    const T result = where(quotient != T(0), nearest, copysign(T(0), x / y));
    return where(y == T(0), x / y, result);
}

// Integers: arithmetic wraps, division never traps; a zero divisor is the kernel's to report, beforehand.

namespace detail {

/// Wide unsigned arithmetic, cut back to T: overflow wraps, also where C++ would compute in int.
template <std::integral T> [[gnu::always_inline]] static inline std::uint64_t wide(T x) {
    return static_cast<std::uint64_t>(x);
}

template <std::integral T> inline constexpr bool negative_exists = std::is_signed_v<T>;

template <std::integral T> [[gnu::always_inline]] static inline bool is_negative(T x) {
    if constexpr (negative_exists<T>) {
        return x < T(0);
    } else {
        return false;
    }
}

template <std::integral T> [[gnu::always_inline]] static inline T negated(T x) {
    return static_cast<T>(std::uint64_t(0) - wide(x));
}

template <std::integral T> [[gnu::always_inline]] static inline bool is_minus_one(T x) {
    return negative_exists<T> && x == static_cast<T>(-1);
}

}  // namespace detail

template <std::integral T> [[gnu::always_inline]] static inline T abs(T x) {
    return detail::is_negative(x) ? detail::negated(x) : x;
}
template <std::integral T> [[gnu::always_inline]] static inline T sign(T x) {
    return static_cast<T>((x > T(0)) - detail::is_negative(x));
}
template <std::integral T> [[gnu::always_inline]] static inline bool signbit(T x) {
    return detail::is_negative(x);
}
template <std::integral T> [[gnu::always_inline]] static inline bool isnan(T) { return false; }
template <std::integral T> [[gnu::always_inline]] static inline bool isinf(T) { return false; }
template <std::integral T> [[gnu::always_inline]] static inline bool isfinite(T) { return true; }
template <std::integral T> [[gnu::always_inline]] static inline T floor(T x) { return x; }
template <std::integral T> [[gnu::always_inline]] static inline T ceil(T x) { return x; }
template <std::integral T> [[gnu::always_inline]] static inline T trunc(T x) { return x; }
template <std::integral T> [[gnu::always_inline]] static inline T round(T x) { return x; }
template <std::integral T> [[gnu::always_inline]] static inline T minimum(T x, T y) { return x < y ? x : y; }
template <std::integral T> [[gnu::always_inline]] static inline T maximum(T x, T y) { return x > y ? x : y; }
/// C's %; 0 for a zero divisor.
template <std::integral T> [[gnu::always_inline]] static inline T fmod(T x, T y) {
    if (y == T(0) || detail::is_minus_one(y)) return T(0);
    return static_cast<T>(x % y);
}
/// Python's %; 0 for a zero divisor.
template <std::integral T> [[gnu::always_inline]] static inline T remainder(T x, T y) {
    const T rest = fmod(x, y);
    return rest != T(0) && detail::is_negative(rest) != detail::is_negative(y) ? static_cast<T>(rest + y)
                                                                               : rest;
}
/// Python's //; 0 for a zero divisor, and the smallest integer over -1 wraps to itself.
template <std::integral T> [[gnu::always_inline]] static inline T floor_divide(T x, T y) {
    if (y == T(0)) return T(0);
    if (detail::is_minus_one(y)) return detail::negated(x);
    const T quotient = static_cast<T>(x / y);
    return static_cast<T>(quotient - (x % y != 0 && detail::is_negative(x) != detail::is_negative(y)));
}
/// Of the sizes; of two zeros 0.
template <std::integral T> [[gnu::always_inline]] static inline T gcd(T x, T y) {
    using Size = std::make_unsigned_t<T>;
    Size a = static_cast<Size>(abs(x)), b = static_cast<Size>(abs(y));
    while (b != 0) {
        const Size rest = static_cast<Size>(a % b);
        a = b;
        b = rest;
    }
    return static_cast<T>(a);
}
/// Wraps on overflow.
template <std::integral T> [[gnu::always_inline]] static inline T lcm(T x, T y) {
    const T divisor = gcd(x, y);
    if (divisor == T(0)) return T(0);
    return abs(static_cast<T>(detail::wide(static_cast<T>(x / divisor)) * detail::wide(y)));
}
/// Wraps on overflow; a negative exponent gives what is left of 1 / x^-y as an integer: 1, -1 or 0.
template <std::integral T> [[gnu::always_inline]] static inline T pow(T x, T y) {
    if (detail::is_negative(y)) {
        if (x == T(1)) return T(1);
        if (detail::is_minus_one(x)) return (y & 1) != 0 ? x : T(1);
        return T(0);
    }
    std::uint64_t result = 1, square = detail::wide(x);
    for (std::uint64_t rest = detail::wide(y); rest != 0; rest >>= 1, square *= square) {
        if (rest & 1) result *= square;
    }
    return static_cast<T>(result);
}

// Real numbers as complex ones.

template <class T>
    requires std::is_arithmetic_v<T>
[[gnu::always_inline]] static inline T conj(T x) {
    return x;
}
template <class T>
    requires std::is_arithmetic_v<T>
[[gnu::always_inline]] static inline T real(T x) {
    return x;
}
template <class T>
    requires std::is_arithmetic_v<T>
[[gnu::always_inline]] static inline T imag(T) {
    return T(0);
}
template <class T>
    requires std::is_arithmetic_v<T>
[[gnu::always_inline]] static inline T sgn(T x) {
    return sign(x);
}

using tapeless::conj;
using tapeless::imag;
using tapeless::real;

}  // namespace tapeless::formula
