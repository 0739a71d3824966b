// Rows of elementary functions: exponentials, logarithms, trigonometry, roots, rounding and activations.
#pragma once

#include "kernels/formula.h"

namespace tapeless::formula {
namespace {

constexpr auto math = std::make_tuple(
    pointwise<1>(
        {.name = "exp",
         .formula = "e ** x",
         .doc = "The exponential.",
         .domain = Domain::Inexact,
         .promotion = Promotion::Float},
        [](auto x) { return exp(x); }, [](auto g, auto, auto out) { return grads(g * conj(out)); }),
    pointwise<1>(
        {.name = "expm1",
         .formula = "e ** x - 1",
         .doc = "The exponential less one, exact near 0.",
         .domain = Domain::Inexact,
         .promotion = Promotion::Float},
        [](auto x) { return expm1(x); }, [](auto g, auto, auto out) { return grads(g * (conj(out) + 1_k)); }),
    pointwise<1>(
        {.name = "log",
         .formula = "ln x",
         .doc = "The natural logarithm.",
         .domain = Domain::Inexact,
         .promotion = Promotion::Float,
         .low = 0.5,
         .high = 3},
        [](auto x) { return log(x); }, [](auto g, auto x, auto) { return grads(g / conj(x)); }),
    pointwise<1>(
        {.name = "log1p",
         .formula = "ln(1 + x)",
         .doc = "The logarithm of one more, exact near 0.",
         .domain = Domain::Inexact,
         .promotion = Promotion::Float,
         .low = -0.5,
         .high = 3},
        [](auto x) { return log1p(x); }, [](auto g, auto x, auto) { return grads(g / (conj(x) + 1_k)); }),
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
        {.name = "sqrt",
         .formula = "x ** 0.5",
         .doc = "The square root.",
         .domain = Domain::Inexact,
         .promotion = Promotion::Float,
         .low = 0.5,
         .high = 3},
        [](auto x) { return sqrt(x); }, [](auto g, auto, auto out) { return grads(g / (2_k * conj(out))); }),
    pointwise<1>(
        {.name = "rsqrt",
         .formula = "x ** -0.5",
         .doc = "The reciprocal of the square root.",
         .domain = Domain::Inexact,
         .promotion = Promotion::Float,
         .low = 0.5,
         .high = 3},
        [](auto x) { return rsqrt(x); },
        [](auto g, auto, auto out) { return grads(-0.5_k * g * conj(out * out * out)); }),
    pointwise<1>(
        {.name = "sigmoid",
         .formula = "1 / (1 + e ** -x)",
         .doc = "The logistic function.",
         .domain = Domain::Inexact,
         .promotion = Promotion::Float},
        [](auto x) { return sigmoid(x); },
        [](auto g, auto, auto out) { return grads(g * conj((1_k - out) * out)); }),
    pointwise<1>(
        {.name = "relu",
         .formula = "max(x, 0)",
         .doc = "The positive part; the gradient at 0 is 0.",
         .domain = Domain::Real},
        [](auto x) { return where(x < 0_k, 0_k, x); },
        [](auto g, auto, auto out) {
            // out - out, not 0: the second derivative is 0 there, but it exists.
            return grads(where(out <= 0_k, out - out, g));
        }),
    pointwise<1>(
        {.name = "erf",
         .formula = "2 / sqrt(pi) * integral of e ** -t**2 from 0 to x",
         .doc = "The error function.",
         .domain = Domain::Floating,
         .promotion = Promotion::Float},
        [](auto x) { return erf(x); },
        [](auto g, auto x, auto) { return grads(1.1283791670955126_k * exp(-(x * x)) * g); }),
    pointwise<1>(
        {.name = "floor",
         .formula = "the integer below",
         .doc = "Rounds down; the gradient is 0.",
         .domain = Domain::Floating,
         .keeps_integers = true},
        [](auto x) { return floor(x); }, [](auto, auto, auto) { return grads(0_k); }),
    pointwise<1>(
        {.name = "ceil",
         .formula = "the integer above",
         .doc = "Rounds up; the gradient is 0.",
         .domain = Domain::Floating,
         .keeps_integers = true},
        [](auto x) { return ceil(x); }, [](auto, auto, auto) { return grads(0_k); }),
    pointwise<1>(
        {.name = "round",
         .formula = "the nearest integer, halves to even",
         .doc = "Rounds to the nearest integer, halves to even; the gradient is 0.",
         .domain = Domain::Floating,
         .keeps_integers = true},
        [](auto x) { return round(x); }, [](auto, auto, auto) { return grads(0_k); }),
    pointwise<1>(
        {.name = "trunc",
         .formula = "the integer towards 0",
         .doc = "Drops the fraction; the gradient is 0.",
         .domain = Domain::Floating,
         .keeps_integers = true,
         .alias = "fix"},
        [](auto x) { return trunc(x); }, [](auto, auto, auto) { return grads(0_k); }));

}  // namespace
}  // namespace tapeless::formula
