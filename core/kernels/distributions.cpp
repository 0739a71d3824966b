// Rejection samplers: their numbers are those of their published algorithms, in the order in which PyTorch draws.
#include "kernels/distributions.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/math_special.h"
#include "kernels/random.h"

namespace tapeless {
namespace {

template <class T> using Wide = std::conditional_t<sizeof(T) == 2, float, T>;

template <class Visitor> void visit_floats(const char* name, DType dtype, Visitor visitor) {
    visit(dtype, [&]<class T>(Type<T> type) {
        if constexpr (std::is_integral_v<T> || is_complex_type<T>) {
            fail(ErrorKind::NotImplemented, "\"", name, "\" not implemented for '", facts(dtype).legacy_name,
                 "': it needs a real floating dtype; convert first, for example with input.float()");
        } else {
            visitor(type);
        }
    });
}

/// The same without half types, which PyTorch lacks there too.
template <class Visitor> void visit_wide(const char* name, DType dtype, Visitor visitor) {
    visit_floats(name, dtype, [&]<class T>(Type<T> type) {
        if constexpr (sizeof(T) > 2) {
            visitor(type);
        } else {
            fail(ErrorKind::NotImplemented, "\"", name, "\" not implemented for '", facts(dtype).legacy_name,
                 "': it needs float32 or float64; convert first, for example with input.float()");
        }
    });
}

/// Knuth's product of uniforms for small rates, Hoermann's transformed rejection PTRS (1993) from 10 on.
std::int64_t poisson(Generator& generator, double rate) {
    if (rate == 0) return 0;
    if (rate < 10) {
        const double limit = std::exp(-rate);
        std::int64_t events = 0;
        for (double left = draw_unit(generator); left > limit; left *= draw_unit(generator)) ++events;
        return events;
    }
    const double b = 0.931 + 2.53 * std::sqrt(rate), a = -0.059 + 0.02483 * b;
    const double scale = 1.1239 + 1.1328 / (b - 3.4), sure = 0.9277 - 3.6224 / (b - 2);
    for (;;) {
        const double u = draw_unit(generator) - 0.5, v = draw_unit(generator), edge = 0.5 - std::fabs(u);
        const double k = std::floor((2 * a / edge + b) * u + rate + 0.43);
        if (edge >= 0.07 && v <= sure) return static_cast<std::int64_t>(k);
        if (k < 0 || (edge < 0.013 && v > edge)) continue;
        const double proposed = std::log(v) + std::log(scale) - std::log(a / (edge * edge) + b);
        if (proposed <= -rate + k * std::log(rate) - std::lgamma(k + 1)) return static_cast<std::int64_t>(k);
    }
}

/// What Stirling's approximation of log(k!) leaves over.
double stirling_rest(double k) {
    static constexpr double rests[] = {
        0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509, 0.0166446911898211,
        0.0138761288230707, 0.0118967099458917, 0.0104112652619720, 0.00925546218271273, 0.00833056343336287};
    if (k <= 9) return rests[static_cast<int>(k)];
    const double square = (k + 1) * (k + 1);
    return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1);
}

/// Sums of geometric numbers, until they pass the count.
template <class C> double binomial_by_gaps(Generator& generator, C count, C p) {
    const double scale = std::log1p(-p);
    double passed = 0, successes = 0;
    for (;;) {
        passed += std::ceil(std::log(draw_unit(generator)) / scale);
        if (passed > count) return successes;
        ++successes;
    }
}

/// Hoermann's transformed rejection BTRS (1993), for p up to 1/2 and a mean from 10 on.
template <class C> double binomial_by_rejection(Generator& generator, C count, C p) {
    const double deviation = std::sqrt(count * p * (1 - p)), b = 1.15 + 2.53 * deviation;
    const double a = -0.0873 + 0.0248 * b + 0.01 * p, center = count * p + 0.5, sure = 0.92 - 4.2 / b;
    const double odds = p / (1 - p), alpha = (2.83 + 5.1 / b) * deviation, mode = std::floor((count + 1) * p);
    for (;;) {
        const double u = draw_unit(generator) - 0.5, v = draw_unit(generator), edge = 0.5 - std::fabs(u);
        const double k = std::floor((2 * a / edge + b) * u + center);
        if (k < 0 || k > count) continue;
        if (edge >= 0.07 && v <= sure) return k;
        const double bound = (mode + 0.5) * std::log((mode + 1) / (odds * (count - mode + 1))) +
                             (count + 1) * std::log((count - mode + 1) / (count - k + 1)) +
                             (k + 0.5) * std::log(odds * (count - k + 1) / (k + 1)) + stirling_rest(mode) +
                             stirling_rest(count - mode) - stirling_rest(k) - stirling_rest(count - k);
        if (std::log(v * alpha / (a / (edge * edge) + b)) <= bound) return k;
    }
}

template <class C> double binomial(Generator& generator, C count, C p) {
    if (count <= 0 || p <= 0) return 0;
    if (p >= 1) return static_cast<double>(count);
    if (p != p || count != count) return std::numeric_limits<double>::quiet_NaN();
    const C rarer = p <= C(0.5) ? p : C(1) - p;
    const double rare = count * rarer >= 10 ? binomial_by_rejection(generator, count, rarer)
                                            : binomial_by_gaps(generator, count, rarer);
    return p <= C(0.5) ? rare : static_cast<double>(count) - rare;
}

/// Marsaglia and Tsang, A simple method for generating gamma variables, 2000. A shape below 1 is raised by 1, and the
/// number drawn scaled. Where PyTorch computes in the shape's type, or with float constants, so does this.
template <class C> double gamma(Generator& generator, C shape) {
    double scale = 1;
    if (shape < 1) {
        if (shape == 0) return 0;
        scale = std::pow(1 - draw_unit(generator), static_cast<double>(1.0f / shape));
        shape += 1;
    }
    const double d = static_cast<double>(shape - 1.0f / 3.0f), c = 1 / std::sqrt(9 * d);
    for (;;) {
        double x, y;
        do {
            x = draw_normal(generator);
            y = 1 + c * x;
        } while (y <= 0);
        const double v = y * y * y, u = 1 - draw_unit(generator), square = x * x;
        if (u < 1 - static_cast<double>(0.0331f) * square * square) return scale * d * v;
        if (std::log(u) < 0.5 * square + d * (1 - v + std::log(v))) return scale * d * v;
    }
}

/// dx/da along P(a, x) = constant, with P the regularised incomplete gamma function: -(dP/da) / (dP/dx), from the
/// derivative of its power series left of the mean and of its continued fraction right of it; for large a from Wilson
/// and Hilferty's normal approximation (1931), whose error is then below rounding in float32.
double gamma_slope(double a, double x) {
    if (!(a > 0) || !(x > 0)) return 0;
    if (a > 1e6) {
        const double c = std::cbrt(x / a), z = 3 * std::sqrt(a) * (c - 1 + 1 / (9 * a));
        return c * c * (c + 1 / (3 * a) - z / (2 * std::sqrt(a)));
    }
    constexpr double small = 1e-17;
    if (x < a + 1) {
        double term = 1, slope = 0, sum = 1, slopes = 0;
        for (double n = 1; term > small * sum || std::fabs(slope) > small * std::fabs(slopes); ++n) {
            slope = (slope - term / (a + n)) * x / (a + n);
            term *= x / (a + n);
            sum += term;
            slopes += slope;
        }
        return -x / a * (sum * (std::log(x) - formula::digamma(a + 1)) + slopes);
    }
    // Numerators and denominators of the convergents, with their derivatives by a, scaled to stay finite.
    double p0 = 0, p1 = 1, q0 = 1, q1 = x + 1 - a, dp0 = 0, dp1 = 0, dq0 = 0, dq1 = -1, h = 1 / q1,
           dh = h * h;
    for (double n = 1; n < 1e5; ++n) {
        const double up = n * (a - n), down = x + 2 * n + 1 - a;
        const double p2 = down * p1 + up * p0, q2 = down * q1 + up * q0;
        const double dp2 = down * dp1 - p1 + up * dp0 + n * p0, dq2 = down * dq1 - q1 + up * dq0 + n * q0;
        const double scale = 1 / q2, next = p2 * scale, dnext = (dp2 - next * dq2) * scale;
        const bool still = std::fabs(next - h) <= small * 10 * std::fabs(next) &&
                           std::fabs(dnext - dh) <= small * 10 * (std::fabs(dnext) + std::fabs(next));
        h = next;
        dh = dnext;
        p0 = p1 * scale, p1 = p2 * scale, q0 = q1 * scale, q1 = 1;
        dp0 = dp1 * scale, dp1 = dp2 * scale, dq0 = dq1 * scale, dq1 = dq2 * scale;
        if (still) break;
    }
    return x * (h * (std::log(x) - formula::digamma(a)) + dh);
}

/// The least positive normal number of the dtype.
template <class T> constexpr double least_of = static_cast<double>(std::numeric_limits<T>::min());
/// Its largest number below 1.
template <class T>
constexpr double below_one = 1 - static_cast<double>(std::numeric_limits<T>::epsilon()) / 2;

}  // namespace

