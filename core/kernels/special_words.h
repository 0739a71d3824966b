// Special functions in the part of C++ that is CUDA as well: compiled for the CPU by math_special.cpp, and put as text
// before the kernels of a GPU. All in double; what they call, TL_WORD and tl_exp and the like, the includer defines.
//
// Coefficients are Chebyshev interpolants found in 50-digit arithmetic, by powers of the variable's distance from the
// middle of its interval. Where a series is classical its name is beside it; the numbers of formulas are those of the
// Digital Library of Mathematical Functions (dlmf.nist.gov).

/// c[0] + c[1] x + c[2] x² ..., as four sums by powers of x⁴: a quarter of the chain of dependent operations.
template <int count> TL_WORD double tl_series(const double (&c)[count], double x) {
    const double square = x * x, fourth = square * square;
    double sum[4] = {0, 0, 0, 0};
    for (int i = (count - 1) / 4; i >= 0; --i) {
        for (int k = 0; k < 4; ++k) sum[k] = sum[k] * fourth + (4 * i + k < count ? c[4 * i + k] : 0.0);
    }
    return (sum[0] + x * sum[1]) + square * (sum[2] + x * sum[3]);
}

TL_WORD double tl_infinity() { return 1e308 * 10; }
TL_WORD double tl_nan() { return tl_infinity() - tl_infinity(); }
TL_WORD double tl_with_sign(double size, double sign) { return sign < 0 ? -size : size; }

/// e^(factor x²) for |x| < 60 and a factor that is a power of two: x² is exact in two parts.
TL_WORD double tl_exp_square(double x, double factor) {
    const double big = x * 134217729.0;
    const double high = big - (big - x), low = x - high;
    const double rest = factor * (low * (x + high));
    return tl_exp(factor * (high * high)) * (1.0 + rest * (1.0 + rest * (0.5 + rest * (1.0 / 6.0))));
}

// --- Error functions ---

/// e^(x²) erfc x for x >= 0, as (1 + 2 x) times it in (x - 3.75) / (x + 3.75).
TL_WORD double tl_erfcx_positive(double x) {
    static const double c[] = {
        0x1.3ccda0b5d5dc2p+0,  -0x1.1f367683f89a7p-3,  0x1.d5f2948159d0ep-9,   0x1.510169d0967ffp-4,
        -0x1.bda9309a2886ap-4, 0x1.7a14188a99ba8p-4,   -0x1.e0d0fa6e016bdp-5,  0x1.d0b0037dcada7p-6,
        -0x1.3f603c3390a8cp-7, 0x1.cc3a0e22f1e70p-10,  0x1.33fb24531619cp-12,  -0x1.303f9d9e6c0fcp-12,
        0x1.b14449e36dfd0p-15, 0x1.778a2b0123c46p-16,  -0x1.800892b72d256p-17, -0x1.0525a3b8c42dap-20,
        0x1.d6b54b85aaa25p-20, -0x1.f47cc3f3e6641p-25, -0x1.18861c22d08a2p-22, 0x1.a15251a93b51cp-26,
        0x1.60d2a86790021p-25, -0x1.2db22103e39d2p-28, -0x1.c60492c65c488p-28, 0x1.2c33ebf88348cp-31,
        0x1.fbb13569c48bcp-31, -0x1.4a9f17de05cb1p-35, -0x1.5129d954e2bbfp-34};
    if (x > 1e17) return 0.56418958354775628 / x;
    return tl_series(c, (x - 3.75) / (x + 3.75)) / (1.0 + 2.0 * x);
}

TL_WORD double tl_special_erfcx(double x) {
    if (x >= 0) return tl_erfcx_positive(x);
    if (x < -27.0) return tl_infinity();
    return 2.0 * tl_exp_square(x, 1.0) - tl_erfcx_positive(-x);
}

TL_WORD double tl_erfc(double x) {
    if (x < 0.25) return 1.0 - tl_erf(x);
    if (x > 28.0) return 0;
    return tl_exp_square(x, -1.0) * tl_erfcx_positive(x);
}

/// The logarithm of the normal distribution's lower tail.
TL_WORD double tl_special_log_ndtr(double x) {
    const double z = tl_abs(x) * 0.70710678118654752;
    if (x < 0) return tl_log(0.5 * tl_erfcx_positive(z)) - 0.5 * x * x;
    if (x > 39.0) return -0.0;
    return tl_log1p(-0.5 * tl_erfcx_positive(z) * tl_exp_square(x, -0.5));
}

