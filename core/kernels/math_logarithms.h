// Exponentials and logarithms to the bases 2 and 10, of sums of powers, and times a factor; see math.h for the rules.
#pragma once

#include "kernels/math_basics.h"
#include "kernels/math_double.h"
#include "kernels/math_float.h"

namespace tapeless::formula {
namespace detail {

constexpr SumD inverse_ln2{0x1.71547652b82fep+0, 0x1.777d0ffda0d24p-56};
constexpr SumD inverse_ln10{0x1.bcb7b1526e50ep-2, 0x1.95355baaafad3p-57};
constexpr SumD ln2{0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56};

/// 2^(x + x_low) for any x, with most of its rounding error.
[[gnu::always_inline]] static inline SumD exp2_sum(double x, double x_low) {
    constexpr double magic = 0x1.8p52;
    const double within = where(x > 1100.0, 1100.0, where(x < -1100.0, -1100.0, x));
    const double shifted = within + magic;
    const SumD t = product(within - (shifted - magic), ln2);
    const double low = t.low + x_low * ln2.high;
    return scaled_sum(t.high + (exp_tail(t.high) + low), bits(shifted) - bits(magic));
}

/// A positive double's e and log(1 + f), for log_sum.
struct WholeLog {
    SplitD at;
    double e;
};
[[gnu::always_inline]] static inline WholeLog split_any(double x) {
    const bool tiny = x < std::numeric_limits<double>::min();
    const SplitD at = split_log(where(tiny, x * 0x1p52, x));
    return {at, where(tiny, at.e - 52.0, at.e)};
}

/// log times 1 / log of the base.
[[gnu::always_inline]] static inline SumD in_base(SumD log, SumD inverse) {
    const SumD high = exact_product(log.high, inverse.high);
    return {high.high, high.low + (log.high * inverse.low + log.low * inverse.high)};
}

}  // namespace detail

[[gnu::always_inline]] static inline double exp2(double x) { return detail::exp2_sum(x, 0.0).high; }
[[gnu::always_inline]] static inline float exp2(float x) {
    const double t = x;
    const double power = detail::exp2_short(where(t > 200.0, 200.0, where(t < -200.0, -200.0, t)));
    return where(x != x, x, static_cast<float>(power));
}

/// Whole powers of 2 have whole logarithms.
[[gnu::always_inline]] static inline double log2(double x) {
    const detail::WholeLog whole = detail::split_any(x);
    const detail::SumD log = detail::in_base(detail::log_sum(whole.at, 0.0), detail::inverse_ln2);
    const detail::SumD sum = detail::ordered_sum(whole.e, log.high);
    return detail::log_limits(x, sum.high + (sum.low + log.low));
}
[[gnu::always_inline]] static inline float log2(float x) {
    return static_cast<float>(detail::log_limits(static_cast<double>(x), detail::log2_short(x)));
}

[[gnu::always_inline]] static inline double log10(double x) {
    const detail::WholeLog whole = detail::split_any(x);
    const detail::SumD log = detail::in_base(detail::log_sum(whole.at, whole.e), detail::inverse_ln10);
    return detail::log_limits(x, log.high + log.low);
}
[[gnu::always_inline]] static inline float log10(float x) {
    return static_cast<float>(
        detail::log_limits(static_cast<double>(x), detail::log2_short(x) * 0x1.34413509f79ffp-2));
}

/// log(e^x + e^y)
[[gnu::always_inline]] static inline double logaddexp(double x, double y) {
    const double high = where(x < y, y, x), low = where(x < y, x, y);
    const detail::SumD gap = detail::exact_sum(low, -high);
    const double rest = detail::log1p_of(detail::exp_sum(gap.high, where(gap.high < -800.0, 0.0, gap.low)));
    return where((x != x) | (y != y), x + y, where(isinf(high), high, high + rest));
}
[[gnu::always_inline]] static inline float logaddexp(float x, float y) {
    return static_cast<float>(logaddexp(static_cast<double>(x), static_cast<double>(y)));
}

/// log2(2^x + 2^y)
[[gnu::always_inline]] static inline double logaddexp2(double x, double y) {
    const double high = where(x < y, y, x), low = where(x < y, x, y);
    const detail::SumD gap = detail::exact_sum(low, -high);
    const double rest = detail::log1p_of(detail::exp2_sum(gap.high, where(gap.high < -1100.0, 0.0, gap.low)));
    return where((x != x) | (y != y), x + y,
                 where(isinf(high), high, high + rest * detail::inverse_ln2.high));
}
[[gnu::always_inline]] static inline float logaddexp2(float x, float y) {
    return static_cast<float>(logaddexp2(static_cast<double>(x), static_cast<double>(y)));
}

/// x log(y), and 0 for x = 0 where y is a number.
[[gnu::always_inline]] static inline double xlogy(double x, double y) {
    const detail::WholeLog whole = detail::split_any(y);
    const detail::SumD log = detail::log_sum(whole.at, whole.e), whole_product = detail::product(x, log);
    const double plain = x * detail::log_limits(y, log.high);
    const bool ordinary =
        (y > 0.0) & (y < detail::infinity<double>)&(abs(plain) > 0x1p-960) & (abs(plain) < 0x1p1000);
    const double result = where(ordinary, whole_product.high + whole_product.low, plain);
    return where((x == 0.0) & (y == y), 0.0, result);
}
[[gnu::always_inline]] static inline float xlogy(float x, float y) {
    const double result = static_cast<double>(x) * log(static_cast<double>(y));
    return static_cast<float>(where((x == 0.0f) & (y == y), 0.0, result));
}

/// x log(1 + y), and 0 for x = 0 where y is a number.
[[gnu::always_inline]] static inline double xlog1py(double x, double y) {
    return where((x == 0.0) & (y == y), 0.0, x * log1p(y));
}
[[gnu::always_inline]] static inline float xlog1py(float x, float y) {
    return static_cast<float>(xlog1py(static_cast<double>(x), static_cast<double>(y)));
}

}  // namespace tapeless::formula
