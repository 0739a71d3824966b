// Rows of elementary functions: exponentials, logarithms, roots, rounding and activations.
#pragma once

#include "kernels/formula.h"
#include "ops/row_rules.h"

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
        {.name = "exp2",
         .formula = "2 ** x",
         .doc = "2 to the power x.",
         .domain = Domain::Inexact,
         .promotion = Promotion::Float},
        [](auto x) { return exp2(x); },
        [](auto g, auto, auto out) { return grads(g * conj(out) * 0.69314718055994531_k); }),
    pointwise<2>(
        {.name = "ldexp",
         .formula = "x * 2 ** y",
         .doc = "A number times a power of 2.",
         .domain = Domain::Inexact,
         .promotion = Promotion::Float,
         .tensor_operands = 3,
         .in_place_function = true},
        [](auto x, auto y) { return x * exp2(y); },
        [](auto g, auto, auto y, auto out) {
            return grads(g * conj(exp2(y)), g * conj(out) * 0.69314718055994531_k);
        }),
    pointwise<1>(
        {.name = "log2",
         .formula = "log x / log 2",
         .doc = "The logarithm to the base 2.",
         .domain = Domain::Inexact,
         .promotion = Promotion::Float,
         .low = 0.5,
         .high = 3},
        [](auto x) { return log2(x); },
        [](auto g, auto x, auto) { return grads(g / (conj(x) * 0.69314718055994531_k)); }),
    pointwise<1>(
        {.name = "log10",
         .formula = "log x / log 10",
         .doc = "The logarithm to the base 10.",
         .domain = Domain::Inexact,
         .promotion = Promotion::Float,
         .low = 0.5,
         .high = 3},
        [](auto x) { return log10(x); },
        [](auto g, auto x, auto) { return grads(g / (conj(x) * 2.3025850929940457_k)); }),
    pointwise<2>(
        {.name = "logaddexp",
         .formula = "ln(e ** x + e ** y)",
         .doc = "The logarithm of a sum of exponentials, without overflow.",
         .domain = Domain::Inexact,
         .tensor_operands = 3,
         .in_place = false},
        [](auto x, auto y) { return logaddexp(x, y); },
        [](auto g, auto x, auto y, auto) {
            return grads(g / conj(1_k + exp(y - x)), g / conj(1_k + exp(x - y)));
        }),
    pointwise<2>(
        {.name = "logaddexp2",
         .formula = "log2(2 ** x + 2 ** y)",
         .doc = "The logarithm to the base 2 of a sum of powers of 2, without overflow.",
         .domain = Domain::Floating,
         .tensor_operands = 3,
         .node = "Logaddexp2Backward0",
         .in_place = false},
        [](auto x, auto y) { return logaddexp2(x, y); },
        [](auto g, auto x, auto y, auto) { return grads(g / (1_k + exp2(y - x)), g / (1_k + exp2(x - y))); }),
    pointwise<2>(
        {.name = "xlogy",
         .formula = "x * ln y, 0 for x = 0",
         .doc = "A number times a logarithm; 0 where the number is 0, unless the other is NaN.",
         .domain = Domain::Floating,
         .promotion = Promotion::Float,
         .number_node = "XlogyBackward2",
         .left_number_node = "XlogyBackward1",
         .low = 0.5,
         .high = 3,
         .in_place_function = true},
        [](auto x, auto y) { return xlogy(x, y); },
        [](auto g, auto x, auto y, auto) {
            return grads(where((x == 0_k) & (y <= 0_k), 0_k, xlogy(g, y)), g * x / y);
        }),
    pointwise<2>(
        {.name = "special_xlog1py",
         .formula = "x * ln(1 + y), 0 for x = 0",
         .doc = "A number times the logarithm of one more; 0 where the number is 0, unless the other is NaN.",
         .domain = Domain::Floating,
         .promotion = Promotion::Float,
         .node = "SpecialXlog1PyBackward0",
         .number_node = "SpecialXlog1PyBackward2",
         .left_number_node = "SpecialXlog1PyBackward1",
         .low = -0.5,
         .high = 3,
         .in_place = false},
        [](auto x, auto y) { return xlog1py(x, y); },
        [](auto g, auto x, auto y, auto) {
            return grads(where((x == 0_k) & (y <= -1_k), 0_k, xlog1py(g, y)), g * x / (y + 1_k));
        }),
    pointwise<2>(
        {.name = "logit",
         .formula = "ln(x / (1 - x))",
         .doc = "The inverse of the logistic function, of x limited to [eps, 1 - eps] if eps is given.",
         .domain = Domain::Floating,
         .promotion = Promotion::Float,
         .optional_operands = 2,
         .low = 0.1,
         .high = 0.9,
         .numbers = {{"eps", 0}},
         .absent = &no_margin},
        [](auto x, auto eps) {
            const auto z = where(eps < 0_k, x, where(x < eps, eps, where(x > 1_k - eps, 1_k - eps, x)));
            // The quotient is inexact near 1, where its logarithm is small; 2z - 1 is exact there.
            return where(z < 0.25_k, log(z / (1_k - z)), 2_k * atanh(2_k * z - 1_k));
        },
        [](auto g, auto x, auto eps, auto) {
            const auto inside = where(eps < 0_k, (x >= 0_k) & (x <= 1_k), (x >= eps) & (x <= 1_k - eps));
            const auto outside = where(eps < 0_k, 0_k / (eps - eps), eps - eps);
            return grads(where(inside, g / (x * (1_k - x)), outside), NoGradient());
        }),
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
        {.name = "frac",
         .formula = "x - trunc x",
         .doc = "The fraction, with the sign of x; the gradient is 1.",
         .domain = Domain::Floating},
        [](auto x) { return x - trunc(x); }, [](auto g, auto, auto) { return grads(g); }),
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
