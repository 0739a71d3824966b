// Joining tensors, for other operations. All are recorded.
#pragma once

#include <vector>

#include "ops/structured.h"

namespace tapeless {

/// The tensors one after another along dim; they agree in all other sizes and are promoted to one dtype.
Tensor cat(const std::vector<Tensor>& tensors, std::int64_t dim);
/// Tensors of one shape side by side along a new dimension.
Tensor stack(const std::vector<Tensor>& tensors, std::int64_t dim);

/// A part of a gradient in the dtype that its input has.
Tensor part_for(const Tensor& g, DType dtype);
/// The dtype that the tensors are promoted to.
DType common_dtype(const std::vector<Tensor>& tensors);
std::vector<DType> dtypes_of(const std::vector<Tensor>& tensors);

/// Records one output of any number of inputs.
template <class P> void record_all(const Tensor& out, const std::vector<Tensor>& tensors, P payload) {
    bool wanted = false;
    int wrapped = 0;
    for (const Tensor& x : tensors) wrapped = std::max(wrapped, deepest({&x}));
    for (const Tensor& x : tensors) wanted |= grad_enabled() && is_tracked_above(x, wrapped);
    if (!wanted || !is_differentiable(out->dtype)) return;
    Ref<Node> node = make_node(class_of<P>(), static_cast<int>(tensors.size()), 0, 1, std::move(payload));
    for (std::size_t i = 0; i < tensors.size(); ++i) node->edges[i] = edge_above(tensors[i], wrapped);
    set_history(out, node);
}
}  // namespace tapeless
