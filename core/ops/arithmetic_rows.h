// Rows of arithmetic: sums, products, powers, extremes, selection, and the parts of complex numbers.
#pragma once

#include "kernels/formula.h"
#include "ops/row_rules.h"

namespace tapeless::formula {
namespace {

constexpr auto arithmetic = std::make_tuple(
    pointwise<2>(
        {.name = "add",
         .formula = "x + y",
         .doc = "The sum of two tensors, element by element.",
         .numbers_alone = true},
        [](auto x, auto y) { return x + y; }, [](auto g, auto, auto, auto) { return grads(g, g); }),

    pointwise<2>(
        {.name = "sub",
         .formula = "x - y",
         .doc = "The difference of two tensors, element by element.",
         .domain = Domain::Number,
         .left_number_node = "RsubBackward1",
         .alias = "subtract",
         .numbers_alone = true},
        [](auto x, auto y) { return x - y; }, [](auto g, auto, auto, auto) { return grads(g, -g); }),

    pointwise<2>(
        {.name = "rsub",
         .formula = "y - x",
         .doc = "The difference the other way round: what x lacks of y.",
         .domain = Domain::Number,
         .tensor_operands = 1,
         .node = "RsubBackward0",
         .number_node = "RsubBackward1",
         .in_place = false},
        [](auto x, auto y) { return y - x; }, [](auto g, auto, auto, auto) { return grads(-g, g); }),

    pointwise<2>(
        {.name = "mul",
         .formula = "x * y",
         .doc = "The product of two tensors, element by element.",
         .alias = "multiply",
         .numbers_alone = true},
        [](auto x, auto y) { return x * y; },
        [](auto g, auto x, auto y, auto) { return grads(g * conj(y), g * conj(x)); }),

    pointwise<2>(
        {.name = "div",
         .formula = "x / y",
         .doc = "The quotient of two tensors; integers divide as floats.",
         .domain = Domain::Inexact,
         .promotion = Promotion::Float,
         .low = 0.5,
         .high = 2,
         .alias = "true_divide",
         .numbers_alone = true},
        [](auto x, auto y) { return x / y; },
        [](auto g, auto x, auto y, auto) { return grads(g / conj(y), -g * conj((x / y) / y)); }),

    pointwise<2>(
        {.name = "pow",
         .formula = "x ** y",
         .doc = "x raised to the power y.",
         .domain = Domain::Number,
         .second = "exponent",
         .node = "PowBackward1",
         .number_node = "PowBackward0",
         .left_number_node = "PowBackward2",
         .low = 0.5,
         .high = 2,
         .data_errors = true,
         .simpler = &simpler_power},
        [](auto x, auto y) { return pow(x, y); },
        [](auto g, auto x, auto y, auto out) {
            return grads(where(y == 0_k, 0_k, g * conj(y * pow(x, y - 1_k))),
                         g * where((x == 0_k) & (real(y) >= 0_k), 0_k, conj(out * log(x))));
        }),

    pointwise<2>({.name = "floor_divide",
                  .formula = "floor(x / y)",
                  .doc = "The quotient, rounded down.",
                  .domain = Domain::Real,
                  .low = 0.5,
                  .high = 2,
                  .data_errors = true,
                  .numbers_alone = true},
                 [](auto x, auto y) { return floor_divide(x, y); }),

    pointwise<2>(
        {.name = "remainder",
         .formula = "x - floor(x / y) * y",
         .doc = "What floor division leaves, with the sign of the divisor.",
         .domain = Domain::Real,
         .node = "RemainderBackward1",
         .number_node = "RemainderBackward0",
         .low = 0.5,
         .high = 2,
         .data_errors = true},
        [](auto x, auto y) { return remainder(x, y); },
        [](auto g, auto x, auto y, auto) { return grads(g, -g * floor_divide(x, y)); }),

    pointwise<2>(
        {.name = "fmod",
         .formula = "x - trunc(x / y) * y",
         .doc = "What division towards 0 leaves, with the sign of the dividend.",
         .domain = Domain::Real,
         .tensor_operands = 1,
         .node = "FmodBackward1",
         .number_node = "FmodBackward0",
         .low = 0.5,
         .high = 2,
         .data_errors = true},
        [](auto x, auto y) { return fmod(x, y); },
        [](auto g, auto x, auto y, auto) { return grads(g, -g * trunc(x / y)); }),

    pointwise<2>({.name = "gcd",
                  .formula = "the largest divisor of both",
                  .doc = "The greatest common divisor of two integers.",
                  .domain = Domain::Integer,
                  .tensor_operands = 3,
                  .in_place_function = true},
                 [](auto x, auto y) { return gcd(x, y); }),

    pointwise<2>({.name = "lcm",
                  .formula = "|x y| / gcd(x, y), 0 of zeros",
                  .doc = "The least common multiple of two integers.",
                  .domain = Domain::Integer,
                  .tensor_operands = 3,
                  .in_place_function = true},
                 [](auto x, auto y) { return lcm(x, y); }),

    pointwise<1>(
        {.name = "square",
         .formula = "x * x",
         .doc = "The square.",
         .domain = Domain::Number,
         .promotion = Promotion::Count,
         .node = "PowBackward0"},
        [](auto x) { return x * x; }, [](auto g, auto x, auto) { return grads(g * conj(2_k * x)); }),

    pointwise<3>(
        {.name = "lerp",
         .formula = "x + weight * (y - x)",
         .doc = "Goes from x to y by the part of the way that weight says.",
         .domain = Domain::Inexact,
         .tensor_operands = 3,
         .second = "end",
         .third = "weight",
         .node = "LerpBackward1",
         .number_node = "LerpBackward0",
         .check = &same_dtypes},
        [](auto x, auto y, auto weight) {
            // From the nearer end, so that weights of 0 and of 1 are exact.
            return where(abs(weight) < 0.5_k, x + weight * (y - x), y - (y - x) * (1_k - weight));
        },
        [](auto g, auto x, auto y, auto weight, auto) {
            return grads(g * conj(1_k - weight), g * conj(weight), g * conj(y - x));
        }),

    pointwise<4>(
        {.name = "addcmul",
         .formula = "x + value * y * z",
         .doc = "Adds the product of two tensors, times a number.",
         .domain = Domain::Number,
         .tensor_operands = 7,
         .keyword_operands = 8,
         .second = "tensor1",
         .third = "tensor2",
         .numbers = {{"value", 1}}},
        [](auto x, auto y, auto z, auto value) { return x + value * y * z; },
        [](auto g, auto, auto y, auto z, auto value, auto) {
            return grads(g, g * conj(z * value), g * conj(y * value), NoGradient());
        }),

    pointwise<4>(
        {.name = "addcdiv",
         .formula = "x + value * y / z",
         .doc = "Adds the quotient of two tensors, times a number.",
         .domain = Domain::Inexact,
         .tensor_operands = 7,
         .keyword_operands = 8,
         .second = "tensor1",
         .third = "tensor2",
         .low = 0.5,
         .high = 2,
         .numbers = {{"value", 1}},
         .check = &no_integer_quotient},
        [](auto x, auto y, auto z, auto value) { return x + value * y / z; },
        [](auto g, auto, auto y, auto z, auto value, auto) {
            return grads(g, g * conj(value / z), -g * conj(value * y / (z * z)), NoGradient());
        }),

    pointwise<2>(
        {.name = "fmax",
         .formula = "max(x, y)",
         .doc = "The larger of two values; where one is NaN the other. Of equal values x gets the gradient.",
         .domain = Domain::Ordered,
         .tensor_operands = 3,
         .in_place = false,
         .check = &refuse_complex},
        [](auto x, auto y) { return where((x >= y) | isnan(y), x, y); },
        [](auto g, auto x, auto y, auto) {
            return grads(where((x >= y) | isnan(y), g, 0_k), where((x >= y) | isnan(y), 0_k, g));
        }),

    pointwise<2>(
        {.name = "fmin",
         .formula = "min(x, y)",
         .doc = "The smaller of two values; where one is NaN the other. Of equal values x gets the gradient.",
         .domain = Domain::Ordered,
         .tensor_operands = 3,
         .in_place = false,
         .check = &refuse_complex},
        [](auto x, auto y) { return where((x <= y) | isnan(y), x, y); },
        [](auto g, auto x, auto y, auto) {
            return grads(where((x <= y) | isnan(y), g, 0_k), where((x <= y) | isnan(y), 0_k, g));
        }),

    pointwise<2>(
        {.name = "maximum",
         .formula = "max(x, y)",
         .doc = "The larger of two values; NaN if either is. Equal values share the gradient.",
         .domain = Domain::Ordered,
         .tensor_operands = 3,
         .in_place = false,
         .check = &refuse_complex},
        [](auto x, auto y) { return maximum(x, y); },
        [](auto g, auto x, auto y, auto) {
            return grads(where(x == y, g * 0.5_k, where(x < y, 0_k, g)),
                         where(x == y, g * 0.5_k, where(y < x, 0_k, g)));
        }),

    pointwise<2>(
        {.name = "minimum",
         .formula = "min(x, y)",
         .doc = "The smaller of two values; NaN if either is. Equal values share the gradient.",
         .domain = Domain::Ordered,
         .tensor_operands = 3,
         .in_place = false,
         .check = &refuse_complex},
        [](auto x, auto y) { return minimum(x, y); },
        [](auto g, auto x, auto y, auto) {
            return grads(where(x == y, g * 0.5_k, where(x > y, 0_k, g)),
                         where(x == y, g * 0.5_k, where(y > x, 0_k, g)));
        }),

    pointwise<3>(
        {.name = "clamp",
         .formula = "min(max(x, lo), hi)",
         .doc = "Limits values to [min, max]; at a bound the gradient is 1.",
         .domain = Domain::Real,
         .optional_operands = 6,
         .second = "min",
         .third = "max",
         .node = "ClampBackward0",
         .number_node = "ClampBackward1",
         .in_place_function = true,
         .alias = "clip",
         .absent = &no_bound,
         .check = &refuse_complex},
        [](auto x, auto lo, auto hi) {
            // Not minimum(maximum(x, lo), hi), which gcc leaves scalar. A NaN among the three is the result.
            const auto raised = where((x <= lo) | (lo != lo), lo, x);
            return where((raised >= hi) | (hi != hi), hi, raised);
        },
        [](auto g, auto x, auto lo, auto hi, auto) {
            return grads(where((x >= lo) & (x <= hi), g, 0_k), where((lo < hi) & (x < lo), g, 0_k),
                         where((x > hi) | (hi < lo), g, 0_k));
        }),

    pointwise<2>(
        {.name = "clamp_min",
         .formula = "max(x, lo)",
         .doc = "Limits values from below; at the bound the gradient is 1.",
         .domain = Domain::Ordered,
         .tensor_operands = 1,
         .second = "min",
         .node = "ClampMinBackward1",
         .number_node = "ClampMinBackward0",
         .in_place_function = true},
        [](auto x, auto lo) { return where((x <= lo) | (lo != lo), lo, x); },
        [](auto g, auto x, auto lo, auto) { return grads(where(x >= lo, g, 0_k), where(x < lo, g, 0_k)); }),

    pointwise<2>(
        {.name = "clamp_max",
         .formula = "min(x, hi)",
         .doc = "Limits values from above; at the bound the gradient is 1.",
         .domain = Domain::Ordered,
         .tensor_operands = 1,
         .second = "max",
         .node = "ClampMaxBackward1",
         .number_node = "ClampMaxBackward0",
         .in_place_function = true},
        [](auto x, auto hi) { return where((x >= hi) | (hi != hi), hi, x); },
        [](auto g, auto x, auto hi, auto) { return grads(where(x <= hi, g, 0_k), where(x > hi, g, 0_k)); }),

    pointwise<3>(
        {.name = "where",
         .formula = "x if condition else y",
         .doc = "Chooses from x where the condition holds, else from y.",
         .bool_operands = 1,
         .first = "condition",
         .second = "input",
         .third = "other",
         .in_place = false},
        [](auto condition, auto x, auto y) { return where(condition, x, y); },
        [](auto g, auto condition, auto, auto, auto) {
            return grads(NoGradient(), where(condition, g, 0_k), where(condition, 0_k, g));
        }),

    pointwise<1>(
        {.name = "neg",
         .formula = "-x",
         .doc = "The negative.",
         .domain = Domain::Number,
         .alias = "negative"},
        [](auto x) { return -x; }, [](auto g, auto, auto) { return grads(-g); }),

    pointwise<1>(
        {.name = "reciprocal",
         .formula = "1 / x",
         .doc = "The multiplicative inverse.",
         .domain = Domain::Inexact,
         .promotion = Promotion::Float,
         .low = 0.5,
         .high = 2},
        [](auto x) { return 1_k / x; }, [](auto g, auto, auto out) { return grads(-g * conj(out * out)); }),

    pointwise<1>(
        {.name = "abs",
         .formula = "|x|",
         .doc = "The magnitude; the gradient at 0 is 0.",
         .domain = Domain::Number,
         .result = Result::Real,
         .alias = "absolute"},
        [](auto x) { return abs(x); }, [](auto g, auto x, auto) { return grads(g * sgn(x)); }),

    pointwise<1>(
        {.name = "sign",
         .formula = "(x > 0) - (x < 0)",
         .doc = "-1, 0 or 1 by the sign of x.",
         .domain = Domain::Ordered},
        [](auto x) { return sign(x); }, [](auto, auto, auto) { return grads(0_k); }),

    pointwise<2>(
        {.name = "copysign",
         .formula = "|x| with the sign of y",
         .doc = "The size of x with the sign bit of y; the gradient at 0 is 0.",
         .domain = Domain::Floating,
         .promotion = Promotion::Float,
         .tensor_operands = 1,
         .number_node = "CopysignBackward1"},
        [](auto x, auto y) { return copysign(x, y); },
        [](auto g, auto x, auto, auto out) { return grads(where(x == 0_k, 0_k, g * (out / x)), 0_k); }),

    pointwise<2>({.name = "heaviside",
                  .formula = "0 for x < 0, y for x = 0, 1 for x > 0",
                  .doc = "The unit step, with a value of its own at 0.",
                  .domain = Domain::Ordered,
                  .tensor_operands = 3,
                  .second = "values",
                  .check = &same_real_dtypes},
                 [](auto x, auto y) { return where(x == 0_k, y, maximum(sign(x), 0_k)); }),

    pointwise<4>(
        {.name = "nan_to_num",
         .formula = "x, but nan for NaN, posinf for inf, neginf for -inf",
         .doc =
             "Replaces NaN, by default with 0, and the infinities, by default with the dtype's largest and "
             "smallest numbers; their gradient is 0.",
         .domain = Domain::Ordered,
         .optional_operands = 14,
         .numbers = {{"nan", 0}, {"posinf", 0}, {"neginf", 0}},
         .absent = &finite_stand_in},
        [](auto x, auto nan, auto high, auto low) {
            return where(isnan(x), nan, where(isinf(x), where(x < 0_k, low, high), x));
        },
        [](auto g, auto x, auto, auto, auto, auto) {
            return grads(where(isfinite(x), g, 0_k), NoGradient(), NoGradient(), NoGradient());
        }),

    pointwise<1>(
        {.name = "sgn", .formula = "x / |x|, 0 at 0", .doc = "The sign; of a complex number its direction."},
        [](auto x) { return sgn(x); },
        [](auto g, auto x, auto out) {
            // What of g turns the direction, by the length: for a real x nothing, since g - g * out * out is 0.
            return grads(where(x == 0_k, 0_k, (g - real(conj(g) * out) * out) / abs(x)));
        }),

    pointwise<1>(
        {.name = "conj",
         .formula = "re - i im",
         .doc = "The complex conjugate; a real tensor is itself.",
         .identity_on_reals = true,
         .in_place = false},
        [](auto x) { return conj(x); }, [](auto g, auto, auto) { return grads(conj(g)); }),

    pointwise<1>(
        {.name = "conj_physical",
         .formula = "re - i im",
         .doc = "The complex conjugate, in memory of its own; a real tensor is itself.",
         .in_place_node = "ConjPhysicalBackward1",
         .identity_on_reals = true},
        [](auto x) { return conj(x); }, [](auto g, auto, auto) { return grads(conj(g)); }),

    pointwise<1>(
        {.name = "real_part",
         .formula = "re",
         .doc = "The real part, copied; what formulas mean by real.",
         .result = Result::Real,
         .identity_on_reals = true,
         .in_place = false},
        [](auto x) { return real(x); }, [](auto g, auto, auto) { return grads(g); }));

}  // namespace
}  // namespace tapeless::formula