/// z with erf z = y for |y| <= 3/4.
TL_WORD double tl_erfinv_middle(double y) {
    static const double c[] = {
        0x1.ed943e7c761e6p-1, 0x1.544e505fd49a0p-2, 0x1.fdd1b104b1cc2p-3, 0x1.dc350b7fd0977p-3,
        0x1.ee25e52abe5ccp-3, 0x1.10a44af0fa208p-2, 0x1.3939ffa919362p-2, 0x1.723ae969b3c29p-2,
        0x1.bef2ea2556395p-2, 0x1.12379f0b54e2ep-1, 0x1.54df3ad16e66ap-1, 0x1.ac39234bece3cp-1,
        0x1.0f58ce0ceb985p+0, 0x1.5a6cf5075e2d4p+0, 0x1.bcfa7304ad381p+0, 0x1.1f6780f5b3ab4p+1,
        0x1.763e030edb91ap+1, 0x1.e7d166af805d5p+1, 0x1.3494deb37b55cp+2, 0x1.94c76a5dc429fp+2,
        0x1.47f03636b9638p+3, 0x1.b1e49f6a7afadp+3, 0x1.b70e35fc77b88p+1, 0x1.19d73373a4f5cp+2,
        0x1.169f00e703111p+6, 0x1.742134d27f30ap+6};
    return y * tl_series(c, y * y - 0.28125);
}

/// z > 0 with erfc z = t for 0 < t <= 1/4: a guess with five digits, then Newton's method on the logarithm of erfc.
TL_WORD double tl_erfc_inverse(double t) {
    static const double c[] = {0x1.00102ec54c1bdp+0,  -0x1.9f40f525bd29bp-6, -0x1.98e005e895d69p+0,
                               0x1.426fe08742507p+2,  -0x1.ea0607cc98ef8p+3, 0x1.331e971b4635fp+5,
                               -0x1.153763377f0a9p+6, 0x1.545f571e7aa99p+6,  -0x1.0ca5dcae1f2b0p+6,
                               0x1.ea8db2ba722bbp+4,  -0x1.89337711f480bp+2};
    const double log_t = tl_log(t), s = tl_sqrt(-log_t);
    double z = s * tl_series(c, 1.0 / s);
    for (int i = 0; i < 2; ++i) {
        const double scaled = tl_erfcx_positive(z);
        z -= (z * z - tl_log(scaled) + log_t) * scaled * 0.88622692545275801;
    }
    return z;
}

TL_WORD double tl_erfinv(double y) {
    const double size = tl_abs(y);
    if (size <= 0.75) return tl_erfinv_middle(y);
    if (size < 1.0) return tl_with_sign(tl_erfc_inverse(1.0 - size), y);
    return size == 1.0 ? tl_with_sign(tl_infinity(), y) : tl_nan();
}

/// The quantile of the normal distribution.
TL_WORD double tl_special_ndtri(double p) {
    const double root = 1.4142135623730951;
    if (p > 0.125 && p < 0.875) return root * tl_erfinv_middle(2.0 * p - 1.0);
    if (p > 0 && p < 0.5) return -root * tl_erfc_inverse(2.0 * p);
    if (p > 0.5 && p < 1.0) return root * tl_erfc_inverse(2.0 * (1.0 - p));
    return p == 0 ? -tl_infinity() : p == 1.0 ? tl_infinity() : tl_nan();
}

// --- Gamma functions ---

