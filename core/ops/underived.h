// The node of operations that PyTorch gives no derivative: the result is tracked, and a gradient through it is refused.
#pragma once

#include "ops/structured.h"

namespace tapeless {

struct Underived {
    static constexpr const char* node = "torch::autograd::NotImplemented";
    const char *operation, *instead;
    void backward(Node&, Gradients, Gradients) const {
        fail(ErrorKind::Runtime, "derivative for aten::", operation,
             " is not implemented: no gradient passes it; write ", instead);
    }
};

}  // namespace tapeless
