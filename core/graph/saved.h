// A value that a node saved for its backward: checked against later writes, packed by hooks if any.
//
// Note [Saved outputs and cycles]
// A node that saves its own output would own itself: node -> saved -> tensor -> grad_fn -> node. So a saved output is
// an alias without a graph, and unpacking gives it this node as grad_fn again. A saved input is the very tensor. What
// cycles users still make (hooks that close over a tensor, ctx.y = output) the interpreter's collector sees and frees.
#pragma once

#include "tensor/tensor.h"

namespace tapeless {

struct Node;

struct SavedValue {
    Tensor tensor;
    Foreign packed;  ///< what the pack hook returned, instead of the tensor
    Foreign unpack;  ///< the unpack hook that was active with it
    std::uint32_t version = 0;
    std::uint16_t output = 0;
    bool is_output = false;
    bool had_graph = false;

    bool empty() const { return !tensor && !packed; }
};

/// Fills `saved` with `x`, an input of the node or, with `output` >= 0, its own output of that number.
void save(SavedValue& saved, const Tensor& x, int output = -1);
/// The value, after checking that it was not written to; fails with PyTorch's sentence and the two lines.
Tensor unpack(const SavedValue& saved, Node& node);
[[noreturn]] void fail_released();

/// The bindings' side of saved-tensor hooks: pack through the innermost pair, unpack by a packed value's own hook.
struct SavedHooks {
    void (*pack)(SavedValue& saved, const Tensor& x);
    Tensor (*unpack)(const SavedValue& saved);
};
extern SavedHooks saved_hooks;

}  // namespace tapeless
