// The sequence of a structured operation that writes into a tensor: checks, node, write, version, history.
#pragma once

#include "ops/fresh.h"

namespace tapeless {

/// Writes into x in place by `write(x)`. `inputs`: the operation's differentiable inputs, x first, which become the
/// edges of a node of class P; `keep(node)` saves its values.
template <class P, class Write, class Keep>
void write_inplace(const Tensor& x, std::initializer_list<const Tensor*> inputs, P payload, int saved,
                   Write&& write, Keep&& keep) {
    bool records = is_differentiable(x->dtype) && needs_record(inputs);
    check_inplace(x, records);
    records = records && needs_record(inputs);  // Variable's default flag may have given way.
    Ref<Node> node;
    if (records) {
        node = make_node(class_of<P>(), static_cast<int>(inputs.size()), saved, 1, std::move(payload));
        const int wrapped = deepest(inputs);
        int edge = 0;
        for (const Tensor* input : inputs) {
            if (*input) node->edges[edge] = edge_above(*input, wrapped);
            ++edge;
        }
        keep(*node);
    }
    if (on_cpu(x)) write(x);
    note_write(x);
    if (node) rebase_history(x, node);
}

/// How a copy lies: row-major, or in x's own order of dimensions.
enum class Order : std::uint8_t { RowMajor, Preserved };

/// The same into a copy of x.
template <class P, class Write, class Keep>
Tensor write_copy(const Tensor& x, std::initializer_list<const Tensor*> inputs, P payload, int saved,
                  Write&& write, Keep&& keep, Order order = Order::RowMajor) {
    const Tensor out = marked(dense_copy(x, order == Order::RowMajor));
    if (on_cpu(x)) write(out);
    if (is_differentiable(x->dtype) && needs_record(inputs)) {
        keep(*record(out, inputs, std::move(payload), saved));
    }
    return out;
}

/// x becomes `seen`, a view of itself: its geometry changes, not its elements, so a base that x views keeps its node.
/// A node of class P leads to what x was.
template <class P> void become(const Tensor& x, const Tensor& seen, P payload) {
    bool records = needs_record({&x});
    check_inplace(x, records, true);
    records = records && needs_record({&x});
    Ref<Node> node;
    if (records) {
        node = make_node(class_of<P>(), 1, 0, 1, std::move(payload));
        node->edges[0] = gradient_edge(x);
    }
    x->sizes = seen->sizes;
    x->strides = seen->strides;
    x->offset = seen->offset;
    x->numel = seen->numel;
    x->contiguous = seen->contiguous;
    note_write(x);
    if (!node) return;
    move_retained(x, node_of(*x), *node);
    set_history(x, node);
    if (ViewFacts* view = view_of(*x)) view->seen = version(*x);
}

/// An operand that shares memory with x, which is about to be written, is read from a copy.
inline Tensor apart(const Tensor& operand, const Tensor& x) {
    return operand->storage.get() == x->storage.get() ? dense_copy(operand, true) : operand;
}

}  // namespace tapeless
