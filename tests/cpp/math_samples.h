// What the tests of functions on numbers share: samples, errors in ulps, and loops as kernels have them.
#pragma once

#include <cfloat>
#include <cmath>
#include <complex>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "kernels/math.h"

namespace {

namespace formula = tapeless::formula;
using tapeless::Complex;

int passed = 0, failed = 0;
bool print_bits = false;

void check(bool holds, const std::string& promise) {
    holds ? ++passed : ++failed;
    if (!holds) std::printf("FAILED: %s\n", promise.c_str());
}

/// SplitMix64 with a fixed seed: the same samples everywhere.
struct Random {
    std::uint64_t state = 20240229;
    std::uint64_t word() {
        std::uint64_t z = state += 0x9e3779b97f4a7c15u;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }
    double unit() { return static_cast<double>(word() >> 11) * 0x1p-53; }
};

template <class T> const char* type_name() { return sizeof(T) == 4 ? "float" : "double"; }

/// |got - exact| in units of the last place of T at `exact`; huge where only one of them is finite or NaN.
template <class T> double ulps(T got, long double exact) {
    if (std::isnan(exact)) return std::isnan(got) ? 0 : 1e300;
    if (std::isnan(got)) return 1e300;
    using Limits = std::numeric_limits<T>;
    int exponent = Limits::min_exponent;
    if (exact != 0 && !std::isinf(exact)) std::frexp(exact, &exponent);
    const long double unit = std::ldexp(1.0L, std::max(exponent, Limits::min_exponent) - Limits::digits);
    const long double largest = static_cast<long double>(Limits::max()) + unit / 2;
    const bool overflows = std::fabs(exact) >= largest || std::isinf(exact);
    if (std::isinf(got) && std::signbit(got) == std::signbit(exact)) {
        return overflows || std::fabs(exact) >
                                Limits::max() * (1 - 2 * static_cast<long double>(Limits::epsilon()))
                   ? 0
                   : 1e300;
    }
    if (std::isinf(exact) || std::isinf(got)) return 1e300;
    return static_cast<double>(std::fabs(static_cast<long double>(got) - exact) / unit);
}

constexpr std::size_t kGroup = 16;

/// The kernels' loop: whole groups, so that every element goes through the vector body.
template <class T, class F>
__attribute__((noinline)) void run(F f, const T* __restrict x, T* __restrict out, std::size_t count) {
    count &= ~(kGroup - 1);
    for (std::size_t i = 0; i < count; ++i) out[i] = f(x[i]);
}
template <class T, class F>
__attribute__((noinline)) void run(F f, const T* __restrict x, const T* __restrict y, T* __restrict out,
                                   std::size_t count) {
    count &= ~(kGroup - 1);
    for (std::size_t i = 0; i < count; ++i) out[i] = f(x[i], y[i]);
}
/// Any count: what does not fill a vector goes through the compiler's scalar tail.
template <class T, class F>
__attribute__((noinline)) void run_with_tail(F f, const T* __restrict x, T* __restrict out,
                                             std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) out[i] = f(x[i]);
}

template <class T> void print_hash(const char* name, const std::vector<T>& results) {
    std::uint64_t hash = 1469598103934665603u;
    for (T value : results) {
        if (value != value) value = std::numeric_limits<T>::quiet_NaN();  // Which NaN it is, no one promises.
        std::uint64_t word = 0;
        std::memcpy(&word, &value, sizeof value);
        hash = (hash ^ word) * 1099511628211u;
    }
    std::printf("%s %s %016llx\n", name, type_name<T>(), static_cast<unsigned long long>(hash));
}

template <class T> std::vector<T> specials() {
    using Limits = std::numeric_limits<T>;
    std::vector<T> some{
        0, Limits::denorm_min(), 3 * Limits::denorm_min(), Limits::min() / 2, Limits::min(), 1, 2, 3, 0.5};
    for (T value : {Limits::epsilon() / 2, Limits::epsilon(), Limits::max(), Limits::infinity(), T(1e20),
                    T(89), T(104)}) {
        some.push_back(value);
    }
    for (T value : {T(710), T(745.5), T(0.92), T(3.95), T(5.95), T(0.34657359), T(1.5707963267948966), T(1e5),
                    T(1e9)}) {
        some.push_back(value);
    }
    for (std::size_t i = 0, n = some.size(); i < n; ++i) some.push_back(-some[i]);
    some.push_back(Limits::quiet_NaN());
    while (some.size() % kGroup) some.push_back(T(0.25));
    return some;
}

struct Range {
    double low, high;
};