/// ln |gamma x| for 0.7 <= x < 2.5, with its zeros at 1 and 2 as factors.
TL_WORD double tl_lgamma_about_one(double less_one) {
    static const double c[] = {
        -0x1.2788cfc6fb619p-1, 0x1.a51a6625307d2p-1, -0x1.9a4d55beab46ep-2, 0x1.151322ac7df2dp-2,
        -0x1.a8b9c17a5750fp-3, 0x1.5b40cb0f488b6p-3, -0x1.2703a20c16debp-3, 0x1.010b36f5a7e5dp-3,
        -0x1.c80653e271db8p-4, 0x1.9a01cd1810a6ap-4, -0x1.749119c9fad05p-4, 0x1.556c01af1e2cfp-4,
        -0x1.3a9d5677bca22p-4, 0x1.24b0b7acfdbddp-4, -0x1.18dc2ac5ea216p-4, 0x1.f785c7f07b676p-5,
        -0x1.5af20399c9806p-5, 0x1.178837a9f1dbbp-4, -0x1.e42c646b88b6dp-4};
    return less_one * tl_series(c, less_one) + 0.0;  // Not -0 at 1.
}
TL_WORD double tl_lgamma_middle(double x) {
    static const double c[] = {
        -0x1.eeb95b094c191p-4, 0x1.2aed059bd608ap-5,   0x1.de9e64df22f0ep-2,  -0x1.1ae55b180728fp-3,
        0x1.e0f840dac40bap-5,  -0x1.da59d53733a3fp-6,  0x1.f9ca39febb640p-7,  -0x1.1a8ba5078f701p-7,
        0x1.456f092e3a724p-8,  -0x1.7edb6b04233c8p-9,  0x1.c97cb8f54f805p-10, -0x1.149012fd01a7cp-10,
        0x1.501d60a45cfe7p-11, -0x1.9d467e61358adp-12, 0x1.1b3ff39fb62aep-12, -0x1.60ac77ca23d4fp-13};
    return tl_series(c, x - 1.5);
}
TL_WORD double tl_lgamma_about_two(double x) {
    static const double c[] = {0x1.b0ee6072093cep-2,   0x1.4a34cc4a60fa6p-2,   -0x1.13e001a557603p-4,
                               0x1.51322ac7d85dfp-6,   -0x1.e404fc21926a6p-8,  0x1.7add6ead744c1p-9,
                               -0x1.38ac5c27a2560p-10, 0x1.0b36afabbe6c1p-11,  -0x1.d3fd526ba0846p-13,
                               0x1.a127a6d22dfc3p-14,  -0x1.78dc56639cbb2p-15, 0x1.5808c46b7f777p-16,
                               -0x1.3d07c37121ac6p-17, 0x1.276570d046809p-18,  -0x1.10e4f9de8977dp-19,
                               0x1.b5618e4061423p-21,  -0x1.9af96a4a16896p-23};
    return (x - 2.0) * tl_series(c, x - 2.0);
}
TL_WORD double tl_lgamma_near(double x) {
    return x < 1.25 ? tl_lgamma_about_one(x - 1.0) : x < 1.75 ? tl_lgamma_middle(x) : tl_lgamma_about_two(x);
}

/// What Stirling's formula leaves out: ln gamma x = (x - 1/2) ln x - x + ln(2 pi) / 2 + this, for x >= 8 (5.11.1).
TL_WORD double tl_stirling_rest(double x) {
    static const double c[] = {1.0 / 12,        -1.0 / 360, 1.0 / 1260,       -1.0 / 1680,     1.0 / 1188,
                               -691.0 / 360360, 1.0 / 156,  -3617.0 / 122400, 43867.0 / 244188};
    const double inverse = 1.0 / x;
    return inverse * tl_series(c, inverse * inverse);
}

TL_WORD double tl_lgamma_positive(double x) {
    if (x < 0.7) return tl_lgamma_near(x + 1.0) - tl_log(x);
    if (x >= 8.0) return (x - 0.5) * (tl_log(x) - 1.0) + 0.41893853320467274 + tl_stirling_rest(x);
    double product = 1.0;
    while (x >= 2.5) {
        x -= 1.0;
        product *= x;
    }
    return product == 1.0 ? tl_lgamma_near(x) : tl_lgamma_near(x) + tl_log(product);
}

/// For x < 0 by reflection (5.5.3).
TL_WORD double tl_lgamma(double x) {
    if (x > 0) return tl_lgamma_positive(x);
    if (tl_floor(x) == x) return tl_infinity();
    if (x > -1e-20) return -tl_log(-x);
    const double sine = tl_abs(tl_sin(3.141592653589793 * (x - tl_round(x))));
    return tl_log(3.141592653589793 / (-x * sine)) - tl_lgamma_positive(-x);
}

