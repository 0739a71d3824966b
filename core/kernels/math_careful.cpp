// The reduction of an angle of any size by Payne's and Hanek's method: only the digits of 2/pi that matter.
#include "kernels/math_careful.h"

#include <cmath>

#include "kernels/math.h"

namespace tapeless::formula {
namespace {

/// The first 1280 binary digits of 2/pi after the point, and 64 zeros before it.
constexpr std::uint64_t kTwoOverPi[] = {
    0x0000000000000000, 0xa2f9836e4e441529, 0xfc2757d1f534ddc0, 0xdb6295993c439041, 0xfe5163abdebbc561,
    0xb7246e3a424dd2e0, 0x06492eea09d1921c, 0xfe1deb1cb129a73e, 0xe88235f52ebb4484, 0xe99c7026b45f7e41,
    0x3991d639835339f4, 0x9c845f8bbdf9283b, 0x1ff897ffde05980f, 0xef2f118b5a0a6d1f, 0x6d367ecf27cb09b7,
    0x4f463f669e5fea2d, 0x7527bac7ebe5f17b, 0x3d0739f78a5292ea, 0x6bfb5fb11f8d5d08, 0x56033046fc7b6bab,
    0xf0cfbc209af4361d};

using Wide = unsigned __int128;
constexpr int kWords = 4;

/// 64 digits of 2/pi from digit `at` on, counted from 0 after the point; at >= -64.
std::uint64_t digits_of_two_over_pi(int at) {
    const int word = (at + 64) / 64, shift = (at + 64) % 64;
    const std::uint64_t high = kTwoOverPi[word] << shift;
    return shift ? high | kTwoOverPi[word + 1] >> (64 - shift) : high;
}

/// `words`, least first, as a number below 2^256, times 2^-256; and what a double loses of it.
detail::SumD fraction_of(const std::uint64_t* words) {
    int first = kWords - 1;
    while (first >= 0 && !words[first]) --first;
    if (first < 0) return {0, 0};
    const int shift = __builtin_clzll(words[first]);
    auto word = [&](int i) { return i >= 0 ? words[i] : std::uint64_t(0); };
    auto shifted = [&](int i) { return shift ? word(i) << shift | word(i - 1) >> (64 - shift) : word(i); };
    const std::uint64_t top = shifted(first), next = shifted(first - 1);
    const double high = static_cast<double>(top >> 11);  // 53 digits, and then 53 more.
    const double low = static_cast<double>((top & 0x7ff) << 42 | next >> 22);
    const int scale = 64 * (first + 1) - shift - 256 - 53;
    return {std::ldexp(high, scale), std::ldexp(low, scale - 53)};
}

/// x = m 2^e, so x 2/pi modulo 4 needs the digits of 2/pi from e - 2 on: earlier ones give multiples of 4.
detail::Angle reduce_any_angle(double x) {
    int exponent = 0;
    const std::uint64_t m = static_cast<std::uint64_t>(std::ldexp(std::frexp(x, &exponent), 53));
    const int at = exponent - 53 - 2;
    std::uint64_t product[kWords] = {};
    std::uint64_t carry = 0;
    for (int i = 0; i < kWords; ++i) {
        const Wide term = Wide(m) * digits_of_two_over_pi(at + 64 * (kWords - 1 - i)) + carry;
        product[i] = static_cast<std::uint64_t>(term);
        carry = static_cast<std::uint64_t>(term >> 64);
    }
    // Two digits of quadrant, and a fraction, which is made one of -1/2 to 1/2.
    std::uint64_t quadrant = product[kWords - 1] >> 62;
    for (int i = kWords - 1; i >= 0; --i) product[i] = product[i] << 2 | (i ? product[i - 1] >> 62 : 0);
    const bool above = product[kWords - 1] >> 63;
    if (above) {
        ++quadrant;
        bool borrow = true;  // 1 - fraction
        for (std::uint64_t& word : product) {
            word = ~word + borrow;
            borrow = borrow && word == 0;
        }
    }
    const detail::SumD turn = fraction_of(product);
    constexpr double half_pi = 0x1.921fb54442d18p+0, half_pi_low = 0x1.1a62633145c07p-54;
    const detail::SumD r = detail::exact_product(turn.high, half_pi);
    const double low = r.low + (turn.high * half_pi_low + turn.low * half_pi);
    const detail::SumD whole = detail::ordered_sum(r.high, low);
    return {above ? -whole.high : whole.high, above ? -whole.low : whole.low, quadrant};
}

/// The angle, by the packed functions' own reduction where that is right.
detail::Angle angle_of(double x) {
    const double size = abs(x);
    if (size < kLargestAngle) return detail::reduce_angle(size);
    if (!isfinite(x)) return {detail::not_a_number<double>, 0, 0};
    return reduce_any_angle(size);
}

}  // namespace

double careful_sin(double x) {
    const detail::Angle at = angle_of(x);
    return detail::sine_from(at, detail::sine_cosine(at), x);
}
double careful_cos(double x) {
    const detail::Angle at = angle_of(x);
    return detail::cosine_from(at, detail::sine_cosine(at));
}
double careful_tan(double x) {
    const detail::Angle at = angle_of(x);
    return detail::tangent_from(at, detail::sine_cosine(at), x, true);
}

}  // namespace tapeless::formula
