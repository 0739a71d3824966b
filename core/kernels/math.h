// The functions of formulas on numbers, called by plain name: the same bits at every ISA level.
//
// Rules of these files: only + - * / sqrt, roundings, integer operations on the bits, and selects; no branch,
// table, fused multiply-add or C library call. So gcc vectorises `out[i] = f(x[i])`, at any width with the
// same bits.
// Excepted are fmod, remainder, floor_divide, integer division, integer pow and all of complex: one by one.
// Build with -fno-math-errno -fno-trapping-math -ffp-contract=off and never with -ffast-math.
//
// Largest errors seen by tests/cpp/test_math.cpp over all magnitudes, in ulps, float / double:
//   exp 0.83 / 0.86    expm1 1.05 / 1.04   log 0.83 / 0.83   log1p 0.88 / 0.88   sigmoid 1.26 / 1.18
//   tanh 1.22 / 1.20   erf 1.25 / 1.33     sin, cos 0.50 / 0.78   tan 0.50 / 1.39   pow 0.50 / 0.88
// sin, cos and tan of float are right for every argument. Those of double keep to the table up to 2^53; for larger
// angles the loops of rows call math_careful.h, element by element. (By itself the packed function of double errs
// by less than 5e-16 up to 2^80 and is NaN beyond.)
//
// Coefficients are minimax fits in 50-digit arithmetic, rounded one after another from the lowest power up.
#pragma once

#include "kernels/literal.h"
#include "kernels/math_angles.h"
#include "kernels/math_basics.h"
#include "kernels/math_complex.h"
#include "kernels/math_double.h"
#include "kernels/math_float.h"
#include "kernels/math_hyperbolic.h"
#include "kernels/math_logarithms.h"
#include "kernels/math_trigonometry.h"

namespace tapeless::formula {

// Literals among the operands take the type of the number they meet.

template <Number T> [[gnu::always_inline]] static inline T minimum(T x, Literal y) {
    return minimum(x, y.as<T>());
}
template <Number T> [[gnu::always_inline]] static inline T minimum(Literal x, T y) {
    return minimum(x.as<T>(), y);
}
template <Number T> [[gnu::always_inline]] static inline T maximum(T x, Literal y) {
    return maximum(x, y.as<T>());
}
template <Number T> [[gnu::always_inline]] static inline T maximum(Literal x, T y) {
    return maximum(x.as<T>(), y);
}
template <Number T> [[gnu::always_inline]] static inline T pow(T x, Literal y) { return pow(x, y.as<T>()); }
template <Number T> [[gnu::always_inline]] static inline T pow(Literal x, T y) { return pow(x.as<T>(), y); }

}  // namespace tapeless::formula