/// psi x for 1 <= x <= 3, with its zero as a factor.
TL_WORD double tl_digamma_near(double x) {
    static const double c[] = {
        0x1.9213d46736ba4p-1,   -0x1.0aff270ca07a7p-2,  0x1.be76b26db8065p-4,  -0x1.95ec0c3ba92eap-5,
        0x1.802924f9a5593p-6,   -0x1.7389aa80b1598p-7,  0x1.6bdf5e1b0f5d0p-8,  -0x1.6714cfd6eee8ep-9,
        0x1.64075fe15ceefp-10,  -0x1.620f085583d13p-11, 0x1.60c690cbf7adbp-12, -0x1.5feeea62bf9c3p-13,
        0x1.5f612ad243f72p-14,  -0x1.5f0b609bedc15p-15, 0x1.5ecd5f7b919d5p-16, -0x1.5e2ddb0ad4323p-17,
        0x1.5e12899cb8187p-18,  -0x1.6301bf3b70a3ap-19, 0x1.62f5a9f6b8f6ap-20, -0x1.3b967e28e8a2ap-21,
        0x1.3b9123664e461p-22,  -0x1.0e2d70022f1d1p-22, 0x1.0e2c3ee23304fp-23, 0x1.7fbf6756f496fp-25,
        -0x1.7fc06e5ffaf83p-26, -0x1.1cb3bb1923305p-24, 0x1.1cb3a9a069b80p-25, 0x1.60352909aad8ap-26,
        -0x1.60352b509d628p-27, -0x1.77b048e70460dp-28, 0x1.77b0419eeab12p-29};
    return ((x - 0x1.762d86356be3fp+0) - 0x1.b86a722197829p-54) * tl_series(c, x - 2.0);
}

/// By recurrence (5.5.2) up to 10, and asymptotically from there (5.11.2).
TL_WORD double tl_digamma_positive(double x) {
    static const double c[] = {1.0 / 12,  -1.0 / 120,     1.0 / 252, -1.0 / 240,
                               1.0 / 132, -691.0 / 32760, 1.0 / 12,  -3617.0 / 8160};
    if (x < 1.0) return tl_digamma_near(x + 1.0) - 1.0 / x;
    if (x >= 10.0) {
        const double inverse = 1.0 / x, square = inverse * inverse;
        return tl_log(x) - (0.5 * inverse + square * tl_series(c, square));
    }
    double sum = 0;
    while (x > 3.0) {
        x -= 1.0;
        sum += 1.0 / x;
    }
    return tl_digamma_near(x) + sum;
}

TL_WORD double tl_digamma(double x) {
    if (x > 0) return tl_digamma_positive(x);
    if (x == 0) return -1.0 / x;
    if (tl_floor(x) == x) return tl_nan();
    return tl_digamma_positive(1.0 - x) - 3.141592653589793 / tl_tan(3.141592653589793 * (x - tl_round(x)));
}

/// Hurwitz's zeta function for s > 1, q > 0 by the formula of Euler and Maclaurin (25.11.5, nine terms first).
TL_WORD double tl_zeta_positive(double s, double q) {
    static const double c[] = {1.0 / 12,
                               -1.0 / 720,
                               1.0 / 30240,
                               -1.0 / 1209600,
                               1.0 / 47900160,
                               -691.0 / 1307674368000.0,
                               1.0 / 74724249600.0,
                               -3617.0 / 10670622842880000.0,
                               43867.0 / 5109094217170944000.0};
    if (q > 1e8) return tl_pow(q, 1.0 - s) * (1.0 / (s - 1.0) + 0.5 / q);
    double sum = tl_pow(q, -s), power = sum;
    for (int i = 0; i < 9; ++i) {
        if (power <= 1e-17 * sum) return sum;
        q += 1.0;
        power = tl_pow(q, -s);
        sum += power;
    }
    sum += power * (q / (s - 1.0) - 0.5);
    const double inverse = 1.0 / q;
    double factor = power * s * inverse;
    for (int i = 0; i < 9; ++i) {
        sum += factor * c[i];
        factor *= (s + 2 * i + 1.0) * (s + 2 * i + 2.0) * inverse * inverse;
    }
    return sum;
}

