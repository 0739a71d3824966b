// sinh, cosh and the inverse hyperbolic functions of float and double, branch-free; see math.h for the rules.
#pragma once

#include "kernels/math_basics.h"
#include "kernels/math_double.h"
#include "kernels/math_float.h"

namespace tapeless::formula {
namespace detail {

/// e^|x| of a float: 2^-38 accurate.
[[gnu::always_inline]] static inline double exp_of_float(double size) {
    return exp2_short(where(size > 100.0, 100.0, size) * 0x1.71547652b82fep+0);
}

}  // namespace detail

/// x + x³ P(x²) near 0, else half of e^x - e^-x.
[[gnu::always_inline]] static inline double sinh(double x) {
    const double size = abs(x), square = x * x;
    const double near =
        x + x * (square * detail::polynomial(square, 0x1.5555555555555p-3, 0x1.1111111111111p-7,
                                             0x1.a01a01a01a001p-13, 0x1.71de3a556f96cp-19,
                                             0x1.ae6456792a77fp-26, 0x1.612467ccb2260p-33,
                                             0x1.ae777c36fd5b6p-41, 0x1.99f0806c2628dp-49));
    const detail::SumD half = detail::exp_sum(size, 0.0, 1);
    const detail::SumD difference = detail::ordered_sum(half.high, -0.25 / half.high);
    const double far =
        where(half.high < detail::infinity<double>, difference.high + (difference.low + half.low), half.high);
    return where(size < 1.0, near, copysign(far, x));
}
[[gnu::always_inline]] static inline float sinh(float x) {
    const double wide = x, size = abs(wide), square = wide * wide;
    const double near =
        wide + wide * (square * detail::polynomial(square, 0x1.5555554e858c9p-3, 0x1.11111eaff05ecp-7,
                                                   0x1.a008ffbc060dap-13, 0x1.78a70e32a02ebp-19));
    const double e = detail::exp_of_float(size), far = copysign(0.5 * (e - 1.0 / e), wide);
    return where(x != x, x, static_cast<float>(where(size < 1.0, near, far)));
}

[[gnu::always_inline]] static inline double cosh(double x) {
    const detail::SumD half = detail::exp_sum(abs(x), 0.0, 1);
    const double inverse = 0.25 / half.high;
    const detail::SumD sum = detail::ordered_sum(half.high, inverse);
    const double low = half.low - 4.0 * inverse * inverse * half.low;
    return where(half.high < detail::infinity<double>, sum.high + (sum.low + low), half.high);
}
[[gnu::always_inline]] static inline float cosh(float x) {
    const double e = detail::exp_of_float(abs(static_cast<double>(x)));
    return where(x != x, x, static_cast<float>(0.5 * (e + 1.0 / e)));
}

/// log(1 + u) with u = a + a² / (1 + sqrt(1 + a²)), a = |x|; of a large a log(2a).
[[gnu::always_inline]] static inline double asinh(double x) {
    const double size = abs(x);
    const bool large = size > 0x1p28;
    const double a = where(large, 1.0, size);
    const detail::SumD square = detail::exact_product(a, a), whole = detail::exact_sum(1.0, square.high);
    const detail::SumD root = detail::root({whole.high, whole.low + square.low});
    const detail::SumD below = detail::ordered_sum(root.high, 1.0);
    const detail::SumD more = detail::quotient(square, {below.high, below.low + root.low});
    const detail::SumD u = detail::ordered_sum(a, more.high), sum = detail::exact_sum(1.0, u.high);
    const double low = sum.low + (u.low + more.low);
    const double result =
        detail::log_of({where(large, size, sum.high), where(large, 0.0, low)}, where(large, 1.0, 0.0));
    return where(size < 0x1p-28, x, copysign(result, x));
}
[[gnu::always_inline]] static inline float asinh(float x) {
    const double wide = x, size = abs(wide), square = size * size;
    const double more = where(isinf(x), 0.0, square / (1.0 + sqrt(1.0 + square)));
    return static_cast<float>(copysign(log1p(size + more), wide));
}

/// log(1 + u) with u = x - 1 + sqrt((x - 1)(x + 1)); of a large x log(2x).
[[gnu::always_inline]] static inline double acosh(double x) {
    const bool large = x > 0x1p28;
    const double a = where(large, 1.0, x);
    const detail::SumD square = detail::exact_product(a, a), less = detail::exact_sum(square.high, -1.0);
    const detail::SumD root = detail::root(detail::ordered_sum(less.high, less.low + square.low));
    const detail::SumD t = detail::exact_sum(a, -1.0), u = detail::ordered_sum(root.high, t.high);
    const detail::SumD sum = detail::exact_sum(1.0, u.high);
    const double low = sum.low + (u.low + (root.low + t.low));
    const double result =
        detail::log_of({where(large, x, sum.high), where(large, 0.0, low)}, where(large, 1.0, 0.0));
    return where(x < 1.0, detail::not_a_number<double>, result);
}
[[gnu::always_inline]] static inline float acosh(float x) {
    const double t = static_cast<double>(x) - 1.0;
    return static_cast<float>(log1p(where(t < 0.0, detail::not_a_number<double>, t + sqrt(t * (t + 2.0)))));
}

/// log(1 + 2a / (1 - a)) / 2, a = |x|.
[[gnu::always_inline]] static inline double atanh(double x) {
    const double size = abs(x);
    const detail::SumD u = detail::quotient({2.0 * size, 0.0}, detail::ordered_sum(1.0, -size));
    return copysign(0.5 * detail::log1p_of(u), x);
}
[[gnu::always_inline]] static inline float atanh(float x) {
    const double wide = x, size = abs(wide);
    return static_cast<float>(copysign(0.5 * log1p(2.0 * size / (1.0 - size)), wide));
}

}  // namespace tapeless::formula
