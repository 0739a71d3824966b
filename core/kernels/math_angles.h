// asin, acos, atan, atan2, hypot and sinc of float and double, branch-free; see math.h for the rules.
#pragma once

#include "kernels/math_basics.h"
#include "kernels/math_double.h"
#include "kernels/math_trigonometry.h"

namespace tapeless::formula {
namespace detail {

constexpr SumD pi{0x1.921fb54442d18p+1, 0x1.1a62633145c07p-53};
constexpr SumD half_pi{0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54};
constexpr SumD quarter_pi{0x1.921fb54442d18p-1, 0x1.1a62633145c07p-55};
constexpr SumD three_quarter_pi{0x1.2d97c7f3321d2p+1, 0x1.a79394c9e8a0ap-54};

[[gnu::always_inline]] static inline SumD where_sum(bool condition, SumD x, SumD y) {
    return {where(condition, x.high, y.high), where(condition, x.low, y.low)};
}

/// (asin(s) - s) / s for z = s² <= 1/4.
[[gnu::always_inline]] static inline double asin_rest(double z) {
    return z * polynomial(z, 0x1.5555555555556p-3, 0x1.3333333332ecap-4, 0x1.6db6db6e31f13p-5,
                          0x1.f1c71c1db0623p-6, 0x1.6e8bb1c8209a2p-6, 0x1.1c4d35cf95421p-6,
                          0x1.c9cf07674736ap-7, 0x1.782651caa6547p-7, 0x1.52420b04b37bep-7,
                          0x1.65a9c4dfcf8b2p-8, 0x1.1d189408314eep-6, -0x1.e6aaa8a0a04ccp-7,
                          0x1.d72b2bc8155f8p-6);
}
/// The same, 2^-33 accurate.
[[gnu::always_inline]] static inline double asin_rest_short(double z) {
    return z * polynomial(z, 0x1.5555555c0171dp-3, 0x1.33331ecf8b70bp-4, 0x1.6dc0f007c13e8p-5,
                          0x1.efedf83ab6506p-6, 0x1.82db23768c84fp-6, 0x1.5a80a068e3ee2p-7,
                          0x1.fb7ca379d49c6p-6);
}

/// (atan(t) - t) / t for z = t² and |t| <= tan(pi/8).
[[gnu::always_inline]] static inline double atan_rest(double z) {
    return z * polynomial(z, -0x1.5555555555555p-2, 0x1.9999999999953p-3, -0x1.249249248d7dcp-3,
                          0x1.c71c71c303dbbp-4, -0x1.745d165dc9713p-4, 0x1.3b1392d519db1p-4,
                          -0x1.110e87b4357d2p-4, 0x1.e19a0bfa3eef9p-5, -0x1.ac7a5a79b3f26p-5,
                          0x1.74dccfb93fff0p-5, -0x1.1b311bb48c215p-5, 0x1.0acd9e91a5a35p-6);
}
/// The same, 2^-33 accurate.
[[gnu::always_inline]] static inline double atan_rest_short(double z) {
    return z * polynomial(z, -0x1.5555554c099a8p-2, 0x1.99997b10270eap-3, -0x1.248a16707762dp-3,
                          0x1.c57b9120eab27p-4, -0x1.6143778c10af3p-4, 0x1.9d86ebba846aap-5);
}

/// An angle from 0 to pi as base + atan(above / below), where that arc is at most pi/8 long.
struct Arc {
    SumD base;
    double above, below, above_low, below_low;
};

/// The angle of the point (+-x, y) with x and y finite, >= 0 and not both 0.
[[gnu::always_inline]] static inline Arc arc_of(double y, double x, bool left) {
    const bool steep = y > 0x1.3504f333f9de6p+1 * x, middle = !steep & (y > 0x1.a827999fcef32p-2 * x);
    const SumD difference = exact_sum(y, -x), sum = exact_sum(y, x), none{0.0, 0.0};
    const SumD above = where_sum(steep, {-x, 0.0}, where_sum(middle, difference, {y, 0.0}));
    const SumD below = where_sum(steep, {y, 0.0}, where_sum(middle, sum, {x, 0.0}));
    const SumD right_base = where_sum(steep, half_pi, where_sum(middle, quarter_pi, none));
    const SumD left_base = where_sum(steep, half_pi, where_sum(middle, three_quarter_pi, pi));
    const double sign = where(left, -1.0, 1.0);
    return {where_sum(left, left_base, right_base), sign * above.high, below.high, sign * above.low,
            below.low};
}

/// The same where both may be infinite, or 0.
[[gnu::always_inline]] static inline Arc arc_of_any(double a, double b, bool left) {
    const bool high = a == infinity<double>, wide = b == infinity<double>;
    const double y = where(high, 1.0, where(wide, 0.0, a)), x = where(wide, 1.0, where(high, 0.0, b));
    return arc_of(y, where((y == 0.0) & (x == 0.0), 1.0, x), left);
}

[[gnu::always_inline]] static inline double arc_length(Arc arc) {
    const SumD t = quotient({arc.above, arc.above_low}, {arc.below, arc.below_low});
    const SumD sum = ordered_sum(arc.base.high, t.high);
    const double low = where(abs(t.high) > 0x1p-900, t.low, 0.0);  // Below, products have lost digits.
    return sum.high + (sum.low + (t.high * atan_rest(t.high * t.high) + (low + arc.base.low)));
}
[[gnu::always_inline]] static inline double arc_length_short(Arc arc) {
    const double t = arc.above / arc.below;
    return arc.base.high + (t + t * atan_rest_short(t * t));
}

}  // namespace detail

/// s + s R(s²) with s = |x|, or beyond 1/2 from the half angle: pi/2 - 2 asin(sqrt((1 - |x|) / 2)).
[[gnu::always_inline]] static inline double asin(double x) {
    const double size = abs(x);
    const bool large = size > 0.5;
    const double z = where(large, 0.5 * (1.0 - size), size * size);
    const detail::SumD root = detail::root({z, 0.0});
    const double s = where(large, root.high, size), rest = s * detail::asin_rest(z);
    const detail::SumD sum = detail::ordered_sum(detail::half_pi.high, -2.0 * s);
    const double far = sum.high + (sum.low + (detail::half_pi.low - 2.0 * (rest + root.low)));
    return copysign(where(large, far, s + rest), x);
}
[[gnu::always_inline]] static inline float asin(float x) {
    const double wide = x, size = abs(wide);
    const bool large = size > 0.5;
    const double z = where(large, 0.5 * (1.0 - size), size * size), s = where(large, sqrt(z), size);
    const double near = s + s * detail::asin_rest_short(z);
    return static_cast<float>(copysign(where(large, detail::half_pi.high - 2.0 * near, near), wide));
}

[[gnu::always_inline]] static inline double acos(double x) {
    const double size = abs(x);
    const bool large = size > 0.5, left = x < 0.0;
    const double z = where(large, 0.5 * (1.0 - size), size * size);
    const detail::SumD root = detail::root({z, 0.0}), none{0.0, 0.0};
    const double s = where(large, root.high, size), rest = s * detail::asin_rest(z);
    const detail::SumD base =
        detail::where_sum(large, detail::where_sum(left, detail::pi, none), detail::half_pi);
    const double factor = where(large, where(left, -2.0, 2.0), where(left, 1.0, -1.0));
    const detail::SumD sum = detail::ordered_sum(base.high, factor * s);
    return sum.high + (sum.low + (base.low + factor * (rest + where(large, root.low, 0.0))));
}
[[gnu::always_inline]] static inline float acos(float x) {
    const double wide = x, size = abs(wide);
    const bool large = size > 0.5, left = wide < 0.0;
    const double z = where(large, 0.5 * (1.0 - size), size * size), s = where(large, sqrt(z), size);
    const double near = s + s * detail::asin_rest_short(z);
    const double base = where(large, where(left, detail::pi.high, 0.0), detail::half_pi.high);
    return static_cast<float>(base + where(large, where(left, -2.0, 2.0), where(left, 1.0, -1.0)) * near);
}

[[gnu::always_inline]] static inline double atan(double x) {
    return copysign(detail::arc_length(detail::arc_of(abs(x), 1.0, false)), x);
}
[[gnu::always_inline]] static inline float atan(float x) {
    const double wide = x;
    return static_cast<float>(
        copysign(detail::arc_length_short(detail::arc_of(abs(wide), 1.0, false)), wide));
}

/// The angle of the point (x, y); y comes first.
[[gnu::always_inline]] static inline double atan2(double y, double x) {
    const double a = abs(y), b = abs(x), large = where(a > b, a, b);
    const double scale = where(large > 0x1p1000, 0x1p-4, where(large < 0x1p-500, 0x1p500, 1.0));
    const double size = detail::arc_length(detail::arc_of_any(a * scale, b * scale, signbit(x)));
    return where((x != x) | (y != y), x + y, copysign(size, y));
}
[[gnu::always_inline]] static inline float atan2(float y, float x) {
    const double a = abs(static_cast<double>(y)), b = abs(static_cast<double>(x));
    const double size = detail::arc_length_short(detail::arc_of_any(a, b, signbit(x)));
    return where((x != x) | (y != y), x + y, static_cast<float>(copysign(size, static_cast<double>(y))));
}

/// sqrt(x² + y²); infinite if either is, whatever the other.
[[gnu::always_inline]] static inline double hypot(double x, double y) {
    const double a = abs(x), b = abs(y), larger = where(a > b, a, b);
    const double scale = where(larger > 0x1p500, 0x1p-600, where(larger < 0x1p-400, 0x1p600, 1.0));
    const double back = where(larger > 0x1p500, 0x1p600, where(larger < 0x1p-400, 0x1p-600, 1.0));
    const double large = larger * scale, small = where(a > b, b, a) * scale;
    const detail::SumD p = detail::exact_product(large, large), q = detail::exact_product(small, small);
    const detail::SumD sum = detail::ordered_sum(p.high, q.high);
    const detail::SumD root = detail::root({sum.high, sum.low + (p.low + q.low)});
    const bool unbounded = (a == detail::infinity<double>) | (b == detail::infinity<double>);
    return where(unbounded, detail::infinity<double>, (root.high + root.low) * back);
}
[[gnu::always_inline]] static inline float hypot(float x, float y) {
    const double a = x, b = y;
    const bool unbounded = isinf(x) | isinf(y);
    return where(unbounded, detail::infinity<float>, static_cast<float>(sqrt(a * a + b * b)));
}

namespace detail {

/// pi x without whole turns, exactly: of a multiple of 1/2 the rest is 0.
[[gnu::always_inline]] static inline Angle reduce_half_turns(double x) {
    constexpr double magic = 0x1.8p52;
    const double n = round(2.0 * x);
    const SumD r = product(x - 0.5 * n, pi);
    return {r.high, r.low, bits(n - 4.0 * round(0.25 * n) + magic)};
}

}  // namespace detail

/// sin(pi x) / (pi x); 0 at whole numbers but 0.
[[gnu::always_inline]] static inline double sinc(double x) {
    const double size = abs(x);
    const double within = where(size < 0x1p52, where(size > 0x1p-30, size, 0.25), 0x1p52);
    const detail::Angle at = detail::reduce_half_turns(within);
    const detail::SineCosine parts = detail::sine_cosine(at);
    const bool odd = (at.quadrant & 1) != 0;
    const std::uint64_t sign = at.quadrant << 62;
    const detail::SumD sine{detail::flip_sign(where(odd, parts.cosine, parts.sine), sign),
                            detail::flip_sign(where(odd, parts.cosine_low, parts.sine_low), sign)};
    const detail::SumD result = detail::quotient(sine, detail::product(within, detail::pi));
    const double whole =
        where(size < 0x1p52, (result.high + result.low) + 0.0, 0.0 / where(isinf(x), 0.0, 1.0));
    return where(x != x, x, where(size > 0x1p-30, whole, 1.0));
}
[[gnu::always_inline]] static inline float sinc(float x) {
    const double wide = x, size = abs(wide);
    const double within = where(size < 0x1p52, where(size > 0x1p-30, size, 0.25), 0x1p52);
    const detail::Angle at = detail::reduce_half_turns(within);
    const double sine = detail::sine_from(at, detail::sine_cosine_short(at), 1.0);
    const double whole =
        where(size < 0x1p52, sine / (within * detail::pi.high) + 0.0, 0.0 / where(isinf(x), 0.0, 1.0));
    return where(x != x, x, static_cast<float>(where(size > 0x1p-30, whole, 1.0)));
}

}  // namespace tapeless::formula