/// For q < 0 the terms below 0 are added: few one by one, many as the difference of two sums of their sizes.
TL_WORD double tl_special_zeta(double s, double q) {
    if (s != s || q != q) return s + q;
    if (s == 1.0) return tl_infinity();
    if (s < 1.0) return tl_nan();
    if (q > 0) return tl_zeta_positive(s, q);
    if (q == tl_floor(q)) return tl_infinity();
    if (s != tl_floor(s)) return tl_nan();
    const double fraction = q - tl_floor(q);
    if (q < -16.0) {
        const double below = tl_zeta_positive(s, 1.0 - fraction) - tl_zeta_positive(s, 1.0 - q);
        const bool odd = 0.5 * s != tl_floor(0.5 * s);
        return tl_zeta_positive(s, fraction) + (odd ? -below : below);
    }
    double sum = 0;
    for (; q < 0; q += 1.0) sum += tl_pow(q, -s);
    return sum + tl_zeta_positive(s, fraction);
}

// --- Modified Bessel functions of the first kind ---

/// I0(x) and 2 I1(x) / x for 0 <= x <= 8, as functions of x² / 4.
TL_WORD double tl_i0_small(double y) {
    static const double c[] = {
        0x1.0000000000000p+0,  0x1.0000000000000p+0,  0x1.0000000000000p-2,  0x1.c71c71c71c71cp-6,
        0x1.c71c71c71c71dp-10, 0x1.23456789abcd9p-14, 0x1.02e85c0898becp-19, 0x1.522a43f653ab2p-25,
        0x1.522a43f66652fp-31, 0x1.0b313288aa584p-37, 0x1.56018877b43b7p-44, 0x1.69ca9b2be85d4p-51,
        0x1.4197c09ab0918p-58, 0x1.e7234e30227f6p-66, 0x1.3e334c6a83723p-73, 0x1.69329ab81b047p-81,
        0x1.7099a6665014cp-89, 0x1.1a2ca347d54c1p-97, 0x1.81195045582f4p-105};
    return tl_series(c, y);
}
TL_WORD double tl_i1_small(double y) {
    static const double c[] = {
        0x1.0000000000000p+0,  0x1.0000000000000p-1,   0x1.5555555555555p-4,  0x1.c71c71c71c71cp-8,
        0x1.6c16c16c16c17p-12, 0x1.845c8a0ce5127p-17,  0x1.27e4fb7789f8dp-22, 0x1.522a43f654305p-28,
        0x1.2c9758dafccbfp-34, 0x1.ab81ea75241bbp-41,  0x1.f17697e304b40p-48, 0x1.e2637a8923222p-55,
        0x1.8bce6bf3a2ef5p-62, 0x1.165dae5ada9a1p-69,  0x1.536551af66e45p-77, 0x1.695c7cc428093p-85,
        0x1.59e77b84e7fd9p-93, 0x1.fd4a47e405e28p-102, 0x1.3dab290145249p-109};
    return tl_series(c, y);
}
/// e^-x I(x) for x > 8, times the square root of x a function of 16 / x - 1.
TL_WORD double tl_i0_large(double x) {
    static const double c[] = {
        0x1.9bd428ad249a5p-2,   0x1.b87969bb93b75p-9,  0x1.1daa72b5e650cp-13,  0x1.75e5ee71edd14p-17,
        0x1.8e513a1d5e52bp-20,  0x1.3f49a6bcfc2d9p-22, 0x1.7d0f75812d9bcp-24,  0x1.51ced7b713adcp-25,
        0x1.7224b1828e507p-26,  0x1.03896efb09a41p-27, -0x1.ce768f00b5374p-28, -0x1.cc90f59ec1228p-27,
        -0x1.77cc956faaa2fp-28, 0x1.0317d4c7b215ap-27, 0x1.047454ffcb608p-27,  -0x1.df1549cddfaf8p-29,
        -0x1.a9411c5b0ad08p-28, 0x1.9bbbfe31d81e9p-30, 0x1.0ab5ef575d285p-28,  -0x1.31c908a5dd531p-31,
        -0x1.e8fd992032bedp-30, 0x1.42a55974d41b8p-33, 0x1.1ce14787c5bdep-31,  -0x1.52109c25bd9ecp-36,
        -0x1.36e52c10032d7p-34};
    return tl_series(c, 16.0 / x - 1.0) / tl_sqrt(x);
}
TL_WORD double tl_i1_large(double x) {
    static const double c[] = {
        0x1.8ebe783a84030p-2,   -0x1.3f796198ee628p-7,  -0x1.cbc54df1ece76p-13, -0x1.f89c23066d278p-17,
        -0x1.ec8e101744487p-20, -0x1.76137e6905189p-22, -0x1.ad8db6e1fecbbp-24, -0x1.727a73a8063a8p-25,
        -0x1.9180f82a1d429p-26, -0x1.21895bb7ba33fp-27, 0x1.cd81846fb3ff1p-28,  0x1.e20e7d69649cap-27,
        0x1.9f203cf2783b7p-28,  -0x1.0630cddd4e099p-27, -0x1.1465ce7d29637p-27, 0x1.d4345a69bfc30p-29,
        0x1.bdc8daed57db9p-28,  -0x1.858c7591014bdp-30, -0x1.162964d5f91dbp-28, 0x1.1aee882806184p-31,
        0x1.fce6b32270b52p-30,  -0x1.272ae05110368p-33, -0x1.2839623e2341cp-31, 0x1.33e83e12ca3b4p-36,
        0x1.432b0a4121172p-34};
    return tl_series(c, 16.0 / x - 1.0) / tl_sqrt(x);
}
/// scaled e^x, where e^x alone may overflow.
TL_WORD double tl_times_exp(double scaled, double x) {
    if (x > 800.0) return tl_infinity();
    if (x < 700.0) return scaled * tl_exp(x);
    const double half = tl_exp(0.5 * x);
    return scaled * half * half;
}