/// Uniform samples of each range, geometric ones over all magnitudes up to `largest`, and the special values.
template <class T> std::vector<T> samples(const std::vector<Range>& ranges, double largest) {
    Random random;
    std::vector<T> x = specials<T>();
    for (T& value : x) {
        if (std::isfinite(value) && std::fabs(value) > largest) value = T(largest);
    }
    for (const Range& range : ranges) {
        for (int i = 0; i < 65536; ++i)
            x.push_back(static_cast<T>(range.low + (range.high - range.low) * random.unit()));
    }
    const double span = std::log2(largest) + (sizeof(T) == 4 ? 149 : 1074);
    for (int i = 0; i < 32768; ++i) {
        const T size = static_cast<T>(std::exp2(std::log2(largest) - span * random.unit()));
        x.push_back(random.word() & 1 ? size : -size);
    }
    return x;
}

std::string with_value(const char* name, const char* type, double x) {
    char line[200];
    std::snprintf(line, sizeof line, "%s of %s at %.17g (%a)", name, type, x, x);
    return line;
}

template <class T, class F> void test_tails(const char* name, F f, const std::vector<T>& x) {
    bool same = true;
    for (std::size_t at = 0; at + 37 <= x.size(); at += x.size() / 50) {
        T whole[37], single[37];
        run_with_tail(f, x.data() + at, whole, 37);
        for (int i = 0; i < 37; ++i) run_with_tail(f, x.data() + at + i, single + i, 1);
        for (int i = 0; i < 37; ++i) {
            same = same && (std::memcmp(whole + i, single + i, sizeof(T)) == 0 || whole[i] != whole[i]);
        }
    }
    check(same,
          std::string(name) + " of " + type_name<T>() + ": 37 elements give the bits of 37 single ones");
}

/// One function in one type: `limit` is the largest error allowed, in ulps.
template <class T, class F, class Reference>
void test_one(const char* name, F f, Reference reference, double limit, std::vector<Range> ranges,
              double largest = std::numeric_limits<T>::max()) {
    const std::vector<T> x = samples<T>(ranges, largest);
    std::vector<T> out(x.size());
    run(f, x.data(), out.data(), x.size());
    if (print_bits) return print_hash(name, out);
    double worst = 0;
    T where = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double error = ulps(out[i], reference(static_cast<long double>(x[i])));
        if (error > worst) worst = error, where = x[i];
    }
    std::printf("%-8s %-6s %6.3f ulp at %.9g\n", name, type_name<T>(), worst, static_cast<double>(where));
    check(worst <= limit, with_value(name, type_name<T>(), where) + ": " + std::to_string(worst) + " ulp");
    test_tails<T>(name, f, x);
    for (T zero : {T(0), T(-0.0)}) {
        const long double exact = reference(zero);
        if (exact == 0)
            check(std::signbit(f(zero)) == std::signbit(exact),
                  std::string(name) + " keeps the sign of zero");
    }
}

template <class F, class Reference>
void test_both(const char* name, F f, Reference reference, double float_limit, double double_limit,
               std::vector<Range> ranges, double largest_double = DBL_MAX) {
    test_one<float>(name, f, reference, float_limit, ranges);
    test_one<double>(name, f, reference, double_limit, ranges, largest_double);
}

/// A function of two numbers over all magnitudes; `scale` says what the error is measured against.
template <class T, class F, class Reference, class Scale>
void test_two(const char* name, F f, Reference reference, double limit, double span, Scale scale) {
    Random random;
    std::vector<T> x, y;
    for (T a : specials<T>()) {
        for (T b : specials<T>()) x.push_back(a), y.push_back(b);
    }
    auto any = [&](double size) {
        const T value = static_cast<T>(std::exp2(size * (2 * random.unit() - 1)));
        return random.word() & 1 ? value : -value;
    };
    for (int i = 0; i < 65536; ++i) {
        x.push_back(any(i % 2 ? 3 : span)), y.push_back(any(i % 2 ? 3 : span));
        x.push_back(any(span)), y.push_back(static_cast<T>(x.back() * (random.unit() + 0.5)));
    }
    while (x.size() % kGroup) x.push_back(1), y.push_back(2);
    std::vector<T> out(x.size());
    run(f, x.data(), y.data(), out.data(), x.size());
    if (print_bits) return print_hash(name, out);
    double worst = 0;
    std::size_t at = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        const long double a = x[i], b = y[i], exact = reference(a, b);
        double error = ulps(out[i], exact);
        const long double whole = scale(a, b, exact);
        if (error < 1e299 && whole > 0) error *= static_cast<double>(std::fabs(exact) / whole);
        if (error > worst) worst = error, at = i;
    }
    std::printf("%-8s %-6s %6.3f ulp at %.9g, %.9g\n", name, type_name<T>(), worst, double(x[at]),
                double(y[at]));
    check(worst <= limit,
          std::string(name) + " of " + type_name<T>() + ": " + std::to_string(worst) + " ulp");
}

}  // namespace