void draw_poisson(Generator& generator, DType dtype, const void* rates, void* out, std::int64_t n) {
    visit_floats("poisson_cpu", dtype, [&]<class T>(Type<T>) {
        for (std::int64_t i = 0; i < n; ++i) {
            const auto rate = static_cast<double>(static_cast<Wide<T>>(static_cast<const T*>(rates)[i]));
            check(rate >= 0, "invalid Poisson rate, expected rate to be non-negative: ", rate, " at element ",
                  i);
            static_cast<T*>(out)[i] = convert<T>(poisson(generator, rate));
        }
    });
}

void draw_binomial(Generator& generator, DType dtype, const void* counts, const void* probabilities,
                   void* out, std::int64_t n) {
    visit_wide("binomial_cpu", dtype, [&]<class T>(Type<T>) {
        for (std::int64_t i = 0; i < n; ++i) {
            const T count = static_cast<const T*>(counts)[i];
            const T p = static_cast<const T*>(probabilities)[i];
            static_cast<T*>(out)[i] = convert<T>(binomial<T>(generator, count, p));
        }
    });
}

void draw_gamma(Generator& generator, DType dtype, const void* shapes, void* out, std::int64_t n) {
    visit_wide("gamma_cpu", dtype, [&]<class T>(Type<T>) {
        for (std::int64_t i = 0; i < n; ++i) {
            const T shape = static_cast<const T*>(shapes)[i];
            static_cast<T*>(out)[i] = convert<T>(std::max(gamma<T>(generator, shape), least_of<T>));
        }
    });
}