TL_WORD double tl_i0(double x) {
    const double size = tl_abs(x);
    if (size <= 8.0) return tl_i0_small(0.25 * x * x);
    return tl_times_exp(tl_i0_large(size), size);
}
TL_WORD double tl_special_i0e(double x) {
    const double size = tl_abs(x);
    return size <= 8.0 ? tl_i0_small(0.25 * x * x) * tl_exp(-size) : tl_i0_large(size);
}
TL_WORD double tl_special_i1(double x) {
    const double size = tl_abs(x);
    if (size <= 8.0) return 0.5 * x * tl_i1_small(0.25 * x * x);
    return tl_with_sign(tl_times_exp(tl_i1_large(size), size), x);
}
TL_WORD double tl_special_i1e(double x) {
    const double size = tl_abs(x);
    if (size <= 8.0) return 0.5 * x * tl_i1_small(0.25 * x * x) * tl_exp(-size);
    return tl_with_sign(tl_i1_large(size), x);
}

// --- Incomplete gamma functions ---

/// m - ln(1 + m) for |m| <= 1/2, where the difference would cancel.
TL_WORD double tl_less_log1p(double m) {
    // ln(1 + m) = 2 (s + s³/3 + s⁵/5 ...), and 2 s = m - m s.
    const double s = m / (2.0 + m), square = s * s;
    double sum = 0;
    for (int k = 37; k >= 3; k -= 2) sum = sum * square + 1.0 / k;
    return m * s - 2.0 * s * square * sum;
}

/// 1 / gamma(1 + d) for 0 <= d <= 1.
TL_WORD double tl_inverse_gamma(double d) {
    static const double c[] = {
        0x1.0000000000000p+0,   0x1.2788cfc6fb619p-1,   -0x1.4fcf4026afa2ep-1,  -0x1.5815e8fa27048p-5,
        0x1.5512320b43fc1p-3,   -0x1.59af103c3412fp-5,  -0x1.3b4af2848218ap-7,  0x1.d919c527d8816p-8,
        -0x1.317112cb6b2a0p-10, -0x1.c364fed68aeb0p-13, 0x1.0c8a7a3d21e88p-13,  -0x1.51ceaad9e5f91p-16,
        -0x1.4fa8e459856b2p-20, 0x1.301d77945b8fdp-20,  -0x1.b94532ef7ada7p-23, 0x1.9906e8cb102b6p-28,
        0x1.6146b615b3ff1p-28,  -0x1.5d9138109d746p-30, 0x1.46abfc244d472p-33,  -0x1.126a11199c228p-37};
    return tl_series(c, d);
}

/// x^a e^-x / gamma(a + 1): as it stands where nothing overflows, else by Stirling's formula.
TL_WORD double tl_gamma_term(double a, double x) {
    if (a <= 100.0 && x <= 700.0) {
        double product = 1.0, d = a;
        for (; d > 1.0; d -= 1.0) product *= d;
        return tl_pow(x, a) * tl_exp(-x) / product * tl_inverse_gamma(d);
    }
    if (a < 10.0) return 0;
    const double m = (x - a) / a, ratio = x / a;
    const double each = tl_abs(m) <= 0.5 ? tl_less_log1p(m) : ratio - 1.0 - tl_log(ratio);
    return tl_exp(-(a * each + tl_stirling_rest(a))) / tl_sqrt(6.283185307179586 * a);
}

