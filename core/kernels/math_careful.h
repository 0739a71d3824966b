// A number for what packed loops leave out: the sine, cosine and tangent of doubles of any size, one by one.
#pragma once

#include <cstdint>

#include "kernels/literal.h"

namespace tapeless::formula {

/// Angles below are left to the packed functions of double.
constexpr double kLargestAngle = 0x1p53;
/// Right to the last place for every finite x; compiled once, so the bits are those of every ISA level.
double careful_sin(double x);
double careful_cos(double x);
double careful_tan(double x);

/// What a formula is called with in place of a double when its angle may be too large for the packed functions.
struct Careful {
    double value;
};

static inline Careful operator+(Careful x, Careful y) { return {x.value + y.value}; }
static inline Careful operator-(Careful x, Careful y) { return {x.value - y.value}; }
static inline Careful operator*(Careful x, Careful y) { return {x.value * y.value}; }
static inline Careful operator-(Careful x) { return {-x.value}; }
static inline Careful operator+(Literal x, Careful y) { return {x.value + y.value}; }
static inline Careful conj(Careful x) { return x; }
static inline Careful sin(Careful x) { return {careful_sin(x.value)}; }
static inline Careful cos(Careful x) { return {careful_cos(x.value)}; }
static inline Careful tan(Careful x) { return {careful_tan(x.value)}; }

}  // namespace tapeless::formula
