// Rows of arithmetic: sums, products, powers, extremes, selection, and the parts of complex numbers.
#pragma once

#include "kernels/formula.h"

namespace tapeless::formula {
namespace {

constexpr auto arithmetic = std::make_tuple(
    pointwise<2>(
        {.name = "add", .formula = "x + y", .doc = "The sum of two tensors, element by element."},
        [](auto x, auto y) { return x + y; }, [](auto g, auto, auto, auto) { return grads(g, g); }),

    pointwise<2>(
        {.name = "sub",
         .formula = "x - y",
         .doc = "The difference of two tensors, element by element.",
         .domain = Domain::Number,
         .left_number_node = "RsubBackward1",
         .alias = "subtract"},
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
         .alias = "multiply"},
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
         .alias = "true_divide"},
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
         .data_errors = true},
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
                  .data_errors = true},
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
        {.name = "maximum",
         .formula = "max(x, y)",
         .doc = "The larger of two values; NaN if either is. Equal values share the gradient.",
         .domain = Domain::Ordered,
         .tensor_operands = 3,
         .in_place = false},
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
         .in_place = false},
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
         .node = "ClampBackward0",
         .number_node = "ClampBackward1",
         .alias = "clip",
         .signature = "input, min=None, max=None, *, out=None"},
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
         .number_node = "ClampMinBackward0"},
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
         .number_node = "ClampMaxBackward0"},
        [](auto x, auto hi) { return where((x >= hi) | (hi != hi), hi, x); },
        [](auto g, auto x, auto hi, auto) { return grads(where(x <= hi, g, 0_k), where(x > hi, g, 0_k)); }),

    pointwise<3>(
        {.name = "where",
         .formula = "x if condition else y",
         .doc = "Chooses from x where the condition holds, else from y.",
         .bool_operands = 1,
         .in_place = false,
         .signature = "condition, input, other, *, out=None"},
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
        {.name = "real_part",
         .formula = "re",
         .doc = "The real part, copied; what formulas mean by real.",
         .result = Result::Real,
         .identity_on_reals = true,
         .in_place = false},
        [](auto x) { return real(x); }, [](auto g, auto, auto) { return grads(g); }));

}  // namespace
}  // namespace tapeless::formula