/// P by its power series (8.7.1); for x up to about a.
TL_WORD double tl_gamma_by_series(double a, double x) {
    double sum = 1.0, term = 1.0;
    for (int n = 1; n < 2000 && term > 1e-17 * sum; ++n) {
        term *= x / (a + n);
        sum += term;
    }
    return sum * tl_gamma_term(a, x);
}

/// Q by Legendre's continued fraction (8.9.2) for x beyond a. Lentz's method finds how long it must be; evaluated
/// backwards from there it gathers fewer rounding errors.
TL_WORD double tl_gamma_by_fraction(double a, double x) {
    const double first = x + 1.0 - a;
    double c = 1e300, d = 1.0 / first, change = 2.0;
    int n = 0;
    while (n < 2000 && tl_abs(change - 1.0) > 1e-16) {
        ++n;
        const double numerator = -n * (n - a), b = first + 2.0 * n;
        d = 1.0 / (numerator * d + b);
        c = b + numerator / c;
        change = c * d;
    }
    double value = first + 2.0 * n;
    for (; n > 0; --n) value = first + 2.0 * (n - 1) - n * (n - a) / value;
    return a * tl_gamma_term(a, x) / value;
}

/// Q for small x and a, where 1 - P would cancel: by the series of P less its first term.
TL_WORD double tl_gamma_by_difference(double a, double x) {
    double sum = 0, term = 1.0;
    for (int n = 1; n < 100; ++n) {
        term *= -x / n;
        sum += term / (a + n);
        if (tl_abs(term) < 1e-18 * tl_abs(sum)) break;
    }
    const double of_gamma = a < 0.25 ? tl_lgamma_about_one(a) : tl_lgamma_near(1.0 + a);
    const double exponent = a * tl_log(x) - of_gamma;
    return -tl_expm1(exponent) - tl_exp(exponent) * a * sum;
}

