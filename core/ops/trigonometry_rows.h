// Rows of trigonometry: circular and hyperbolic functions, their inverses, angles and polar coordinates.
#pragma once

#include "kernels/formula.h"
#include "ops/row_rules.h"

namespace tapeless::formula {
namespace {

constexpr auto trigonometry = std::make_tuple(
    pointwise<1>(
        {.name = "sin",
         .formula = "sin x",
         .doc = "The sine of an angle in radians.",
         .domain = Domain::Inexact,
         .promotion = Promotion::Float,
         .angles = 3},
        [](auto x) { return sin(x); }, [](auto g, auto x, auto) { return grads(g * conj(cos(x))); }),
    pointwise<1>(
        {.name = "cos",
         .formula = "cos x",
         .doc = "The cosine of an angle in radians.",
         .domain = Domain::Inexact,
         .promotion = Promotion::Float,
         .angles = 3},
        [](auto x) { return cos(x); }, [](auto g, auto x, auto) { return grads(g * -conj(sin(x))); }),
    pointwise<1>(
        {.name = "tan",
         .formula = "tan x",
         .doc = "The tangent of an angle in radians.",
         .domain = Domain::Inexact,
         .promotion = Promotion::Float,
         .low = -1,
         .high = 1,
         .angles = 1},
        [](auto x) { return tan(x); },
        [](auto g, auto, auto out) { return grads(g * conj(1_k + out * out)); }),
    pointwise<1>(
        {.name = "tanh",
         .formula = "tanh x",
         .doc = "The hyperbolic tangent.",
         .domain = Domain::Inexact,
         .promotion = Promotion::Float},
        [](auto x) { return tanh(x); },
        [](auto g, auto, auto out) { return grads(g * conj(1_k - out * out)); }),
    pointwise<1>(
        {.name = "sinh",
         .formula = "(e ** x - e ** -x) / 2",
         .doc = "The hyperbolic sine.",
         .domain = Domain::Inexact,
         .promotion = Promotion::Float},
        [](auto x) { return sinh(x); }, [](auto g, auto x, auto) { return grads(g * conj(cosh(x))); }),
    pointwise<1>(
        {.name = "cosh",
         .formula = "(e ** x + e ** -x) / 2",
         .doc = "The hyperbolic cosine.",
         .domain = Domain::Inexact,
         .promotion = Promotion::Float},
        [](auto x) { return cosh(x); }, [](auto g, auto x, auto) { return grads(g * conj(sinh(x))); }),
    pointwise<1>(
        {.name = "asin",
         .formula = "the y with sin y = x",
         .doc = "The angle from -pi/2 to pi/2 whose sine is x.",
         .domain = Domain::Inexact,
         .promotion = Promotion::Float,
         .low = -0.9,
         .high = 0.9,
         .alias = "arcsin"},
        [](auto x) { return asin(x); },
        [](auto g, auto x, auto) { return grads(g * conj(rsqrt(1_k - x * x))); }),
    pointwise<1>(
        {.name = "acos",
         .formula = "the y with cos y = x",
         .doc = "The angle from 0 to pi whose cosine is x.",
         .domain = Domain::Inexact,
         .promotion = Promotion::Float,
         .low = -0.9,
         .high = 0.9,
         .alias = "arccos"},
        [](auto x) { return acos(x); },
        [](auto g, auto x, auto) { return grads(g * -conj(rsqrt(1_k - x * x))); }),
    pointwise<1>(
        {.name = "atan",
         .formula = "the y with tan y = x",
         .doc = "The angle from -pi/2 to pi/2 whose tangent is x.",
         .domain = Domain::Inexact,
         .promotion = Promotion::Float,
         .alias = "arctan"},
        [](auto x) { return atan(x); }, [](auto g, auto x, auto) { return grads(g / conj(x * x + 1_k)); }),
    pointwise<1>(
        {.name = "asinh",
         .formula = "the y with sinh y = x",
         .doc = "The inverse of the hyperbolic sine.",
         .domain = Domain::Inexact,
         .promotion = Promotion::Float,
         .in_place_node = "AsinhBackward1",
         .alias = "arcsinh"},
        [](auto x) { return asinh(x); },
        [](auto g, auto x, auto) { return grads(g * conj(rsqrt(x * x + 1_k))); }),
    pointwise<1>(
        {.name = "acosh",
         .formula = "the y >= 0 with cosh y = x",
         .doc = "The inverse of the hyperbolic cosine.",
         .domain = Domain::Inexact,
         .promotion = Promotion::Float,
         .in_place_node = "AcoshBackward1",
         .low = 1.1,
         .high = 3,
         .alias = "arccosh"},
        [](auto x) { return acosh(x); },
        [](auto g, auto x, auto) { return grads(g * conj(rsqrt(x - 1_k) * rsqrt(x + 1_k))); }),
    pointwise<1>(
        {.name = "atanh",
         .formula = "the y with tanh y = x",
         .doc = "The inverse of the hyperbolic tangent.",
         .domain = Domain::Inexact,
         .promotion = Promotion::Float,
         .in_place_node = "AtanhBackward1",
         .low = -0.9,
         .high = 0.9,
         .alias = "arctanh"},
        [](auto x) { return atanh(x); }, [](auto g, auto x, auto) { return grads(g / conj(1_k - x * x)); }),
    pointwise<2>(
        {.name = "atan2",
         .formula = "the angle of the point (y, x)",
         .doc =
             "The angle from -pi to pi of the point whose ordinate is the first operand; the gradient at the "
             "origin is 0.",
         .domain = Domain::Floating,
         .promotion = Promotion::Float,
         .tensor_operands = 3,
         .low = 0.5,
         .high = 2,
         .alias = "arctan2"},
        [](auto x, auto y) { return atan2(x, y); },
        [](auto g, auto x, auto y, auto) {
            const auto size = x * x + y * y;
            const auto inverse = where(size == 0_k, 0_k, reciprocal(size));
            return grads(g * y * inverse, g * -x * inverse);
        }),
    pointwise<2>(
        {.name = "hypot",
         .formula = "sqrt(x**2 + y**2)",
         .doc = "The length of the hypotenuse, without overflow.",
         .domain = Domain::Floating,
         .tensor_operands = 3,
         .low = 0.5,
         .high = 2},
        [](auto x, auto y) { return hypot(x, y); },
        [](auto g, auto x, auto y, auto out) { return grads(g * (x / out), g * (y / out)); }),
    pointwise<1>(
        {.name = "sinc",
         .formula = "sin(pi x) / (pi x), 1 at 0",
         .doc = "The normalized sinc function, 0 at whole numbers but 0.",
         .domain = Domain::Inexact,
         .promotion = Promotion::Float},
        [](auto x) { return sinc(x); },
        [](auto g, auto x, auto out) {
            // The cosine of the angle without its whole turns, so that it is right for a large x; near 0, where it
            // and out cancel, the series.
            const auto rest = x - 2_k * round(real(x) * 0.5_k), square = x * x;
            const auto far = (cos(3.1415926535897931_k * rest) - out) / x;
            const auto near =
                x * (-3.289868133696453_k +
                     square * (3.2469697011334144_k +
                               square * (-1.1445109447325053_k +
                                         square * (0.2091827825412384_k +
                                                   square * (-0.023460810354558236_k +
                                                             square * (0.001781145516372852_k -
                                                                       square * 9.766223126318933e-05_k))))));
            return grads(g * conj(where(abs(x) < 0.25_k, near, far)));
        }),
    pointwise<1>(
        {.name = "deg2rad",
         .formula = "x * pi / 180",
         .doc = "Degrees as radians.",
         .domain = Domain::Floating,
         .promotion = Promotion::Float,
         .check = &refuse_complex},
        [](auto x) { return x * 0.017453292519943295_k; },
        [](auto g, auto, auto) { return grads(g * 0.017453292519943295_k); }),
    pointwise<1>(
        {.name = "rad2deg",
         .formula = "x * 180 / pi",
         .doc = "Radians as degrees.",
         .domain = Domain::Floating,
         .promotion = Promotion::Float,
         .check = &refuse_complex},
        [](auto x) { return x * 57.295779513082323_k; },
        [](auto g, auto, auto) { return grads(g * 57.295779513082323_k); }));

}  // namespace
}  // namespace tapeless::formula
