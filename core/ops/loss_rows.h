// Rows of the losses that compare two tensors element by element; ops/pointwise_loss.cpp reduces them.
#pragma once

#include "kernels/formula.h"

namespace tapeless::formula {
namespace {

constexpr auto loss = std::make_tuple(
    pointwise<2>(
        {.name = "squared_error",
         .formula = "(x - y) ** 2",
         .doc = "The square of the difference; what mse_loss reduces.",
         .domain = Domain::Floating,
         .second = "target",
         .in_place = false,
         .serves_nn = true},
        [](auto x, auto y) { return (x - y) * (x - y); },
        [](auto g, auto x, auto y, auto) {
            const auto slope = 2_k * (x - y);
            return grads(g * slope, -(g * slope));
        }),
    pointwise<3>(
        {.name = "smooth_l1_error",
         .formula = "d ** 2 / (2 * beta) where d = |x - y| < beta, else d - beta / 2",
         .doc = "The distance, rounded off where it is small; what smooth_l1_loss reduces.",
         .domain = Domain::Floating,
         .second = "target",
         .in_place = false,
         .numbers = {{"beta", 1}},
         .serves_nn = true},
        [](auto x, auto y, auto beta) {
            const auto d = abs(x - y);
            return where(d < beta, 0.5_k * d * d / beta, d - 0.5_k * beta);
        },
        [](auto g, auto x, auto y, auto beta, auto) {
            const auto d = x - y;
            const auto slope = where(abs(d) < beta, d / beta, sgn(d));
            return grads(g * slope, -(g * slope), NoGradient());
        }),
    pointwise<3>(
        {.name = "huber_error",
         .formula = "d ** 2 / 2 where d = |x - y| <= delta, else delta * (d - delta / 2)",
         .doc = "Huber's loss (1964); what huber_loss reduces.",
         .domain = Domain::Floating,
         .second = "target",
         .in_place = false,
         .numbers = {{"delta", 1}},
         .serves_nn = true},
        [](auto x, auto y, auto delta) {
            const auto d = abs(x - y);
            return where(d <= delta, 0.5_k * d * d, delta * (d - 0.5_k * delta));
        },
        [](auto g, auto x, auto y, auto delta, auto) {
            const auto d = x - y;
            const auto slope = where(abs(d) <= delta, d, delta * sgn(d));
            return grads(g * slope, -(g * slope), NoGradient());
        }),
    pointwise<2>(
        {.name = "bernoulli_error",
         .formula = "-y * ln(x) - (1 - y) * ln(1 - x), each logarithm at least -100",
         .doc = "The cross entropy of one probability; what binary_cross_entropy reduces.",
         .domain = Domain::Floating,
         .second = "target",
         .low = 0.1,
         .high = 0.9,
         .in_place = false,
         .serves_nn = true},
        [](auto x, auto y) {
            const auto yes = log(x), no = log1p(-x);
            return (y - 1_k) * where(no < -100_k, -100_k, no) - y * where(yes < -100_k, -100_k, yes);
        },
        [](auto g, auto x, auto y, auto) {
            const auto spread = (1_k - x) * x;
            return grads(g * ((x - y) / where(spread < 1e-12_k, 1e-12_k, spread)), g * (log1p(-x) - log(x)));
        }),
    pointwise<3>(
        {.name = "logit_error",
         .formula = "(1 - y) * x - (1 + (z - 1) * y) * ln(1 / (1 + e ** -x))",
         .doc = "The cross entropy of one logit, z the weight of a positive; what "
                "binary_cross_entropy_with_logits reduces.",
         .domain = Domain::Floating,
         .second = "target",
         .third = "weight",
         .in_place = false,
         .serves_nn = true},
        [](auto x, auto y, auto weight) {
            const auto log_yes = where(x > 0_k, 0_k, x) - log1p(exp(-abs(x)));
            return (1_k - y) * x - (1_k + (weight - 1_k) * y) * log_yes;
        },
        [](auto g, auto x, auto y, auto weight, auto) {
            const auto small = log1p(exp(-abs(x)));
            const auto log_yes = where(x > 0_k, 0_k, x) - small, log_no = where(x > 0_k, -x, 0_k) - small;
            const auto positive = weight * y;
            return grads(g * ((1_k - y + positive) * sigmoid(x) - positive), g * (log_no - weight * log_yes),
                         NoGradient());
        }),
    pointwise<2>(
        {.name = "soft_margin_error",
         .formula = "ln(1 + e ** (-x * y))",
         .doc = "The logistic loss of a target that is 1 or -1; what soft_margin_loss reduces.",
         .domain = Domain::Floating,
         .second = "target",
         .in_place = false,
         .serves_nn = true},
        [](auto x, auto y) {
            const auto z = -(x * y);
            return where(z > 0_k, z, 0_k) + log1p(exp(-abs(z)));
        },
        [](auto g, auto x, auto y, auto) {
            const auto z = x * y;
            const auto s = sigmoid(where(z > 0_k, -z, z));
            const auto slope = g * where(z > 0_k, s, 1_k - s);  // sigmoid(-z), and nothing cancels.
            return grads(-(slope * y), -(slope * x));
        }),
    pointwise<2>(
        {.name = "divergence",
         .formula = "y * ln(y) - y * x, where 0 * ln(0) is 0",
         .doc = "A probability's share of the Kullback-Leibler divergence from e ** x; what kl_div reduces.",
         .domain = Domain::Floating,
         .second = "target",
         .node = "SubBackward0",
         .low = 0.1,
         .high = 2,
         .in_place = false,
         .serves_nn = true},
        [](auto x, auto y) { return where(y == 0_k, y, y * log(y)) - y * x; },
        [](auto g, auto x, auto y, auto) {
            // y / y, not 1: as in PyTorch there is no gradient at a target of 0.
            return grads(-(g * y), g * log(y) + g * (y / y) - g * x);
        }),
    pointwise<2>(
        {.name = "divergence_of_log",
         .formula = "e ** y * (y - x)",
         .doc = "The same for the logarithm of a probability.",
         .domain = Domain::Floating,
         .second = "target",
         .node = "MulBackward0",
         .in_place = false,
         .serves_nn = true},
        [](auto x, auto y) { return exp(y) * (y - x); },
        [](auto g, auto x, auto y, auto) {
            const auto share = g * exp(y);
            return grads(-share, share * (y - x) + share);
        }));

}  // namespace
}  // namespace tapeless::formula
