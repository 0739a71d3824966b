// exp, expm1, log, log1p, tanh, erf, sigmoid and pow of float, branch-free; see math.h for the rules.
#pragma once

#include "kernels/math_basics.h"

namespace tapeless::formula {
namespace detail {

/// x = n ln 2 + r + rest, n an integer with 2^n as `scale(n)`; r's rounding error is in `rest`.
struct ReducedF {
    float r, rest;
    std::int32_t n;
};

[[gnu::always_inline]] static inline ReducedF reduce_exp(float x) {
    constexpr float magic = 0x1.8p23f;  // Adding it rounds to an integer, which the low bits then hold.
    const float shifted = x * 0x1.715476p+0f + magic;
    const float n = shifted - magic;
    const float high = x - n * 0x1.62e4p-1f;  // Exact: 15 bits of ln 2.
    const float low = n * 0x1.7f7d1cp-20f;
    const float r = high - low;
    return {r, (high - r) - low, static_cast<std::int32_t>(bits(shifted) - bits(magic))};
}

/// 2^n for -126 <= n <= 127.
[[gnu::always_inline]] static inline float power_of_two(std::int32_t n) {
    return from_bits((static_cast<std::uint32_t>(n) + 127u) << 23);
}

/// e^r - 1 - r for |r| <= ln 2 / 2.
[[gnu::always_inline]] static inline float exp_tail(float r) {
    return (r * r) * polynomial(r, 0.5f, 0x1.555556p-3f, 0x1.5554f4p-5f, 0x1.110fe0p-7f, 0x1.6d3eecp-10f,
                                0x1.a293acp-13f);
}

/// An unevaluated sum.
struct SumF {
    float high, low;
};

/// e^x for any x, with most of its rounding error.
[[gnu::always_inline]] static inline SumF exp_sum(float x) {
    const ReducedF at = reduce_exp(where(x > 89.0f, 89.0f, where(x < -104.0f, -104.0f, x)));
    const float less_one = at.r + (exp_tail(at.r) + at.rest), y = 1.0f + less_one;
    // Two factors, because 2^n alone would overflow or lose bits at both ends.
    const std::int32_t half = at.n >> 1;
    const float scale1 = power_of_two(half), scale2 = power_of_two(at.n - half);
    return {y * scale1 * scale2, (less_one - (y - 1.0f)) * scale1 * scale2};
}

/// e^x for -86 <= x <= 88, where the result is normal.
[[gnu::always_inline]] static inline float exp_normal(float x) {
    const ReducedF at = reduce_exp(x);
    return (1.0f + (at.r + (exp_tail(at.r) + at.rest))) * power_of_two(at.n);
}

/// (e^x - 1) / 2 as an unevaluated sum for |x| <= 89; the half keeps 2^128 away.
[[gnu::always_inline]] static inline SumF half_expm1(float x) {
    const ReducedF at = reduce_exp(x);
    const float half_scale = power_of_two(at.n - 1);
    const float a = half_scale - 0.5f, b = half_scale * at.r;
    const float high = a + b;
    const float low = (b - (high - a)) + half_scale * (exp_tail(at.r) + at.rest);
    return {high, low};
}

/// log(m 2^e) from f = m - 1 for sqrt(1/2) <= m < sqrt(2), with a small correction to m relative to 1 + f.
[[gnu::always_inline]] static inline float log_parts(float f, float e, float correction) {
    const float p =
        polynomial(f, 0x1.555548p-2f, -0x1.fffff4p-3f, 0x1.99a46ep-3f, -0x1.556144p-3f, 0x1.234002p-3f,
                   -0x1.fb84d8p-4f, 0x1.e5e2c6p-4f, -0x1.e158b6p-4f, 0x1.1a4822p-4f);
    const float square = f * f;
    const float tail = (square * f) * p - 0.5f * square;
    const float a = e * 0x1.62e4p-1f;  // Exact: 15 bits of ln 2.
    const float high = a + f;
    const float low = f - (high - a);
    return high + (low + (tail + (e * 0x1.7f7d1cp-20f + correction)));
}

/// x = (1 + f) 2^e for a positive normal x.
struct SplitF {
    float f, e;
    std::int32_t exponent;
};

[[gnu::always_inline]] static inline SplitF split_log(float x) {
    constexpr std::uint32_t root = 0x3f3504f3u;  // sqrt(1/2)
    const std::uint32_t word = bits(x);
    const std::int32_t e = static_cast<std::int32_t>(word - root) >> 23;
    const float m = from_bits(word - (static_cast<std::uint32_t>(e) << 23));
    return {m - 1.0f, static_cast<float>(e), e};
}

/// What log and log1p (of x - 1) give outside the finite positive numbers.
[[gnu::always_inline]] static inline float log_limits(float x, float result) {
    result = where(x == infinity<float>, infinity<float>, result);
    result = where(x == 0.0f, -infinity<float>, result);
    return where(x < 0.0f, not_a_number<float>, where(x != x, x, result));
}

}  // namespace detail

[[gnu::always_inline]] static inline float exp(float x) { return detail::exp_sum(x).high; }

[[gnu::always_inline]] static inline float expm1(float x) {
    const detail::SumF half = detail::half_expm1(where(x > 89.0f, 89.0f, where(x < -20.0f, -20.0f, x)));
    const float result = 2.0f * (half.high + half.low);
    return where(abs(x) < 0x1p-25f, x, result);
}

[[gnu::always_inline]] static inline float log(float x) {
    const bool tiny = x < std::numeric_limits<float>::min();
    const detail::SplitF at = detail::split_log(where(tiny, x * 0x1p23f, x));
    return detail::log_limits(x, detail::log_parts(at.f, where(tiny, at.e - 23.0f, at.e), 0.0f));
}

[[gnu::always_inline]] static inline float log1p(float x) {
    const float sum = 1.0f + x;
    const float part = sum - 1.0f;
    const float lost = (1.0f - (sum - part)) + (x - part);  // 1 + x = sum + lost, exactly.
    const detail::SplitF at = detail::split_log(sum);
    const float scaled = where(sum < 0x1p60f, lost * detail::power_of_two(-at.exponent),
                               0.0f);  // Beyond, 2^-e may not exist, nor matter.
    const float correction = scaled * (1.0f - at.f * (1.0f - at.f));
    const float result = detail::log_limits(sum, detail::log_parts(at.f, at.e, correction));
    return where(abs(x) < 0x1p-25f, x, result);
}

/// From t = e^(2|x|) - 1: t / (t + 2), with t and t + 2 as sums, so that only the division rounds visibly.
[[gnu::always_inline]] static inline float tanh(float x) {
    const float size = abs(x);
    const detail::SumF half = detail::half_expm1(2.0f * where(size > 10.0f, 10.0f, size));
    const float high = half.high + half.low, low = half.low - (high - half.high);
    const float below = high + 1.0f, part = below - high;
    const float below_low = ((high - (below - part)) + (1.0f - part)) + low;
    const float quotient = high / below;
    const float result = quotient + (low - quotient * below_low) * (1.0f - quotient);
    return where(size < 0x1p-13f, x, copysign(result, x));
}

/// x + x P(x²) near 0, else 1 - e^-H(x), where H = -log erfc.
[[gnu::always_inline]] static inline float erf(float x) {
    const float size = abs(x), square = x * x;
    const float near =
        x + x * detail::polynomial(square, 0x1.06eba8p-3f, -0x1.812740p-2f, 0x1.ce2d60p-4f, -0x1.b8007ep-6f,
                                   0x1.54423ep-8f, -0x1.a5b7c2p-11f, 0x1.4e3812p-14f);
    const float at = where(size > 3.95f, 3.95f, size);
    const float h = detail::polynomial(at, -0x1.6b5190p-13f, 0x1.212772p+0f, 0x1.4447d0p-1f, 0x1.bb749ep-4f,
                                       -0x1.9b67a0p-6f, 0x1.1120acp-8f, -0x1.c6d43ap-12f, 0x1.60eac8p-16f);
    const float far = copysign(1.0f - detail::exp_normal(-h), x);
    return where(size < 0.92f, near, where(x != x, x, far));
}

/// 1 / (1 + e) or e / (1 + e) with e = e^-|x|: nothing overflows, both tails keep their digits.
[[gnu::always_inline]] static inline float sigmoid(float x) {
    const detail::SumF e = detail::exp_sum(-abs(x));
    const bool positive = x >= 0.0f;
    const float below = 1.0f + e.high, below_low = ((1.0f - below) + e.high) + e.low;
    const float quotient = where(positive, 1.0f, e.high) / below;
    const float inverse = where(positive, quotient, 1.0f - quotient);  // 1 / below
    return quotient + (where(positive, 0.0f, e.low) - quotient * below_low) * inverse;
}

namespace detail {

/// log2 of a positive double that was a float: 2^-45 of relative accuracy near 1, else as much absolutely.
[[gnu::always_inline]] static inline double log2_short(double x) {
    constexpr std::uint64_t bias = 0x3ff0000000000000u - 0x3fe6a09e667f3bcdu;  // 1 above sqrt(1/2)
    const std::uint64_t word = bits(x);
    const std::uint64_t biased = (word + bias) >> 52;
    const double m = from_bits(word - ((biased - 1023) << 52));
    const double e = from_bits(biased | 0x4330000000000000u) - (0x1p52 + 1023.0);
    const double s = (m - 1.0) / (m + 1.0);
    return e + s * polynomial(s * s, 0x1.71547652b824fp+1, 0x1.ec709dc540219p-1, 0x1.2776c28ee6d0fp-1,
                              0x1.a61a324e16308p-2, 0x1.4794c25d5e42bp-2, 0x1.21b95d55e7780p-2);
}

/// 2^t for |t| <= 1000, 2^-40 accurate.
[[gnu::always_inline]] static inline double exp2_short(double t) {
    constexpr double magic = 0x1.8p52;
    const double shifted = t + magic;
    const double r = t - (shifted - magic);
    const double p = polynomial(r, 0x1.0000000000078p+0, 0x1.62e42fef84cd7p-1, 0x1.ebfbdff805d44p-3,
                                0x1.c6b08dd70039fp-5, 0x1.3b2ab73d93771p-7, 0x1.5d8745a410b51p-10,
                                0x1.4308709329b12p-13, 0x1.00dc4c17d0327p-16, 0x1.640d27317fd30p-20);
    return from_bits(bits(p) +
                     (bits(shifted) << 52));  // p is in [0.7, 1.42): n goes straight into its exponent.
}

}  // namespace detail

/// In double: 24 digits of x^y need more than 30 of y log2 x.
[[gnu::always_inline]] static inline float pow(float x, float y) {
    const double base = x, exponent = y, size = abs(base);
    double log2 = detail::log2_short(size);
    log2 = where(size == 0.0, -detail::infinity<double>, where(size == detail::infinity<double>, size, log2));
    const double t = exponent * log2;
    const double power = detail::exp2_short(where(t > 200.0, 200.0, where(t < -200.0, -200.0, t)));
    return static_cast<float>(detail::pow_limits(base, exponent, power));
}

}  // namespace tapeless::formula
