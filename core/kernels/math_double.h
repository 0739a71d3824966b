// exp, expm1, log, log1p, tanh, erf, sigmoid and pow of double, branch-free; see math.h for the rules.
#pragma once

#include "kernels/math_basics.h"

// AVX2 has neither 64-bit arithmetic shifts nor conversions between double and 64-bit integers:
// exponents are kept biased and positive, and converted by adding 2^52 or 1.5 * 2^52.

namespace tapeless::formula {
namespace detail {

/// x = n ln 2 + r + rest; `n` is an integer as a two's complement word.
struct ReducedD {
    double r, rest;
    std::uint64_t n;
};

/// The reduction of x + x_low.
[[gnu::always_inline]] static inline ReducedD reduce_exp(double x, double x_low = 0.0) {
    constexpr double magic = 0x1.8p52;
    const double shifted = x * 0x1.71547652b82fep+0 + magic;
    const double n = shifted - magic;
    const double high = x - n * 0x1.62e42fefap-1;  // Exact: 38 bits of ln 2.
    const double low = n * 0x1.cf79abc9e3b3ap-40 - x_low;
    const double r = high - low;
    return {r, (high - r) - low, bits(shifted) - bits(magic)};
}

/// 2^n for -1022 <= n <= 1023.
[[gnu::always_inline]] static inline double power_of_two(std::uint64_t n) {
    return from_bits((n + 1023) << 52);
}

/// e^r - 1 - r for |r| <= ln 2 / 2.
[[gnu::always_inline]] static inline double exp_tail(double r) {
    return (r * r) * polynomial(r, 0.5, 0x1.5555555555559p-3, 0x1.5555555555556p-5, 0x1.111111110f62ep-7,
                                0x1.6c16c16c15ebdp-10, 0x1.a01a01b01b064p-13, 0x1.a01a01a8ccdf4p-16,
                                0x1.71ddf7c778395p-19, 0x1.27e4d60ec5db9p-22, 0x1.af5fb8e33bd0bp-26,
                                0x1.1f7ca9e5a7d14p-29);
}

/// e^x for |x| <= 700, where the result is normal.
[[gnu::always_inline]] static inline double exp_normal(double x) {
    const ReducedD at = reduce_exp(x);
    return (1.0 + (at.r + (exp_tail(at.r) + at.rest))) * power_of_two(at.n);
}

/// An unevaluated sum.
struct SumD {
    double high, low;
};

/// (1 + less_one) 2^n with its rounding error, also where 2^n alone would overflow or lose bits.
[[gnu::always_inline]] static inline SumD scaled_sum(double less_one, std::uint64_t n) {
    const double y = 1.0 + less_one;
    const std::uint64_t half = ((n + 4096) >> 1) - 2048;
    const double scale1 = power_of_two(half), scale2 = power_of_two(n - half);
    return {y * scale1 * scale2, (less_one - (y - 1.0)) * scale1 * scale2};
}

/// e^(x + x_low) / 2^halvings for any x, with most of its rounding error.
[[gnu::always_inline]] static inline SumD exp_sum(double x, double x_low, std::uint64_t halvings = 0) {
    const ReducedD at = reduce_exp(where(x > 711.0, 711.0, where(x < -746.0, -746.0, x)), x_low);
    return scaled_sum(at.r + (exp_tail(at.r) + at.rest), at.n - halvings);
}

/// x + y for |x| >= |y|, or x = 0.
[[gnu::always_inline]] static inline SumD ordered_sum(double x, double y) {
    const double high = x + y;
    return {high, y - (high - x)};
}

/// x + y, whichever is larger.
[[gnu::always_inline]] static inline SumD exact_sum(double x, double y) {
    const double high = x + y, part = high - x;
    return {high, (x - (high - part)) + (y - part)};
}

/// (e^x - 1) / 2 for |x| <= 710; the half keeps 2^1024 away.
[[gnu::always_inline]] static inline SumD half_expm1(double x) {
    const ReducedD at = reduce_exp(x);
    const double half_scale = power_of_two(at.n - 1);
    const SumD sum = ordered_sum(half_scale - 0.5, half_scale * at.r);
    return {sum.high, sum.low + half_scale * (exp_tail(at.r) + at.rest)};
}

/// x = (1 + f) 2^e with 1 + f from sqrt(1/2) to sqrt(2), for a positive normal x.
struct SplitD {
    double f, e;
    std::uint64_t biased;
};

[[gnu::always_inline]] static inline SplitD split_log(double x) {
    constexpr std::uint64_t bias = 0x3ff0000000000000u - 0x3fe6a09e667f3bcdu;  // 1 above sqrt(1/2)
    const std::uint64_t word = bits(x);
    const std::uint64_t biased = (word + bias) >> 52;
    const double m = from_bits(word - ((biased - 1023) << 52));
    return {m - 1.0, from_bits(biased | 0x4330000000000000u) - (0x1p52 + 1023.0), biased};
}

/// log((1 + f) 2^e) + correction. With s = f / (2 + f), log(1 + f) = 2s + s R = f - f²/2 + s (f²/2 + R).
[[gnu::always_inline]] static inline double log_parts(double f, double e, double correction) {
    const double s = f / (2.0 + f), z = s * s;
    const double r = z * polynomial(z, 0x1.555555555558bp-1, 0x1.9999999981b86p-2, 0x1.249249409732ap-2,
                                    0x1.c71c52f96ecccp-3, 0x1.746613c1efcbbp-3, 0x1.39a59b36d11efp-3,
                                    0x1.2ee22205bfb59p-3);
    const double half_square = 0.5 * (f * f);
    const double tail = s * (half_square + r) - half_square;
    const SumD sum = ordered_sum(e * 0x1.62e42fefap-1, f);  // Exact product: 38 bits of ln 2.
    return sum.high + (sum.low + (tail + (e * 0x1.cf79abc9e3b3ap-40 + correction)));
}

/// What log gives outside the finite positive numbers.
[[gnu::always_inline]] static inline double log_limits(double x, double result) {
    result = where(x == infinity<double>, infinity<double>, result);
    result = where(x == 0.0, -infinity<double>, result);
    return where(x < 0.0, not_a_number<double>, where(x != x, x, result));
}

/// x's leading 26 digits: products of two such are exact.
[[gnu::always_inline]] static inline double leading(double x) {
    return from_bits(bits(x) & 0xfffffffff8000000u);
}

/// x * y without error, short of underflow.
[[gnu::always_inline]] static inline SumD exact_product(double x, double y) {
    const double x1 = leading(x), x2 = x - x1, y1 = leading(y), y2 = y - y1;
    const double high = x * y;
    return {high, ((x1 * y1 - high) + x1 * y2 + x2 * y1) + x2 * y2};
}

/// (x.high + x.low) / (y.high + y.low), short of underflow.
[[gnu::always_inline]] static inline SumD quotient(SumD x, SumD y) {
    const double high = x.high / y.high;
    const SumD back = exact_product(high, y.high);
    return {high, (((x.high - back.high) - back.low) + (x.low - high * y.low)) / y.high};
}

/// The square root of x.high + x.low; of 0 it is 0.
[[gnu::always_inline]] static inline SumD root(SumD x) {
    const double high = __builtin_sqrt(x.high);
    const SumD back = exact_product(high, high);
    const double low = (((x.high - back.high) - back.low) + x.low) / (2.0 * high);
    return {high, where(high == 0.0, 0.0, low)};
}

/// x * (y.high + y.low)
[[gnu::always_inline]] static inline SumD product(double x, SumD y) {
    const SumD high = exact_product(x, y.high);
    return {high.high, high.low + x * y.low};
}

/// log(x.high + x.low) + doublings ln 2, for any x: what is not positive has log's limits.
[[gnu::always_inline]] static inline double log_of(SumD x, double doublings = 0.0) {
    const bool tiny = x.high < std::numeric_limits<double>::min();
    const SplitD at = split_log(where(tiny, x.high * 0x1p52, x.high));
    const double e = where(tiny, at.e - 52.0, at.e) + doublings;
    return log_limits(x.high, log_parts(at.f, e, where(x.low == 0.0, 0.0, x.low / x.high)));
}

/// log(1 + x.high + x.low)
[[gnu::always_inline]] static inline double log1p_of(SumD x) {
    const SumD sum = exact_sum(1.0, x.high);
    return log_of({sum.high, where(sum.high < infinity<double>, sum.low + x.low, 0.0)});
}

/// log(x) for a positive normal x as a sum with about 66 right bits.
[[gnu::always_inline]] static inline SumD log_sum(SplitD at, double e) {
    const double f = at.f;
    // s = f / (2 + f), with the remainder of the division in s_low.
    const SumD below = ordered_sum(2.0, f);
    const double s = f / below.high;
    const SumD back = exact_product(s, below.high);
    const double s_low = (((f - back.high) - back.low) - s * below.low) / below.high;
    // 2s + s³ (2/3 + z R(z)), where only the first two terms need their low parts.
    const SumD z = exact_product(s, s);
    const double z_low = z.low + 2.0 * s * s_low;
    const double r = z.high * polynomial(z.high, 0x1.9999999999a94p-2, 0x1.24924924673f2p-2,
                                         0x1.c71c721aaa161p-3, 0x1.745cef975a125p-3, 0x1.3b1dfe775c849p-3,
                                         0x1.0f93ae4e604bfp-3, 0x1.0d99532a8d2abp-3);
    const SumD factor = ordered_sum(0x1.5555555555555p-1, r);
    const double factor_low = factor.low + 0x1.5555555555555p-55;
    const SumD cube = exact_product(s, z.high);
    const double cube_low = cube.low + s * z_low + s_low * z.high;
    const SumD term = exact_product(cube.high, factor.high);
    const double term_low = term.low + cube.high * factor_low + cube_low * factor.high;
    // e ln 2 + 2s + term: each sum is ordered by size, and e ln2_1 (38 bits) is exact.
    const SumD log_m = ordered_sum(2.0 * s, term.high);
    const double log_m_low = log_m.low + (2.0 * s_low + term_low);
    const SumD total = ordered_sum(e * 0x1.62e42fefap-1, log_m.high);
    const SumD middle = ordered_sum(e * 0x1.cf79abc9ep-40, total.low);
    const double low = middle.high + (middle.low + (log_m_low + e * 0x1.d9cc01f97b57ap-79));
    return ordered_sum(total.high, low);
}

}  // namespace detail

[[gnu::always_inline]] static inline double exp(double x) { return detail::exp_sum(x, 0.0).high; }

[[gnu::always_inline]] static inline double expm1(double x) {
    const detail::SumD half = detail::half_expm1(where(x > 710.0, 710.0, where(x < -40.0, -40.0, x)));
    const double result = 2.0 * (half.high + half.low);
    return where(abs(x) < 0x1p-54, x, result);
}

[[gnu::always_inline]] static inline double log(double x) {
    const bool tiny = x < std::numeric_limits<double>::min();
    const detail::SplitD at = detail::split_log(where(tiny, x * 0x1p52, x));
    return detail::log_limits(x, detail::log_parts(at.f, where(tiny, at.e - 52.0, at.e), 0.0));
}

[[gnu::always_inline]] static inline double log1p(double x) {
    const double sum = 1.0 + x;
    const double part = sum - 1.0;
    const double lost = (1.0 - (sum - part)) + (x - part);  // 1 + x = sum + lost, exactly.
    const detail::SplitD at = detail::split_log(sum);
    const double scaled = where(sum < 0x1p60, lost * detail::power_of_two(1023 - at.biased),
                                0.0);  // Beyond, 2^-e may not exist, nor matter.
    const double correction = scaled * (1.0 - at.f * (1.0 - at.f));
    const double result = detail::log_limits(sum, detail::log_parts(at.f, at.e, correction));
    return where(abs(x) < 0x1p-54, x, result);
}

/// From t = e^(2|x|) - 1: t / (t + 2), with t and t + 2 as sums, so that only the division rounds visibly.
[[gnu::always_inline]] static inline double tanh(double x) {
    const double size = abs(x);
    const detail::SumD half = detail::half_expm1(2.0 * where(size > 22.0, 22.0, size));
    const double high = half.high + half.low, low = half.low - (high - half.high);
    const double below = high + 1.0, part = below - high;
    const double below_low = ((high - (below - part)) + (1.0 - part)) + low;
    const double quotient = high / below;
    const double result = quotient + (low - quotient * below_low) * (1.0 - quotient);
    return where(size < 0x1p-28, x, copysign(result, x));
}

/// x + x P(x²) near 0, else 1 - e^(-x²) G(1 / (1 + |x| / 2)).
[[gnu::always_inline]] static inline double erf(double x) {
    const double size = abs(x), square = x * x;
    const double near =
        x + x * detail::polynomial(square, 0x1.06eba8214db69p-3, -0x1.812746b037a25p-2, 0x1.ce2f21a045853p-4,
                                   -0x1.b82ce3134de40p-6, 0x1.565bcd2a43a4fp-8, -0x1.c02db88986db4p-11,
                                   0x1.f9a39a8f0ea65p-14, -0x1.f4d9798a3042bp-17, 0x1.ba290b1d4e482p-20,
                                   -0x1.609bf836536abp-23, 0x1.fb059a7693aeap-27, -0x1.12aee07f71e55p-30);
    const double at = where(size > 5.95, 5.95, size);
    const double t = 1.0 / (1.0 + 0.5 * at);
    const double g = detail::polynomial(t, -0x1.32ae36a4acdb4p-20, 0x1.20ea4d2be1027p-2, 0x1.2007d38261914p-2,
                                        0x1.04873568e6c12p-2, 0x1.0bb375f73c3edp-3, 0x1.1781dcddae264p-2,
                                        -0x1.210fe3c88a377p-1, 0x1.22e2be7658d1bp+0, -0x1.da7f0fb92b8acp+0,
                                        0x1.d3c0612b7d7a2p+0, -0x1.0ffa39c25177ep+0, 0x1.6064c3ce7373ep-2,
                                        -0x1.8e0895975ea8cp-5);
    const double far = copysign(1.0 - detail::exp_normal(-at * at) * g, x);
    return where(size < 0.92, near, where(x != x, x, far));
}

/// 1 / (1 + e) or e / (1 + e) with e = e^-|x|: nothing overflows, both tails keep their digits.
[[gnu::always_inline]] static inline double sigmoid(double x) {
    const detail::SumD e = detail::exp_sum(-abs(x), 0.0);
    const bool positive = x >= 0.0;
    const double below = 1.0 + e.high, below_low = ((1.0 - below) + e.high) + e.low;
    const double quotient = where(positive, 1.0, e.high) / below;
    const double inverse = where(positive, quotient, 1.0 - quotient);  // 1 / below
    return quotient + (where(positive, 0.0, e.low) - quotient * below_low) * inverse;
}

/// e^(y log|x|) with the logarithm and the product as sums: 1.1e3 in the exponent costs ten bits.
[[gnu::always_inline]] static inline double pow(double x, double y) {
    const double size = abs(x);
    const bool tiny = size < std::numeric_limits<double>::min();
    const detail::SplitD at = detail::split_log(where(tiny, size * 0x1p52, size));
    const detail::SumD log = detail::log_sum(at, where(tiny, at.e - 52.0, at.e));
    // |y| beyond 2^70 overflows or vanishes like 2^70, and the exact product below stays finite.
    const double within = where(y > 0x1p70, 0x1p70, where(y < -0x1p70, -0x1p70, y));
    const detail::SumD t = detail::exact_product(within, log.high);
    const bool moderate = abs(t.high) < 800.0;
    double power = detail::exp_sum(t.high, where(moderate, t.low + within * log.low, 0.0)).high;
    power = where((size == 0.0) & (y < 0.0), detail::infinity<double>,
                  where((size == 0.0) & (y > 0.0), 0.0, power));
    power = where((size == detail::infinity<double>)&(y != 0.0), where(y > 0.0, size, 0.0), power);
    return detail::pow_limits(x, y, power);
}

}  // namespace tapeless::formula
