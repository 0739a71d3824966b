// sin, cos and tan of float and double, branch-free; see math.h for the rules and the range.
#pragma once

#include "kernels/math_basics.h"
#include "kernels/math_double.h"

namespace tapeless::formula {
namespace detail {

/// |x| = (4 k + quadrant) pi/2 + r + rest; only the low two bits of `quadrant` count.
struct Angle {
    double r, rest;
    std::uint64_t quadrant;
};

/// For a float's size: x / 2 pi in pieces of 29 bits, whose products with 24 bits are exact. Whole turns
/// leave each piece by itself, so every finite float is reduced rightly.
[[gnu::always_inline]] static inline Angle reduce_angle_of_float(double x) {
    const double turns0 = x * 0x1.45f306cp-3, turns1 = x * 0x1.c9c882ap-31, turns2 = x * 0x1.4fe13a8p-61;
    const double turns3 = x * 0x1.f47d4d3p-88, turns4 = x * 0x1.dc0db62p-118,
                 turns5 = x * 0x1.2b32788720840p-147;
    const double part0 = turns0 - round(turns0), part1 = turns1 - round(turns1),
                 part2 = turns2 - round(turns2);
    const double part3 = turns3 - round(turns3), part4 = turns4 - round(turns4);
    const double turn = part0 + (part1 + (part2 + (part3 + (part4 + turns5))));
    constexpr double magic = 0x1.8p50;  // Adding it rounds to a quarter, which the low bits then hold.
    const double shifted = turn + magic;
    return {(turn - (shifted - magic)) * 0x1.921fb54442d18p+2, 0.0, bits(shifted)};
}

/// Takes multiples of 2 pi 2^shift away from x + x_low, where |x| < 2^(shift + 28).
template <int shift> [[gnu::always_inline]] static inline SumD reduce_turns(SumD x) {
    constexpr double scale = static_cast<double>(std::uint64_t(1) << shift);
    constexpr double magic = 0x1.8p52;
    const double n = (x.high * (0x1.45f306dc9c883p-3 / scale) + magic) - magic;
    // Pieces of 26 bits: the first two differences are exact.
    const double high = (x.high - n * (0x1.921fb5p+2 * scale)) - n * (0x1.110b46p-24 * scale);
    const double third = n * (0x1.1a6262p-52 * scale);
    const double rest = high - third;
    const double low = ((high - rest) - third) - n * (0x1.3145c06e0e689p-76 * scale);
    return ordered_sum(rest, low + x.low);
}

/// For a double's size up to 2^80.
[[gnu::always_inline]] static inline Angle reduce_angle(double x) {
    const SumD near = reduce_turns<26>(reduce_turns<52>({x, 0.0}));
    constexpr double magic = 0x1.8p52;
    const double shifted = near.high * 0x1.45f306dc9c883p-1 + magic;
    const double n = shifted - magic;
    // pi/2 in pieces of 25 bits: n has up to 28, and the first two differences are exact.
    const double high = (near.high - n * 0x1.921fb5p+0) - n * 0x1.110b46p-26;
    const double third = n * 0x1.1a626p-54;
    const double rest = high - third;
    const double low = (((high - rest) - third) - n * 0x1.98a2e03707345p-77) + near.low;
    const SumD r = ordered_sum(rest, low);
    return {where(x < 0x1p80, r.high, not_a_number<double>), r.low, bits(shifted)};
}

struct SineCosine {
    double sine, cosine;
    double sine_low, cosine_low;  ///< what rounding took from them
};

/// Of |r| <= pi/4, 2^-38 accurate: for float.
[[gnu::always_inline]] static inline SineCosine sine_cosine_short(Angle at) {
    const double z = at.r * at.r;
    const double sine = polynomial(z, -0x1.5555554d7b2e7p-3, 0x1.111108faa00adp-7, -0x1.a00fdc566c900p-13,
                                   0x1.6ce4848813ddbp-19);
    const double cosine = polynomial(z, 1.0, -0.5, 0x1.55555550120b0p-5, -0x1.6c16b9436280dp-10,
                                     0x1.a0117ea247208p-16, -0x1.243ba6455d0a9p-22);
    return {at.r + (at.r * z) * sine, cosine, 0.0, 0.0};
}

/// Of |r| <= pi/4, with `rest` taken in to first order.
[[gnu::always_inline]] static inline SineCosine sine_cosine(Angle at) {
    const double z = at.r * at.r, half = 0.5 * z;
    const double sine = polynomial(z, -0x1.555555555554bp-3, 0x1.111111110fac6p-7, -0x1.a01a019c477d2p-13,
                                   0x1.71de359afbb58p-19, -0x1.ae5e7b45370fdp-26, 0x1.5d97a132d3b4dp-33);
    const double cosine = polynomial(z, 0x1.5555555555552p-5, -0x1.6c16c16c15d7ap-10, 0x1.a01a019dbd14cp-16,
                                     -0x1.27e4f8b93de63p-22, 0x1.1eea596ef8644p-29, -0x1.8fe33d71638bcp-37);
    const SumD start = ordered_sum(1.0, -half);
    const SumD whole_sine = ordered_sum(at.r, (at.r * z) * sine + at.rest * (1.0 - half));
    const SumD whole_cosine = ordered_sum(start.high, start.low + ((z * z) * cosine - at.r * at.rest));
    return {whole_sine.high, whole_cosine.high, whole_sine.low, whole_cosine.low};
}

[[gnu::always_inline]] static inline double sine_from(Angle at, SineCosine parts, double x) {
    const double size = where((at.quadrant & 1) != 0, parts.cosine, parts.sine);
    return flip_sign(size, bits(x) ^ (at.quadrant << 62));
}
[[gnu::always_inline]] static inline double cosine_from(Angle at, SineCosine parts) {
    const double size = where((at.quadrant & 1) != 0, parts.sine, parts.cosine);
    return flip_sign(size, (at.quadrant + 1) << 62);
}

/// Sine over cosine, or minus the inverse of that; with `low`, what rounding took is put back.
[[gnu::always_inline]] static inline double tangent_from(Angle at, SineCosine parts, double x, bool low) {
    const bool odd = (at.quadrant & 1) != 0;
    const double above = where(odd, parts.cosine, parts.sine), below = where(odd, parts.sine, parts.cosine);
    const double above_low = where(odd, parts.cosine_low, parts.sine_low);
    const double below_low = where(odd, parts.sine_low, parts.cosine_low);
    const double quotient = above / below;
    const double size = low ? quotient + (above_low - quotient * below_low) / below : quotient;
    return flip_sign(size, bits(x) ^ (at.quadrant << 63));
}

}  // namespace detail

[[gnu::always_inline]] static inline float sin(float x) {
    const double wide = x;
    const detail::Angle at = detail::reduce_angle_of_float(abs(wide));
    return static_cast<float>(detail::sine_from(at, detail::sine_cosine_short(at), wide));
}
[[gnu::always_inline]] static inline float cos(float x) {
    const detail::Angle at = detail::reduce_angle_of_float(abs(static_cast<double>(x)));
    return static_cast<float>(detail::cosine_from(at, detail::sine_cosine_short(at)));
}
[[gnu::always_inline]] static inline float tan(float x) {
    const double wide = x;
    const detail::Angle at = detail::reduce_angle_of_float(abs(wide));
    return static_cast<float>(detail::tangent_from(at, detail::sine_cosine_short(at), wide, false));
}

[[gnu::always_inline]] static inline double sin(double x) {
    const detail::Angle at = detail::reduce_angle(abs(x));
    return detail::sine_from(at, detail::sine_cosine(at), x);
}
[[gnu::always_inline]] static inline double cos(double x) {
    const detail::Angle at = detail::reduce_angle(abs(x));
    return detail::cosine_from(at, detail::sine_cosine(at));
}
[[gnu::always_inline]] static inline double tan(double x) {
    const detail::Angle at = detail::reduce_angle(abs(x));
    return detail::tangent_from(at, detail::sine_cosine(at), x, true);
}

}  // namespace tapeless::formula
