// Recording: the only functions that put nodes into the graph, and the rules of views and in-place writes.
//
// Note [Views and in-place]
// A view knows its base and its own strides. Writing through it is a write into the base: the base's grad_fn becomes
// CopySlices, which holds the writing node and the region; every older view of that base compares its count of writes
// with the base's when its grad_fn is next asked for, and then gets a new one, AsStrided of the base. A write to the
// base itself does the same without CopySlices. Views made under no_grad, as one of several outputs, or by a custom
// Function cannot be regenerated like that; writing through them is refused as PyTorch refuses it.
#pragma once

#include <initializer_list>

#include "graph/level.h"

namespace tapeless {

/// True when an operation on these tensors is to be recorded.
inline bool needs_record(std::initializer_list<const Tensor*> inputs) {
    if (!grad_enabled()) return false;
    const int wrapped = deepest(inputs);
    for (const Tensor* x : inputs) {
        if (*x && is_tracked_above(*x, wrapped)) return true;
    }
    return false;
}
/// Where the gradient of operand x goes in a node whose operands' deepest wrapper has the number `wrapped`.
inline Edge edge_above(const Tensor& x, int wrapped) {
    return !wrapped || is_tracked_above(x, wrapped) ? gradient_edge(x) : Edge();
}

/// Ties `out` to `node` as its output number `index`.
void set_history(const Tensor& out, const Ref<Node>& node, int index = 0);
/// Ties `x`, which the node's operation has just overwritten, to the node: through CopySlices if x is a view.
void rebase_history(const Tensor& x, const Ref<Node>& node);

/// Variable's default flag gives way where PyTorch would have had none: drops it from x, or from what x is a view of.
void give_way(const Tensor& x);
/// retain_grad is about the tensor, so it goes along when x gets another node than `from`.
void move_retained(const Tensor& x, Node* from, Node& to);

/// Refuses an in-place operation on x where PyTorch does; `records`: it will be recorded; `uniform`: every element gets
/// the same number, so that it does not matter if several are one.
void check_inplace(const Tensor& x, bool records, bool uniform = false);
/// Counts a write into x's elements and notes its line if someone saved them.
void note_write(const Tensor& x);

/// Makes `out`, which shares x's storage, a view of x (or of x's base) for autograd.
void set_view(const Tensor& out, const Tensor& x, Creation creation);
/// The same with the creation that the modes of this thread imply.
void set_view(const Tensor& out, const Tensor& x);

/// Provided by ops: AsStrided of base's gradient, and the parts of CopySlices that need operations.
struct ViewOperations {
    /// A node whose gradient input is that of a view with x's geometry, and whose edge leads to base.
    Ref<Node> (*as_strided_node)(const Tensor& base, const TensorBody& x);
    /// The node that a write through view x, recorded as `writer`, puts into the base.
    Ref<Node> (*copy_slices_node)(const Tensor& base, const TensorBody& x, const Ref<Node>& writer);
};
extern ViewOperations view_operations;

}  // namespace tapeless
