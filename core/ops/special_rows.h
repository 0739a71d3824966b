// Rows of special functions: error, gamma, zeta, Bessel and the normal distribution's, computed one by one in double.
#pragma once

#include "kernels/formula.h"
#include "kernels/math_special.h"

namespace tapeless::formula {
namespace {

constexpr auto special = std::make_tuple(
    pointwise<1>(
        {.name = "erfc",
         .formula = "1 - erf x",
         .doc = "The complementary error function.",
         .domain = Domain::Floating,
         .promotion = Promotion::Float},
        [](auto x) { return erfc(x); },
        [](auto g, auto x, auto) { return grads(-1.1283791670955126_k * exp(-(x * x)) * g); }),
    pointwise<1>(
        {.name = "erfinv",
         .formula = "the y with erf y = x",
         .doc = "The inverse of the error function.",
         .domain = Domain::Floating,
         .promotion = Promotion::Float,
         .low = -0.95,
         .high = 0.95},
        [](auto x) { return erfinv(x); },
        [](auto g, auto x, auto) { return grads(0.88622692545275801_k * exp(erfinv(x) * erfinv(x)) * g); }),
    pointwise<1>(
        {.name = "lgamma",
         .formula = "ln |gamma x|",
         .doc = "The logarithm of the size of the gamma function.",
         .domain = Domain::Floating,
         .promotion = Promotion::Float,
         .low = 2.25,
         .high = 12},
        [](auto x) { return lgamma(x); }, [](auto g, auto x, auto) { return grads(g * digamma(x)); }),
    pointwise<1>(
        {.name = "digamma",
         .formula = "(ln gamma x)'",
         .doc = "The logarithmic derivative of the gamma function.",
         .domain = Domain::Floating,
         .promotion = Promotion::Float,
         .low = 1.75,
         .high = 12},
        [](auto x) { return digamma(x); },
        [](auto g, auto x, auto) { return grads(g * special_zeta(2_k, x)); }),
    pointwise<1>(
        {.name = "i0",
         .formula = "I0(x)",
         .doc = "The modified Bessel function of the first kind of order 0.",
         .domain = Domain::Floating,
         .promotion = Promotion::Float,
         .low = -9,
         .high = 9},
        [](auto x) { return i0(x); }, [](auto g, auto x, auto) { return grads(g * special_i1(x)); }),
    pointwise<1>(
        {.name = "special_i0e",
         .formula = "e ** -|x| * I0(x)",
         .doc = "The scaled modified Bessel function of the first kind of order 0.",
         .domain = Domain::Floating,
         .promotion = Promotion::Float,
         .node = "SpecialI0EBackward0",
         .low = -9,
         .high = 9},
        [](auto x) { return special_i0e(x); },
        [](auto g, auto x, auto out) { return grads(g * (special_i1e(x) - sign(x) * out)); }),
    pointwise<1>(
        {.name = "special_i1",
         .formula = "I1(x)",
         .doc = "The modified Bessel function of the first kind of order 1.",
         .domain = Domain::Floating,
         .promotion = Promotion::Float,
         .low = -9,
         .high = 9},
        [](auto x) { return special_i1(x); },
        [](auto g, auto x, auto out) {
            // At 0 the quotient is 1/2.
            return grads(g * where(x == 0_k, 0.5_k, i0(x) - out / where(x == 0_k, 1_k, x)));
        }),
    pointwise<1>(
        {.name = "special_i1e",
         .formula = "e ** -|x| * I1(x)",
         .doc = "The scaled modified Bessel function of the first kind of order 1.",
         .domain = Domain::Floating,
         .promotion = Promotion::Float,
         .node = "SpecialI1EBackward0",
         .low = -9,
         .high = 9},
        [](auto x) { return special_i1e(x); },
        [](auto g, auto x, auto out) {
            const auto divisor = where(x == 0_k, 1_k, x);
            return grads(g * where(x == 0_k, 0.5_k, special_i0e(x) - out * (sign(x) + 1_k / divisor)));
        }),
    pointwise<2>(
        {.name = "igamma",
         .formula = "integral of t**(x - 1) * e**-t from 0 to y, over gamma x",
         .doc = "The regularized lower incomplete gamma function P(x, y); it has no derivative in x.",
         .domain = Domain::Floating,
         .tensor_operands = 3,
         .low = 0.5,
         .high = 5,
         .refused = "igamma: input"},
        [](auto x, auto y) { return igamma(x, y); },
        [](auto g, auto x, auto y, auto) {
            return grads(NoGradient(), g * exp((x - 1_k) * log(y) - y - lgamma(x)));
        }),
    pointwise<2>(
        {.name = "igammac",
         .formula = "integral of t**(x - 1) * e**-t from y on, over gamma x",
         .doc = "The regularized upper incomplete gamma function Q(x, y); it has no derivative in x.",
         .domain = Domain::Floating,
         .tensor_operands = 3,
         .low = 0.5,
         .high = 5,
         .refused = "igammac: input"},
        [](auto x, auto y) { return igammac(x, y); },
        [](auto g, auto x, auto y, auto) {
            return grads(NoGradient(), -g * exp((x - 1_k) * log(y) - y - lgamma(x)));
        }),
    pointwise<2>(
        {.name = "special_zeta",
         .formula = "sum of (y + k) ** -x over k = 0, 1, ...",
         .doc = "Hurwitz's zeta function; it has no derivative in x.",
         .domain = Domain::Floating,
         .promotion = Promotion::Float,
         .number_node = "SpecialZetaBackward2",
         .left_number_node = "SpecialZetaBackward1",
         .low = 1.5,
         .high = 6,
         .in_place = false,
         .refused = "zeta"},
        [](auto x, auto y) { return special_zeta(x, y); },
        [](auto g, auto x, auto y, auto) { return grads(NoGradient(), g * -x * special_zeta(x + 1_k, y)); }),
    pointwise<1>(
        {.name = "special_entr",
         .formula = "-x ln x",
         .doc = "The entropy of a probability: 0 at 0, and -inf below.",
         .domain = Domain::Floating,
         .promotion = Promotion::Float,
         .low = 0.5,
         .high = 3},
        [](auto x) {
            const auto power = log(maximum(x, 0_k));
            return where(x == 0_k, 0_k, where(x < 0_k, power, -x * power));
        },
        [](auto g, auto x, auto) { return grads(g * (-log(x) - 1_k)); }),
    pointwise<1>(
        {.name = "special_ndtri",
         .formula = "the y with ndtr y = x",
         .doc = "The quantile of the standard normal distribution.",
         .domain = Domain::Full,
         .promotion = Promotion::Float,
         .low = 0.05,
         .high = 0.95},
        [](auto x) { return special_ndtri(x); },
        [](auto g, auto, auto out) { return grads(g * 2.5066282746310005_k * exp(0.5_k * out * out)); }),
    pointwise<1>(
        {.name = "special_log_ndtr",
         .formula = "ln ndtr x",
         .doc = "The logarithm of the standard normal distribution function.",
         .domain = Domain::Full,
         .promotion = Promotion::Float,
         .low = -5,
         .high = 2},
        [](auto x) { return special_log_ndtr(x); },
        [](auto g, auto x, auto out) {
            // The sum cancels far below 0, where the quotient is right; above it erfcx would overflow.
            return grads(g * where(x < -1_k,
                                   0.79788456080286536_k / special_erfcx(-0.70710678118654752_k * x),
                                   0.39894228040143268_k * exp(-(out + 0.5_k * x * x))));
        }),
    pointwise<1>(
        {.name = "special_erfcx",
         .formula = "e ** x**2 * erfc x",
         .doc = "The scaled complementary error function.",
         .domain = Domain::Full,
         .promotion = Promotion::Float},
        [](auto x) { return special_erfcx(x); },
        [](auto g, auto x, auto out) { return grads((2_k * x * out - 1.1283791670955126_k) * g); }));

}  // namespace
}  // namespace tapeless::formula
