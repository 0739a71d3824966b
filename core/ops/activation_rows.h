// Rows of the activations of neural networks. At a kink the gradient is PyTorch's, which the formula states.
#pragma once

#include "kernels/formula.h"

namespace tapeless::formula {
namespace {

constexpr auto activation = std::make_tuple(
    pointwise<1>(
        {.name = "silu",
         .formula = "x / (1 + e ** -x)",
         .doc = "x times its logistic function, also called swish (Elfwing et al. 2017).",
         .domain = Domain::Inexact,
         .serves_nn = true},
        [](auto x) { return x * sigmoid(x); },
        [](auto g, auto x, auto) {
            const auto s = sigmoid(x);
            return grads(g * conj(s) * conj(1_k + x * (1_k - s)));
        }),
    pointwise<1>(
        {.name = "mish",
         .formula = "x * tanh(ln(1 + e ** x))",
         .doc = "x times the hyperbolic tangent of its softplus (Misra 2019).",
         .domain = Domain::Floating,
         .serves_nn = true},
        [](auto x) { return x * tanh(log1p(exp(x))); },
        [](auto g, auto x, auto) {
            const auto t = tanh(log1p(exp(x)));
            return grads(g * (t + x * sigmoid(x) * (1_k - t * t)));
        }),
    pointwise<3>(
        {.name = "softplus",
         .formula = "ln(1 + e ** (beta * x)) / beta; x where beta * x > threshold",
         .doc = "A smooth relu.",
         .domain = Domain::Floating,
         .numbers = {{"beta", 1}, {"threshold", 20}},
         .serves_nn = true},
        [](auto x, auto beta, auto threshold) {
            return where(x * beta > threshold, x, log1p(exp(x * beta)) / beta);
        },
        [](auto g, auto x, auto beta, auto threshold, auto) {
            return grads(where(x * beta > threshold, g, g * sigmoid(x * beta)), NoGradient(), NoGradient());
        }),
    pointwise<1>(
        {.name = "logsigmoid",
         .formula = "-ln(1 + e ** -x)",
         .doc = "The logarithm of the logistic function, without overflow.",
         .domain = Domain::Floating,
         .node = "LogSigmoidBackward0",
         .in_place = false,
         .serves_nn = true},
        [](auto x) { return where(x > 0_k, 0_k, x) - log1p(exp(-abs(x))); },
        [](auto g, auto x, auto) {
            // 1 - sigmoid(x), from the side where nothing cancels.
            const auto s = sigmoid(where(x > 0_k, -x, x));
            return grads(g * where(x > 0_k, s, 1_k - s));
        }),
    pointwise<3>(
        {.name = "elu",
         .formula = "scale * (x if x > 0 else alpha * (e ** x - 1))",
         .doc = "The exponential linear unit (Clevert et al. 2015); the gradient at 0 is scale * alpha.",
         .domain = Domain::Floating,
         .in_place_node = "EluBackward1",
         .numbers = {{"alpha", 1}, {"scale", 1}},
         .serves_nn = true},
        [](auto x, auto alpha, auto scale) { return where(x <= 0_k, expm1(x) * (alpha * scale), x * scale); },
        [](auto g, auto x, auto alpha, auto scale, auto) {
            return grads(where(x <= 0_k, g * (alpha * scale) * exp(x), g * scale), NoGradient(),
                         NoGradient());
        }),
    pointwise<2>(
        {.name = "celu",
         .formula = "x if x > 0 else alpha * (e ** (x / alpha) - 1)",
         .doc = "The exponential linear unit with a slope of 1 at 0 whatever alpha is (Barron 2017).",
         .domain = Domain::Floating,
         .in_place_node = "CeluBackward1",
         .numbers = {{"alpha", 1}},
         .serves_nn = true},
        [](auto x, auto alpha) { return where(x <= 0_k, expm1(x / alpha) * alpha, x); },
        [](auto g, auto x, auto alpha, auto) {
            return grads(where(x <= 0_k, g * exp(x / alpha), g), NoGradient());
        }),
    pointwise<2>(
        {.name = "leaky_relu",
         .formula = "x if x > 0 else negative_slope * x",
         .doc = "A relu whose negative part has a slope; so has the gradient at 0.",
         .domain = Domain::Floating,
         .in_place_node = "LeakyReluBackward1",
         .numbers = {{"negative_slope", 0.01}},
         .serves_nn = true},
        [](auto x, auto slope) { return where(x > 0_k, x, x * slope); },
        [](auto g, auto x, auto slope, auto) { return grads(where(x > 0_k, g, g * slope), NoGradient()); }),
    pointwise<2>(
        {.name = "prelu_kernel",
         .formula = "x if x > 0 else weight * x",
         .doc = "leaky_relu with a slope that is learnt (He et al. 2015), of x's shape; what prelu ends in.",
         .domain = Domain::Floating,
         .tensor_operands = 3,
         .second = "weight",
         .in_place = false,
         .serves_nn = true},
        [](auto x, auto weight) { return where(x > 0_k, x, weight * x); },
        [](auto g, auto x, auto weight, auto) {
            return grads(where(x > 0_k, g, weight * g), where(x > 0_k, 0_k, x * g));
        }),
    pointwise<2>(
        {.name = "rrelu_with_noise",
         .formula = "x if x > 0 else noise * x",
         .doc = "leaky_relu with a slope that was drawn (Xu et al. 2015), a constant; what rrelu ends in.",
         .domain = Domain::Floating,
         .second = "noise",
         .in_place_node = "RreluWithNoiseBackward1",
         .serves_nn = true},
        [](auto x, auto noise) { return where(x > 0_k, x, x * noise); },
        [](auto g, auto x, auto noise, auto) { return grads(where(x > 0_k, g, g * noise), NoGradient()); }),
    pointwise<3>(
        {.name = "hardtanh",
         .formula = "min(max(x, min_val), max_val)",
         .doc = "Limits values to [min_val, max_val]; at a bound the gradient is 0.",
         .domain = Domain::Real,
         .numbers = {{"min_val", -1}, {"max_val", 1}},
         .serves_nn = true},
        [](auto x, auto low, auto high) {
            const auto raised = where(x <= low, low, x);
            return where(raised >= high, high, raised);
        },
        [](auto g, auto x, auto low, auto high, auto) {
            return grads(where((x <= low) | (x >= high), 0_k, g), NoGradient(), NoGradient());
        }),
    pointwise<1>(
        {.name = "hardsigmoid",
         .formula = "min(max(x + 3, 0), 6) / 6",
         .doc = "A logistic function of straight lines; where they meet the gradient is 0.",
         .domain = Domain::Floating,
         .low = -5,
         .high = 5,
         .serves_nn = true},
        [](auto x) {
            const auto raised = where(x + 3_k <= 0_k, 0_k, x + 3_k);
            return where(raised >= 6_k, 6_k, raised) / 6_k;
        },
        [](auto g, auto x, auto) { return grads(where((x > -3_k) & (x < 3_k), g / 6_k, 0_k)); }),
    pointwise<1>(
        {.name = "hardswish",
         .formula = "x * min(max(x + 3, 0), 6) / 6",
         .doc = "silu of straight lines (Howard et al. 2019); the gradient is 0 at -3 and 1 at 3.",
         .domain = Domain::Floating,
         .low = -5,
         .high = 5,
         .serves_nn = true},
        [](auto x) {
            const auto raised = where(x + 3_k <= 0_k, 0_k, x + 3_k);
            return x * (where(raised >= 6_k, 6_k, raised) / 6_k);  // Not (x * 6) / 6, which overflows.
        },
        [](auto g, auto x, auto) {
            return grads(where(x <= -3_k, 0_k, where(x < 3_k, g * ((x + 1.5_k) / 3_k), g)));
        }),
    pointwise<2>(
        {.name = "hardshrink",
         .formula = "0 if -lambd <= x <= lambd else x",
         .doc = "Values near 0 become 0; the gradient at lambd is 0.",
         .domain = Domain::Floating,
         .in_place = false,
         .numbers = {{"lambd", 0.5}}},
        [](auto x, auto lambd) { return where((x >= -lambd) & (x <= lambd), 0_k, x); },
        [](auto g, auto x, auto lambd, auto) {
            return grads(where((x >= -lambd) & (x <= lambd), 0_k, g), NoGradient());
        }),
    pointwise<2>(
        {.name = "softshrink",
         .formula = "x - lambd if x > lambd, x + lambd if x < -lambd, else 0",
         .doc = "Values move towards 0 by lambd, and stop there; the gradient at lambd is 0.",
         .domain = Domain::Floating,
         .in_place = false,
         .numbers = {{"lambd", 0.5}},
         .serves_nn = true},
        [](auto x, auto lambd) { return where(x > lambd, x - lambd, where(x < -lambd, x + lambd, x * 0_k)); },
        [](auto g, auto x, auto lambd, auto) {
            return grads(where((x >= -lambd) & (x <= lambd), 0_k, g), NoGradient());
        }),
    pointwise<3>(
        {.name = "threshold",
         .formula = "x if x > threshold else value",
         .doc = "Replaces values up to a threshold, where the gradient is 0.",
         .domain = Domain::Real,
         .in_place_node = "ThresholdBackward1",
         .numbers = {{"threshold", 0}, {"value", 0}},
         .serves_nn = true},
        [](auto x, auto threshold, auto value) { return where(x <= threshold, value, x); },
        [](auto g, auto x, auto threshold, auto, auto) {
            return grads(where(x <= threshold, 0_k, g), NoGradient(), NoGradient());
        }));

}  // namespace
}  // namespace tapeless::formula
