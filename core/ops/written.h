// The sequence of a structured operation that writes into a tensor: checks, node, write, version, history.
#pragma once

#include "ops/fresh.h"
#include "ops/levels.h"

namespace tapeless {

/// Whether a write by operands whose deepest wrapper is `wrapped` is to be recorded.
inline bool records_above(std::initializer_list<const Tensor*> inputs, int wrapped) {
    if (!wrapped) return needs_record(inputs);
    return grad_enabled() && std::any_of(inputs.begin(), inputs.end(), [&](const Tensor* x) {
               return *x && is_tracked_above(*x, wrapped);
           });
}

/// How a copy lies: row-major, or in x's own order of dimensions.
enum class Order : std::uint8_t { RowMajor, Preserved };

/// Of a write that levels do one example after another.
struct NoRule {
    LevelWrite operator()() const { return {}; }
};

/// Writes into x in place by `write(x)`. `inputs`: the operation's differentiable inputs, x first, which become the
/// edges of a node of class P; `keep(node)` saves its values; `at_levels()`, asked only inside levels, is its rule there.
template <class P, class Write, class Keep, class Rule = NoRule>
void write_inplace(const Tensor& x, std::initializer_list<const Tensor*> inputs, P payload, int saved,
                   Write&& write, Keep&& keep, Rule&& at_levels = {}) {
    LevelWrite rule = modes.has(kLevels) ? at_levels() : LevelWrite();
    const int wrapped = deepest(rule.operands);
    bool records = is_differentiable(x->dtype) && records_above(inputs, wrapped);
    check_inplace(x, records);
    records = records && records_above(inputs, wrapped);  // Variable's default flag may have given way.
    Ref<Node> node;
    if (records) {
        node = make_node(class_of<P>(), static_cast<int>(inputs.size()), saved, 1, std::move(payload));
        const int inner = std::max(wrapped, deepest(inputs));
        int edge = 0;
        for (const Tensor* input : inputs) {
            if (*input) node->edges[edge] = edge_above(*input, inner);
            ++edge;
        }
        keep(*node);
    }
    if (wrapped) {
        write_at_level(P::node, x, wrapped, std::move(rule));
    } else if (on_cpu(x)) {
        write(x);
    }
    note_write(x);
    if (node) rebase_history(x, node);
}

/// The same into a copy of x.
template <class P, class Write, class Keep, class Rule = NoRule>
Tensor write_copy(const Tensor& x, std::initializer_list<const Tensor*> inputs, P payload, int saved,
                  Write&& write, Keep&& keep, Order order = Order::RowMajor, Rule&& at_levels = {}) {
    LevelWrite rule = modes.has(kLevels) ? at_levels() : LevelWrite();
    const int wrapped = deepest(rule.operands);
    Tensor out;
    if (wrapped) {
        out = copy_for_level(x, wrapped);
        write_at_level(P::node, out, wrapped, std::move(rule));
    } else {
        out = marked(dense_copy(x, order == Order::RowMajor));
        if (on_cpu(x)) write(out);
    }
    if (is_differentiable(x->dtype) && records_above(inputs, wrapped)) {
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
