// What operations share that select elements along a dimension: their node, its derivatives, their rule for levels.
#pragma once

#include <string_view>

#include "kernels/lines.h"
#include "ops/levels.h"

namespace tapeless {

/// Zeros of `sizes` with each element of g where the index says along dim; no place is named twice. Recorded, and
/// known to levels, as is its reverse.
Tensor put_back(const Dims& sizes, std::int64_t dim, const Tensor& index, const Tensor& g);
/// The elements of x where the index says along dim.
Tensor take_at(const Tensor& x, std::int64_t dim, const Tensor& index);

/// Selected elements and where along the dimension they stood.
struct Found {
    Tensor values, indices;
};

/// The node of a selection: each gradient goes back to where its element was found. `dim` is as it was given.
struct Selected {
    static constexpr const char* const saved_names[] = {"indices"};
    Dims sizes;
    std::int64_t dim;
    bool dropped;  ///< the result lacks the dimension

    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor index = unpack(node.saved[0], node);
        const int along = wrap_dim(dim, sizes.size());
        const bool back = dropped && !sizes.empty();
        out[0] = put_back(sizes, along, back ? unsqueeze(index, along) : index,
                          back ? unsqueeze(in[0], along) : in[0]);
    }
    std::optional<std::int64_t> saved_number(const char* name) const {
        if (std::string_view(name) == "dim") return dim;
        return std::string_view(name) == "keepdim" ? std::optional<std::int64_t>(!dropped) : std::nullopt;
    }
};

/// Records a selection from x as a node of class P, which derives from Selected.
template <class P> void record_selected(const Found& found, const Tensor& x, std::int64_t dim, bool dropped) {
    if (!is_differentiable(x->dtype) || !needs_record({&x})) return;
    const Ref<Node> node = record(found.values, {&x}, P{{x->sizes, dim, dropped}}, 1);
    save(node->saved[0], found.indices);  // Not differentiable, so it has no grad_fn to make a cycle with.
}

/// The strides of a result that keeps x's order of dimensions: x's own if it has no gaps.
Dims kept_strides(const Tensor& x);

/// x's lines along dim beside those of a row-major or otherwise strided result; both may be numbers.
Lines lines_of(const TensorBody& x, int dim, const Dims& to);

/// A selection where x's level acts; `same(held, dim)` is the function itself. The tangents are those of the elements
/// that were found.
template <class Same> Found found_at_level(const Tensor& x, int dim, bool dropped, Same&& same) {
    const Level& level = *level_of(*x);
    if (level.kind == Level::Kind::Batched) {
        const bool number = x->dim() == 0;
        auto [values, indices] = same(number ? unsqueeze(level.value, 1) : level.value, dim + 1);
        if (number && !dropped) {
            values = squeeze(values, 1);
            indices = squeeze(indices, 1);
        }
        return {batched(level.depth, values), batched(level.depth, indices)};
    }
    auto [values, indices] = same(level.value, dim);
    const bool back = dropped && x->dim() > 0;
    const Tensor tangent = take_at(level.tangent, dim, back ? unsqueeze(indices, dim) : indices);
    return {dual(level.depth, values, back ? squeeze(tangent, dim) : tangent), indices};
}

}  // namespace tapeless
