// The formulas' functions on numbers: error, special values, and vectors equal to single elements.
//
// `test_math` checks and prints the largest errors. `test_math bits` prints one hash per function over all
// results of its samples: tests/test_math_bits.py builds this file for each ISA level and compares the lines.
#include "math_samples.h"

namespace {

void test_exponentials() {
    test_both(
        "exp", [](auto x) { return formula::exp(x); }, [](long double x) { return std::exp(x); }, 1.0, 1.0,
        {{-1, 1}, {-104, 89}, {-746, 710}, {-745.2, -707}, {-104, -86}});
    test_both(
        "expm1", [](auto x) { return formula::expm1(x); }, [](long double x) { return std::expm1(x); }, 1.1,
        1.1, {{-1, 1}, {-0.01, 0.01}, {-25, 3}, {80, 89}, {-40, 710}});
    test_both(
        "log", [](auto x) { return formula::log(x); }, [](long double x) { return std::log(x); }, 1.0, 1.0,
        {{0.5, 1.5}, {0.99, 1.01}, {0, 10}, {0, 1e6}});
    test_both(
        "log1p", [](auto x) { return formula::log1p(x); }, [](long double x) { return std::log1p(x); }, 1.0,
        1.0, {{-1, 1}, {-0.3, 0.45}, {-1e-4, 1e-4}, {-1, 1e6}});
    test_both(
        "sigmoid", [](auto x) { return formula::sigmoid(x); },
        [](long double x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }, 1.4,
        1.4, {{-1, 1}, {-20, 20}, {-104, 0}, {-746, 0}});
}

void test_bounded() {
    test_both(
        "tanh", [](auto x) { return formula::tanh(x); }, [](long double x) { return std::tanh(x); }, 1.3, 1.3,
        {{-1, 1}, {-0.1, 0.1}, {-10, 10}, {15, 25}});
    test_both(
        "erf", [](auto x) { return formula::erf(x); }, [](long double x) { return std::erf(x); }, 1.3, 1.5,
        {{-1, 1}, {0.85, 1.2}, {-4, 4}, {3.5, 6.5}});
}

void test_trigonometry() {
    const std::vector<Range> ranges{{-1, 1}, {-4, 4}, {-100, 100}, {-1e5, 1e5}, {0, 1e9}};
    const double largest = 0x1p53;  // Of double; float has no limit.
    test_both(
        "sin", [](auto x) { return formula::sin(x); }, [](long double x) { return std::sin(x); }, 0.6, 1.0,
        ranges, largest);
    test_both(
        "cos", [](auto x) { return formula::cos(x); }, [](long double x) { return std::cos(x); }, 0.6, 1.0,
        ranges, largest);
    test_both(
        "tan", [](auto x) { return formula::tan(x); }, [](long double x) { return std::tan(x); }, 0.6, 1.5,
        ranges, largest);
    if (print_bits) return;
    double worst = 0;
    Random random;
    for (int i = 0; i < 65536;
         ++i) {  // Up to 2^80 the error is small in itself, not against a result near 0.
        const double x = std::exp2(53 + 27 * random.unit());
        worst = std::max(
            worst, static_cast<double>(std::fabs(formula::sin(x) - std::sin(static_cast<long double>(x)))));
        worst = std::max(
            worst, static_cast<double>(std::fabs(formula::cos(x) - std::cos(static_cast<long double>(x)))));
    }
    std::printf("sin, cos double from 2^53 to 2^80: absolute error %.3g\n", worst);
    check(worst < 0x1p-50, "sin and cos of double up to 2^80");
    for (int k = 1; k <= 20000;
         ++k) {  // The doubles nearest to multiples of pi/2: the reduction's worst ordinary case.
        const double x = k * 1.57079632679489661923;
        const double sine = ulps(formula::sin(x), std::sin(static_cast<long double>(x)));
        const double cosine = ulps(formula::cos(x), std::cos(static_cast<long double>(x)));
        if (sine > 1 || cosine > 1) return check(false, with_value("sin or cos", "double", x));
        const float y = static_cast<float>(x);
        const double narrow = ulps(formula::sin(y), std::sin(static_cast<long double>(y)));
        if (narrow > 0.6) return check(false, with_value("sin", "float", y));
    }
    check(true, "sin and cos hold near multiples of pi/2");
    check(std::isnan(formula::sin(0x1p81)) && std::isnan(formula::cos(INFINITY)),
          "beyond the range there is NaN");
}

void test_logarithms() {
    test_both(
        "exp2", [](auto x) { return formula::exp2(x); }, [](long double x) { return std::exp2(x); }, 0.6, 1.0,
        {{-1, 1}, {-150, 128}, {-1080, 1024}, {-1074, -1020}, {-150, -126}});
    test_both(
        "log2", [](auto x) { return formula::log2(x); }, [](long double x) { return std::log2(x); }, 0.6, 0.6,
        {{0.5, 1.5}, {0.99, 1.01}, {0, 10}, {0, 1e6}});
    test_both(
        "log10", [](auto x) { return formula::log10(x); }, [](long double x) { return std::log10(x); }, 0.6,
        0.6, {{0.5, 1.5}, {0.99, 1.01}, {0, 10}, {0, 1e6}});
    if (print_bits) return;
    bool whole = true;
    for (int k = -1022; k < 1024; ++k) whole = whole && formula::log2(std::ldexp(1.0, k)) == k;
    for (int k = 0; k < 23; ++k)
        whole = whole && formula::log10(static_cast<double>(std::pow(10.0L, k))) == k;
    check(whole, "powers of 2 and 10 have whole logarithms");
}

void test_hyperbolic() {
    test_both(
        "sinh", [](auto x) { return formula::sinh(x); }, [](long double x) { return std::sinh(x); }, 0.6, 1.2,
        {{-1, 1}, {-1.1, 1.1}, {-20, 20}, {-90, 90}, {-711, 711}});
    test_both(
        "cosh", [](auto x) { return formula::cosh(x); }, [](long double x) { return std::cosh(x); }, 0.6, 1.2,
        {{-1, 1}, {-1.1, 1.1}, {-20, 20}, {-90, 90}, {-711, 711}});
    test_both(
        "asinh", [](auto x) { return formula::asinh(x); }, [](long double x) { return std::asinh(x); }, 0.6,
        1.2, {{-1, 1}, {-0.01, 0.01}, {-100, 100}, {-1e9, 1e9}});
    test_both(
        "acosh", [](auto x) { return formula::acosh(x); }, [](long double x) { return std::acosh(x); }, 0.6,
        1.2, {{1, 1.01}, {1, 3}, {-2, 100}, {1, 1e9}});
    test_both(
        "atanh", [](auto x) { return formula::atanh(x); }, [](long double x) { return std::atanh(x); }, 0.6,
        1.2, {{-1, 1}, {-0.01, 0.01}, {0.99, 1.001}, {-1, -0.99999}});
}

long double exact_sinc(long double x) {
    if (x == 0 || std::isinf(x)) return x == 0 ? 1 : std::numeric_limits<long double>::quiet_NaN();
    const long double r = std::fabs(x - 2 * std::nearbyint(x / 2)),
                      pi = 3.14159265358979323846264338327950288L;
    return std::copysign(std::sin(pi * (r > 0.5L ? 1 - r : r)) / (pi * x),
                         x - 2 * std::nearbyint(x / 2) < 0 ? -x : x);
}

void test_angles() {
    test_both(
        "asin", [](auto x) { return formula::asin(x); }, [](long double x) { return std::asin(x); }, 0.6, 1.0,
        {{-1, 1}, {-0.01, 0.01}, {0.49, 0.51}, {0.999, 1.001}});
    test_both(
        "acos", [](auto x) { return formula::acos(x); }, [](long double x) { return std::acos(x); }, 0.6, 1.0,
        {{-1, 1}, {-0.01, 0.01}, {0.49, 0.51}, {-0.51, -0.49}, {0.999, 1.001}});
    test_both(
        "atan", [](auto x) { return formula::atan(x); }, [](long double x) { return std::atan(x); }, 0.6, 1.0,
        {{-1, 1}, {-0.01, 0.01}, {0.4, 0.43}, {2.4, 2.43}, {-100, 100}});
    test_both("sinc", [](auto x) { return formula::sinc(x); }, exact_sinc, 0.6, 1.0,
              {{-1, 1}, {-0.01, 0.01}, {-10, 10}, {0.99, 1.01}, {-1e5, 1e5}});
}

/// log(base^x + base^y), where it is not x or y itself.
template <class Exp, class Log> long double exact_logaddexp(long double x, long double y, Exp exp, Log log) {
    const long double high = std::fmax(x, y), low = std::fmin(x, y);
    if (std::isnan(x) || std::isnan(y)) return x + y;
    return std::isinf(high) ? high : high + log(exp(low - high));
}

template <class T> void test_pairs(double limit) {
    const auto own = [](long double, long double, long double exact) { return std::fabs(exact); };
    const auto larger = [](long double x, long double y, long double exact) {
        return std::fmax(std::fmax(std::fabs(exact), 0.7L), std::fmax(std::fabs(x), std::fabs(y)));
    };
    const double span = sizeof(T) == 4 ? 127 : 1023;
    test_two<T>(
        "atan2", [](auto y, auto x) { return formula::atan2(y, x); },
        [](long double y, long double x) { return std::atan2(y, x); }, limit, span, own);
    test_two<T>(
        "hypot", [](auto x, auto y) { return formula::hypot(x, y); },
        [](long double x, long double y) { return std::hypot(x, y); }, limit, span, own);
    test_two<T>(
        "xlogy", [](auto x, auto y) { return formula::xlogy(x, y); },
        [](long double x, long double y) { return x == 0 && y == y ? 0 : x * std::log(y); },
        sizeof(T) == 4 ? limit : 1.5, span, own);
    test_two<T>(
        "xlog1py", [](auto x, auto y) { return formula::xlog1py(x, y); },
        [](long double x, long double y) { return x == 0 && y == y ? 0 : x * std::log1p(y); },
        sizeof(T) == 4 ? limit : 2.3, span, own);
    test_two<T>(
        "logaddexp", [](auto x, auto y) { return formula::logaddexp(x, y); },
        [](long double x, long double y) {
            return exact_logaddexp(
                x, y, [](long double t) { return std::exp(t); }, [](long double t) { return std::log1p(t); });
        },
        limit, 12, larger);  // Sums near 0 have lost digits.
    test_two<T>(
        "logaddexp2", [](auto x, auto y) { return formula::logaddexp2(x, y); },
        [](long double x, long double y) {
            return exact_logaddexp(
                x, y, [](long double t) { return std::exp2(t); },
                [](long double t) { return std::log1p(t) / 0.693147180559945309417232121458176568L; });
        },
        sizeof(T) == 4 ? limit : 2, 12, larger);
}

template <class T> void test_pow_samples(double limit) {
    Random random;
    std::vector<T> x, y;
    for (T a : specials<T>()) {
        for (T b : specials<T>()) x.push_back(a), y.push_back(b);
    }
    for (int i = 0; i < 65536;
         ++i) {  // Results over the whole exponent range, bases of all sizes and near 1.
        const T base = static_cast<T>(i % 2 ? 0.5 + random.unit() : std::exp2(200 * random.unit() - 100));
        const double most =
            (sizeof(T) == 4 ? 150 : 1080) / std::max(std::fabs(std::log2(static_cast<double>(base))), 1e-6);
        x.push_back(base), y.push_back(static_cast<T>(most * (2 * random.unit() - 1)));
        x.push_back(static_cast<T>(-20 + 40 * random.unit())),
            y.push_back(static_cast<T>(std::rint(40 * random.unit() - 20)));
    }
    std::vector<T> out(x.size());
    run([](auto a, auto b) { return formula::pow(a, b); }, x.data(), y.data(), out.data(), x.size());
    if (print_bits) return print_hash("pow", out);
    double worst = 0;
    std::size_t at = 0;
    bool signs = true;
    for (std::size_t i = 0; i < x.size(); ++i) {
        const long double exact = std::pow(static_cast<long double>(x[i]), static_cast<long double>(y[i]));
        const double error = ulps(out[i], exact);
        if (error > worst) worst = error, at = i;
        signs = signs && (exact != exact || std::signbit(exact) == std::signbit(out[i]));
    }
    std::printf("%-8s %-6s %6.3f ulp at %.9g, %.9g\n", "pow", type_name<T>(), worst, double(x[at]),
                double(y[at]));
    check(worst <= limit, std::string("pow of ") + type_name<T>() + ": " + std::to_string(worst) + " ulp");
    check(signs, "pow has the sign of C's pow");
}

template <class T> void test_remainders() {
    Random random;
    std::vector<T> x, y;
    for (T a : specials<T>()) {
        for (T b : specials<T>()) x.push_back(a), y.push_back(b);
    }
    for (int i = 0; i < 65536; ++i) {
        x.push_back(static_cast<T>(std::exp2(60 * random.unit() - 20) * (random.unit() - 0.5)));
        y.push_back(static_cast<T>(std::exp2(20 * random.unit() - 10) * (random.unit() - 0.5)));
        const T unit = static_cast<T>(random.unit() + 0.001);  // Quotients at and beside integers.
        x.push_back(unit * static_cast<T>(random.word() % 1000)), y.push_back(unit);
    }
    std::vector<T> out(x.size());
    run([](auto a, auto b) { return formula::floor_divide(a, b) + formula::remainder(a, b); }, x.data(),
        y.data(), out.data(), x.size());
    if (print_bits) return print_hash("floor_divide + remainder", out);
    for (std::size_t i = 0; i < x.size(); ++i) {
        const T got = formula::fmod(x[i], y[i]), exact = std::fmod(x[i], y[i]);
        const bool same =
            (got != got && exact != exact) || (got == exact && std::signbit(got) == std::signbit(exact));
        if (!same)
            return check(false, with_value("fmod", type_name<T>(), x[i]) + with_value(" by", "", y[i]));
    }
    check(true, "fmod is exact");
    const T inf = std::numeric_limits<T>::infinity();
    check(formula::remainder(T(-5), T(3)) == 1 && formula::remainder(T(5), T(-3)) == -1,
          "remainder takes y's sign");
    check(formula::remainder(T(-5), inf) == inf && formula::remainder(T(5), inf) == 5,
          "remainder by infinity");
    check(std::isnan(formula::remainder(T(5), T(0))), "remainder by zero is NaN");
    check(formula::floor_divide(T(-5), T(3)) == -2 && formula::floor_divide(T(5.3), T(3)) == 1,
          "floor_divide rounds down");
    check(formula::floor_divide(T(1), T(0)) == inf && formula::floor_divide(T(-5), inf) == -1,
          "floor_divide at limits");
    check(std::signbit(formula::floor_divide(T(-0.0), T(3))), "floor_divide keeps the sign of zero");
    check(formula::floor_divide(T(1), T(0.1)) == std::floor((1 - std::fmod(T(1), T(0.1))) / T(0.1) + T(0.5)),
          "floor_divide agrees with its remainder");
}

template <class T> void test_simple() {
    const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
    for (T x : specials<T>()) {
        const auto same = [](T a, T b) {
            return (a != a && b != b) || (a == b && std::signbit(a) == std::signbit(b));
        };
        check(same(formula::floor(x), std::floor(x)) && same(formula::ceil(x), std::ceil(x)), "floor, ceil");
        check(same(formula::trunc(x), std::trunc(x)) && same(formula::round(x), std::rint(x)),
              "trunc, round");
        check(same(formula::abs(x), std::fabs(x)) && same(formula::sqrt(x), std::sqrt(x)), "abs, sqrt");
        check(same(formula::copysign(T(2), x), std::copysign(T(2), x)), "copysign");
        check(formula::isnan(x) == std::isnan(x) && formula::isinf(x) == std::isinf(x), "isnan, isinf");
        check(formula::isfinite(x) == std::isfinite(x) && formula::signbit(x) == std::signbit(x),
              "isfinite, signbit");
        check(std::isnan(formula::minimum(x, nan)) && std::isnan(formula::minimum(nan, x)),
              "minimum carries NaN");
        check(std::isnan(formula::maximum(x, nan)) && std::isnan(formula::maximum(nan, x)),
              "maximum carries NaN");
        check(formula::conj(x) == x || x != x, "conj is the identity on reals");
        check(formula::imag(x) == 0, "the imaginary part of a real number is 0");
    }
    check(formula::round(T(2.5)) == 2 && formula::round(T(3.5)) == 4 && formula::round(T(-0.5)) == 0,
          "halves to even");
    check(formula::sign(nan) == 0 && formula::sign(-inf) == -1 && formula::sign(T(2)) == 1,
          "sign, 0 for NaN");
    check(formula::minimum(T(1), T(2)) == 1 && formula::maximum(T(1), T(2)) == 2, "minimum, maximum");
    check(formula::rsqrt(T(4)) == T(0.5) && formula::rsqrt(T(0)) == inf, "rsqrt");
    check(formula::where(true, T(1), T(2)) == 1 && formula::where(false, T(1), T(2)) == 2, "where");
}

template <class T> void test_integers() {
    const T low = std::numeric_limits<T>::min(), high = std::numeric_limits<T>::max(),
            minus = static_cast<T>(-1);
    check(formula::pow(T(3), T(4)) == T(81) && formula::pow(T(0), T(0)) == T(1), "integer pow");
    check(formula::pow(high, T(2)) == T(1), "integer pow wraps");
    check(formula::floor_divide(T(7), T(0)) == T(0) && formula::remainder(T(7), T(0)) == T(0),
          "zero divisors do not trap");
    check(formula::floor_divide(T(7), T(2)) == T(3) && formula::remainder(T(7), T(2)) == T(1),
          "positive division");
    check(formula::minimum(low, high) == low && formula::maximum(low, high) == high,
          "integer minimum, maximum");
    check(formula::where(false, low, high) == high, "where of integers");
    check(formula::sign(high) == T(1) && formula::sign(T(0)) == T(0) && formula::abs(high) == high,
          "integer sign, abs");
    check(!formula::isnan(high) && formula::isfinite(high) && formula::floor(high) == high,
          "integers are finite");
    if constexpr (std::is_signed_v<T>) {
        check(formula::pow(T(0), T(-1)) == T(0) && formula::pow(minus, T(-3)) == minus, "negative exponents");
        check(formula::pow(minus, T(-4)) == T(1) && formula::pow(T(2), T(-1)) == T(0), "negative exponents");
        check(formula::floor_divide(low, minus) == low && formula::remainder(low, minus) == T(0),
              "smallest over -1 wraps");
        check(formula::floor_divide(T(-7), T(2)) == T(-4) && formula::remainder(T(-7), T(2)) == T(1),
              "rounds down");
        check(formula::remainder(T(7), T(-2)) == minus && formula::fmod(T(-7), T(2)) == minus,
              "signs of remainders");
        check(formula::abs(low) == low && formula::sign(low) == minus, "the smallest integer's abs wraps");
    }
}

template <class T> bool near(Complex<T> got, std::complex<double> exact, double scale = 4) {
    const double size = std::max(std::abs(exact), 1e-30);
    return std::hypot(got.re - exact.real(), got.im - exact.imag()) <=
           scale * std::numeric_limits<T>::epsilon() * size;
}

/// Out of line: in straight code gcc 12's SLP vectoriser can drop the rounding of double -> float -> double.
template <class T> __attribute__((noinline)) T sample(Random& random) {
    return static_cast<T>(4 * random.unit() - 2);
}

template <class T> void test_complex() {
    using Z = Complex<T>;
    Random random;
    for (int i = 0; i < 2000; ++i) {
        const Z x{sample<T>(random), sample<T>(random)}, y{sample<T>(random), sample<T>(random)};
        const std::complex<double> a(x.re, x.im), b(y.re, y.im), one(1);
        const std::pair<const char*, bool> facts[] = {
            {"mul", near(x * y, a * b)},
            {"div", near(x / y, a / b)},
            {"exp", near(formula::exp(x), std::exp(a))},
            {"log", near(formula::log(x), std::log(a))},
            {"sin", near(formula::sin(x), std::sin(a))},
            {"cos", near(formula::cos(x), std::cos(a))},
            {"tan", near(formula::tan(x), std::tan(a))},
            {"tanh", near(formula::tanh(x), std::tanh(a))},
            {"sqrt", near(formula::sqrt(x), std::sqrt(a))},
            {"rsqrt", near(formula::rsqrt(x), one / std::sqrt(a))},
            {"reciprocal", near(formula::reciprocal(x), one / a)},
            {"pow", near(formula::pow(x, y), std::pow(a, b), 40)},
            {"sgn", near(formula::sgn(x), a / std::abs(a))},
            {"expm1", near(formula::expm1(x), std::exp(a) - one, 100)},
            {"log1p", near(formula::log1p(x), std::log(one + a), 1000)},
            {"sigmoid", near(formula::sigmoid(x), one / (one + std::exp(-a)), 100)},
        };
        for (const auto& [name, holds] : facts) {
            if (!holds) check(false, std::string("complex ") + name + " of " + type_name<T>());
        }
    }
    const T tiny = static_cast<T>(1e-7), huge = std::numeric_limits<T>::max() / 2;
    const std::complex<double> small(tiny, tiny);
    check(near(formula::expm1(Z{tiny, tiny}), small * (1.0 + small / 2.0 * (1.0 + small / 3.0))),
          "expm1 near 0");
    check(near(formula::log1p(Z{tiny, 0}), {std::log1p(double(tiny)), 0}), "log1p near 0");
    const Z quotient = Z{huge, huge} / Z{huge, 2 * (huge / 2)};
    check(quotient.re == 1 && quotient.im == 0, "complex division does not overflow inside");
    check(std::isinf((Z{1, 2} / Z{0, 0}).re) && std::isnan((Z{0, 0} / Z{0, 0}).re),
          "complex division by zero");
    check(formula::abs(Z{3, -4}) == 5 && formula::conj(Z{3, 4}) == Z{3, -4}, "complex abs, conj");
    check(formula::real(Z{3, 4}) == 3 && formula::imag(Z{3, 4}) == 4, "complex real, imag");
    check(formula::where(false, Z{1, 2}, Z{3, 4}) == Z{3, 4} && formula::sgn(Z{0, 0}) == Z{0, 0},
          "complex where, sgn");
    check(formula::pow(Z{0, 0}, Z{2, 0}) == Z{0, 0} && formula::pow(Z{0, 0}, Z{0, 0}) == Z{1, 0},
          "complex pow of 0");
    check(formula::isnan(Z{0, std::numeric_limits<T>::quiet_NaN()}) && !formula::isfinite(Z{INFINITY, 0}),
          "complex isnan");
    static_assert(sizeof(Z) == 2 * sizeof(T) && Z{1, 2} * Z{3, 4} == Z{-5, 10} && -Z{1, 2} != Z{1, 2});
}

}  // namespace

int main(int count, char** arguments) {
    print_bits = count > 1 && std::strcmp(arguments[1], "bits") == 0;
    test_exponentials();
    test_bounded();
    test_trigonometry();
    test_logarithms();
    test_hyperbolic();
    test_angles();
    test_pairs<float>(0.6);
    test_pairs<double>(1.2);
    test_pow_samples<float>(0.6);
    test_pow_samples<double>(1.5);
    test_remainders<float>();
    test_remainders<double>();
    if (print_bits) return 0;
    test_simple<float>();
    test_simple<double>();
    test_integers<std::int8_t>();
    test_integers<std::uint8_t>();
    test_integers<std::int16_t>();
    test_integers<std::int32_t>();
    test_integers<std::int64_t>();
    test_complex<float>();
    test_complex<double>();
    std::printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
