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

/// Ties results to one such node if one of the inputs asks for a gradient.
inline void refuse_gradients(const char* operation, std::initializer_list<const Tensor*> inputs,
                             const std::vector<Tensor>& results) {
    if (!needs_record(inputs)) return;
    const int wrapped = deepest(inputs);
    std::vector<Edge> edges;
    for (const Tensor* x : inputs) {
        Edge edge = *x ? edge_above(*x, wrapped) : Edge();
        if (edge.node) edges.push_back(std::move(edge));
    }
    const Ref<Node> node =
        make_node(class_of<Underived>(), static_cast<int>(edges.size()), 0, static_cast<int>(results.size()),
                  Underived{operation, "detach() around its inputs"});
    int output = 0;
    for (std::size_t i = 0; i < edges.size(); ++i) node->edges[i] = std::move(edges[i]);
    for (const Tensor& out : results) set_history(out, node, output++);
}

/// The same with a name of its own in PyTorch, and NotImplementedError; `P::operation` is the name in the message.
template <class P> struct NamedUnderived {
    void backward(Node&, Gradients in, Gradients) const {
        if (!in[0]) return;
        fail(ErrorKind::NotImplemented, "the derivative for '", P::operation,
             "' is not implemented: detach() its input if no gradient is to go through it");
    }
};

}  // namespace tapeless
