// Special functions of numbers for formulas, one by one: compiled once, so the bits are those of every ISA level.
#pragma once

#include "kernels/literal.h"

namespace tapeless::formula {

// float is computed in double and rounded once.
#define TAPELESS_SPECIAL(name) \
    double name(double x);     \
    static inline float name(float x) { return static_cast<float>(name(static_cast<double>(x))); }
#define TAPELESS_SPECIAL_OF_TWO(name)                                                    \
    double name(double x, double y);                                                     \
    static inline float name(float x, float y) {                                         \
        return static_cast<float>(name(static_cast<double>(x), static_cast<double>(y))); \
    }                                                                                    \
    template <std::floating_point T> static inline T name(Literal x, T y) { return name(x.as<T>(), y); }

TAPELESS_SPECIAL(digamma)
TAPELESS_SPECIAL(erfc)
TAPELESS_SPECIAL(erfinv)
TAPELESS_SPECIAL(i0)
TAPELESS_SPECIAL(lgamma)
TAPELESS_SPECIAL(special_erfcx)
TAPELESS_SPECIAL(special_i0e)
TAPELESS_SPECIAL(special_i1)
TAPELESS_SPECIAL(special_i1e)
TAPELESS_SPECIAL(special_log_ndtr)
TAPELESS_SPECIAL(special_ndtri)
TAPELESS_SPECIAL_OF_TWO(igamma)
TAPELESS_SPECIAL_OF_TWO(igammac)
TAPELESS_SPECIAL_OF_TWO(special_zeta)
#undef TAPELESS_SPECIAL_OF_TWO
#undef TAPELESS_SPECIAL

}  // namespace tapeless::formula