void gamma_slopes(DType dtype, const void* shapes, const void* drawn, void* out, std::int64_t n) {
    visit_wide("gamma_cpu", dtype, [&]<class T>(Type<T>) {
        for (std::int64_t i = 0; i < n; ++i) {
            const auto shape = convert<double>(static_cast<const T*>(shapes)[i]);
            static_cast<T*>(out)[i] =
                convert<T>(gamma_slope(shape, convert<double>(static_cast<const T*>(drawn)[i])));
        }
    });
}

void draw_dirichlet(Generator& generator, DType dtype, const void* shapes, void* out, std::int64_t rows,
                    std::int64_t length) {
    visit_wide("dirichlet", dtype, [&]<class T>(Type<T>) {
        // In float64, so that small shapes do not all give 0.
        std::vector<double> drawn(static_cast<std::size_t>(length));
        const T* shape = static_cast<const T*>(shapes);
        T* to = static_cast<T*>(out);
        for (std::int64_t row = 0; row < rows; ++row) {
            double sum = 0;
            for (double& x : drawn) sum += x = gamma<double>(generator, convert<double>(*shape++));
            for (double x : drawn) *to++ = convert<T>(std::min(std::max(x / sum, least_of<T>), below_one<T>));
        }
    });
}

void draw_places(Generator& generator, DType dtype, const void* weights, std::int64_t rows,
                 std::int64_t length, std::int64_t samples, std::int64_t* out) {
    visit_floats("multinomial", dtype, [&]<class T>(Type<T>) {
        using C = Wide<T>;
        std::vector<C> upto(static_cast<std::size_t>(length));
        const T* weight = static_cast<const T*>(weights);
        for (std::int64_t row = 0; row < rows; ++row) {
            C sum = 0;
            for (C& total : upto) {
                const auto next = static_cast<C>(*weight++);
                check(next >= 0, "invalid multinomial distribution (encountering probability entry < 0)");
                check(std::isfinite(next),
                      "invalid multinomial distribution (encountering probability entry = infinity or NaN)");
                total = sum += next;
            }
            check(sum > 0, "invalid multinomial distribution (sum of probabilities <= 0)");
            for (C& total : upto) total /= sum;
            upto.back() = 1;
            for (std::int64_t i = 0; i < samples; ++i) {
                const double at = draw_unit(generator);
                *out++ = std::lower_bound(upto.begin(), upto.end(), at) - upto.begin();
            }
        }
    });
}

}  // namespace tapeless