/// Temme's uniform expansion (8.12.3, 8.12.4) for a > 200 and x near a: the tail beyond x, which is the small one of P
/// and Q. Its coefficients (8.12.10) are sums of powers of eta.
TL_WORD double tl_gamma_tail(double a, double x) {
    static const double c0[] = {-0x1.5555555555555p-2, 0x1.5555555555555p-4,   -0x1.e573ac901e574p-7,
                                0x1.2f684bda12f68p-10, 0x1.71de3a556c734p-12,  -0x1.76e06fec7273bp-13,
                                0x1.48c5892f7cd83p-15, -0x1.255370652afc1p-19, -0x1.f1b22f594c6b5p-20,
                                0x1.bd6d21e4b4109p-21, -0x1.7b5f9a2d0465cp-23, 0x1.ccf5ceb7f0d9fp-28,
                                0x1.6097d55c37c1cp-27, -0x1.2d2197c7a2faap-28};
    static const double c1[] = {-0x1.e573ac901e574p-10, -0x1.c71c71c71c71cp-9, 0x1.5ac056b015ac0p-9,
                                -0x1.0394f6f09e723p-10, 0x1.af83440e53dbcp-13, -0x1.af83440e53dbcp-22,
                                -0x1.2fa4ae89e5af0p-16, 0x1.00a9cabd6b83ep-17, -0x1.b0bdfcc629cbap-20,
                                0x1.3f59230a8357cp-28,  0x1.280f2cde3f847p-23, -0x1.ee23d0cba8aeep-25,
                                0x1.9aa7a30de114cp-27,  -0x1.349fbca3a377bp-36};
    static const double c2[] = {0x1.0ee643b990ee6p-8,   -0x1.5f7268edab4c8p-9,  0x1.948b0fcd6e9e0p-11,
                                0x1.0db20a88f4696p-19,  -0x1.c253efaa1a932p-14, 0x1.bbf43daf4fe53p-15,
                                -0x1.ac2d05890f2c3p-17, 0x1.26154ae39151dp-25,  0x1.7058929663937p-20,
                                -0x1.522cb05171911p-21, 0x1.32ac81c15d3d7p-23,  -0x1.c24bd0e740a6cp-33,
                                -0x1.e437343a46f5dp-27, 0x1.ac0d455e25360p-28};
    static const double c3[] = {0x1.547d93b34e2b6p-11,  0x1.e13ce465fa859p-13,  -0x1.ebfb188b7ca00p-12,
                                0x1.18b9b5bf2d984p-12,  -0x1.3d2a3a29b5d9dp-14, -0x1.0152a1871f27ap-22,
                                0x1.73df462204ef4p-17,  -0x1.7cd6f27b3f020p-18, 0x1.7e0201539310ep-20,
                                -0x1.ea23269c140a7p-36, -0x1.6c2dcffbefeefp-23, 0x1.5bde8ef4c4dc7p-24,
                                -0x1.4853ced169327p-26, 0x1.50c3f0dd501ebp-39};
    static const double c4[] = {-0x1.c3e0b02da7bf9p-11, 0x1.9b0ff6874f2c4p-11,  -0x1.3999a85a4237ap-12,
                                -0x1.88f2ae1def9d0p-20, 0x1.16908b48ce058p-14,  -0x1.4ce3fd902bcadp-15,
                                0x1.7db4c02846e81p-17,  0x1.13b3c5b7cb45ep-32,  -0x1.c71c074985d3fp-20,
                                0x1.de37d9f09164cp-21,  -0x1.ec676cf33153cp-23, 0x1.041515bab6adap-35,
                                0x1.efe94304ac16bp-26,  -0x1.e78e449f4e3bep-27};
    static const double c5[] = {-0x1.6128ac5a4fa71p-12, -0x1.247604839c038p-14, 0x1.22be87360ef1fp-12,
                                -0x1.a2042c5148e27p-13, 0x1.1d1e9cb24760bp-14,  0x1.30bdcf208080ep-23,
                                -0x1.c823fc1b3cc36p-17, 0x1.0d0e229150428p-17,  -0x1.338eb19652fd9p-19,
                                -0x1.659cfde0bb2ebp-32, 0x1.741504e5c87c2p-22,  -0x1.8c267becd0c0fp-23,
                                0x1.9e630225a095bp-25,  -0x1.4411c5ac40e35p-46};
    const double m = (x - a) / a, half = tl_less_log1p(m), inverse = 1.0 / a;
    const double eta = tl_with_sign(tl_sqrt(2.0 * half), m);
    const double t[] = {tl_series(c0, eta), tl_series(c1, eta), tl_series(c2, eta),
                        tl_series(c3, eta), tl_series(c4, eta), tl_series(c5, eta)};
    const double rest = tl_series(t, inverse) / tl_sqrt(6.283185307179586 * a);
    return tl_exp(-a * half) * (0.5 * tl_erfcx_positive(tl_sqrt(a * half)) + tl_with_sign(rest, m));
}

/// P and Q of finite a > 0, x > 0: one of them is computed, the other is what is left of 1.
TL_WORD double tl_gamma_part(double a, double x, bool upper) {
    bool found_upper;
    double found;
    if (a > 200.0 && tl_abs(x - a) < 0.3 * a) {
        found_upper = x >= a;
        found = tl_gamma_tail(a, x);
    } else if (x > 1.1 && x >= a) {
        found_upper = true;
        found = tl_gamma_by_fraction(a, x);
    } else if (x > 1.1 || (x <= 0.5 ? -0.4 / tl_log(x) < a : x * 1.1 < a)) {
        found_upper = false;
        found = tl_gamma_by_series(a, x);
    } else {
        found_upper = true;
        found = tl_gamma_by_difference(a, x);
    }
    return found_upper == upper ? found : 1.0 - found;
}

TL_WORD double tl_gamma_anywhere(double a, double x, bool upper) {
    if (!(a >= 0 && x >= 0)) return tl_nan();
    if (a == 0) return x > 0 ? (upper ? 0.0 : 1.0) : tl_nan();
    if (x == 0) return upper ? 1.0 : 0.0;
    if (a == tl_infinity()) return x == tl_infinity() ? tl_nan() : (upper ? 1.0 : 0.0);
    if (x == tl_infinity()) return upper ? 0.0 : 1.0;
    return tl_gamma_part(a, x, upper);
}
TL_WORD double tl_igamma(double a, double x) { return tl_gamma_anywhere(a, x, false); }
TL_WORD double tl_igammac(double a, double x) { return tl_gamma_anywhere(a, x, true); }
