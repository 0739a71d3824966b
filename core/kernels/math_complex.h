// The vocabulary of formulas on complex numbers, one by one: the elementary functions are the C library's.
#pragma once

#include "base/complex.h"
#include "kernels/math_basics.h"
#include "kernels/math_double.h"
#include "kernels/math_float.h"
#include "kernels/math_trigonometry.h"

namespace tapeless::formula {
namespace detail {

// C's own complex types and functions: std::complex's are templates, whose instances would be shared symbols.
__extension__ typedef __complex__ float CFloat;
__extension__ typedef __complex__ double CDouble;

[[gnu::always_inline]] static inline CFloat to_c(Complex<float> x) {
    CFloat z;
    __real__ z = x.re;
    __imag__ z = x.im;
    return z;
}
[[gnu::always_inline]] static inline CDouble to_c(Complex<double> x) {
    CDouble z;
    __real__ z = x.re;
    __imag__ z = x.im;
    return z;
}
[[gnu::always_inline]] static inline Complex<float> from_c(CFloat z) { return {__real__ z, __imag__ z}; }
[[gnu::always_inline]] static inline Complex<double> from_c(CDouble z) { return {__real__ z, __imag__ z}; }

}  // namespace detail

[[gnu::always_inline]] static inline float abs(Complex<float> x) { return __builtin_hypotf(x.re, x.im); }
[[gnu::always_inline]] static inline double abs(Complex<double> x) { return __builtin_hypot(x.re, x.im); }

// Each line: the C library's function of that name, of both types.
#define TAPELESS_COMPLEX(name)                                        \
    static inline Complex<float> name(Complex<float> x) {             \
        return detail::from_c(__builtin_c##name##f(detail::to_c(x))); \
    }                                                                 \
    static inline Complex<double> name(Complex<double> x) {           \
        return detail::from_c(__builtin_c##name(detail::to_c(x)));    \
    }
TAPELESS_COMPLEX(acos)
TAPELESS_COMPLEX(acosh)
TAPELESS_COMPLEX(asin)
TAPELESS_COMPLEX(asinh)
TAPELESS_COMPLEX(atan)
TAPELESS_COMPLEX(atanh)
TAPELESS_COMPLEX(cos)
TAPELESS_COMPLEX(cosh)
TAPELESS_COMPLEX(exp)
TAPELESS_COMPLEX(log)
TAPELESS_COMPLEX(sin)
TAPELESS_COMPLEX(sinh)
TAPELESS_COMPLEX(sqrt)
TAPELESS_COMPLEX(tan)
TAPELESS_COMPLEX(tanh)
#undef TAPELESS_COMPLEX

template <std::floating_point T> static inline Complex<T> reciprocal(Complex<T> x) {
    return Complex<T>{1, 0} / x;
}
template <std::floating_point T> static inline Complex<T> rsqrt(Complex<T> x) { return reciprocal(sqrt(x)); }
template <std::floating_point T> static inline Complex<T> sigmoid(Complex<T> x) {
    return reciprocal(Complex<T>{1, 0} + exp(-x));
}

/// e^x - 1 = (e^a - 1) cos b - 2 sin²(b/2) + i e^a sin b for x = a + b i.
template <std::floating_point T> static inline Complex<T> expm1(Complex<T> x) {
    const T half_sine = sin(T(0.5) * x.im);
    return {expm1(x.re) * cos(x.im) - T(2) * half_sine * half_sine, exp(x.re) * sin(x.im)};
}

/// log(1 + x); |1 + x|² - 1 = a (2 + a) + b² keeps the digits of small x = a + b i.
template <std::floating_point T> static inline Complex<T> log1p(Complex<T> x) {
    const Complex<T> whole = log(Complex<T>{T(1) + x.re, x.im});
    const T excess = x.re * (T(2) + x.re) + x.im * x.im;
    return {where(abs(x) < T(0.5), T(0.5) * log1p(excess), whole.re), whole.im};
}

template <std::floating_point T> static inline Complex<T> exp2(Complex<T> x) {
    return exp(T(0x1.62e42fefa39efp-1) * x);
}
template <std::floating_point T> static inline Complex<T> log2(Complex<T> x) {
    return T(0x1.71547652b82fep+0) * log(x);
}
template <std::floating_point T> static inline Complex<T> log10(Complex<T> x) {
    return T(0x1.bcb7b1526e50ep-2) * log(x);
}
template <std::floating_point T> static inline Complex<T> sinc(Complex<T> x) {
    const Complex<T> angle = T(0x1.921fb54442d18p+1) * x;
    return x == Complex<T>{0, 0} ? Complex<T>{1, 0} : sin(angle) / angle;
}

/// log(e^x + e^y), from the one with the larger real part; of two infinite ones as it is written.
template <std::floating_point T> static inline Complex<T> logaddexp(Complex<T> x, Complex<T> y) {
    const Complex<T> high = x.re < y.re ? y : x, low = x.re < y.re ? x : y;
    if (isnan(x.re) || isnan(y.re)) return {detail::not_a_number<T>, detail::not_a_number<T>};
    if (high.re == low.re && isinf(high.re)) return high.re < T(0) ? low : log(exp(x) + exp(y));
    return log1p(exp(low - high)) + high;
}

/// e^(y log x), in double for float; 0^0 = 1 and 0^y = 0 for real y > 0. The second power is exact.
static inline Complex<double> pow(Complex<double> x, Complex<double> y) {
    if (y == Complex<double>{0, 0}) return {1, 0};
    if (y == Complex<double>{2, 0}) return x * x;
    if (x == Complex<double>{0, 0} && y.im == 0.0 && y.re > 0.0) return {0, 0};
    return detail::from_c(__builtin_cpow(detail::to_c(x), detail::to_c(y)));
}
static inline Complex<float> pow(Complex<float> x, Complex<float> y) {
    const Complex<double> power = pow(Complex<double>{x.re, x.im}, Complex<double>{y.re, y.im});
    return {static_cast<float>(power.re), static_cast<float>(power.im)};
}

template <std::floating_point T> static inline Complex<T> sgn(Complex<T> x) {
    const T size = abs(x);
    return size == T(0) ? Complex<T>{0, 0} : Complex<T>{x.re / size, x.im / size};
}
template <std::floating_point T> static inline Complex<T> sign(Complex<T> x) { return sgn(x); }
template <std::floating_point T> static inline bool isnan(Complex<T> x) { return isnan(x.re) || isnan(x.im); }
template <std::floating_point T> static inline bool isinf(Complex<T> x) { return isinf(x.re) || isinf(x.im); }
template <std::floating_point T> static inline bool isfinite(Complex<T> x) {
    return isfinite(x.re) && isfinite(x.im);
}

}  // namespace tapeless::formula
