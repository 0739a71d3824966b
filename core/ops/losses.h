// What the losses share: how they are reduced, and which of their inputs have no derivative.
#pragma once

#include "ops/structured.h"

namespace tapeless {

/// By PyTorch's numbers.
enum Reduction : std::int64_t { kNone, kMean, kSum };

inline Tensor reduced_loss(const Tensor& values, std::int64_t reduction) {
    if (reduction == kNone) return values;
    return reduction == kMean ? mean(values, {}, false) : sum(values, {}, false);
}

/// Refuses a gradient for an input that is a constant of the loss.
inline void need_constant(const Tensor& x, const char* function, const char* argument) {
    check(!x || !needs_record({&x}), "The function '", function,
          "' is not differentiable with respect to argument '", argument,
          "'. This input cannot have requires_grad True.");
}

}  // namespace tapeless
