// The largest or smallest value so far along a dimension, with its index.
#include "kernels/scan.h"
#include "ops/extremes.h"
#include "ops/indexing.h"
#include "ops/operation.h"
#include "ops/reduced.h"
#include "ops/selecting.h"

namespace tapeless {
namespace {

/// Each element gets the sum of the gradients of the results that it gave.
struct RunningExtreme {
    static constexpr const char* const saved_names[] = {"self", "indices"};
    Dims sizes;
    std::int64_t dim;
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor index = unpack(node.saved[1], node);
        if (sizes.empty()) {
            out[0] = in[0];
        } else if (!lifted(in[0]) && !lifted(index)) {
            const Tensor g = wide(in[0]), nothing = full(sizes, Scalar(0), g->dtype, g->device);
            out[0] = to_dtype(scatter_add(nothing, dim, index, g), in[0]->dtype);
        } else {
            out[0] = by_comparing(in[0], index);
        }
    }
    /// For levels, whose rules scatter_add lacks: every place asks every result whether it was the giver.
    Tensor by_comparing(const Tensor& g, const Tensor& index) const {
        const Tensor here = positions(sizes, dim);
        const Tensor gave = apply(row("eq"), unsqueeze(index, dim), unsqueeze(here, dim + 1));
        return sum(chosen(gave, unsqueeze(g, dim), Scalar(0)), {dim + 1}, false);
    }
    std::optional<std::int64_t> saved_number(std::string_view name) const {
        return name == "dim" ? std::optional(dim) : std::nullopt;
    }
};
struct RunningMax : RunningExtreme {
    static constexpr const char* node = "CummaxBackward0";
};
struct RunningMin : RunningExtreme {
    static constexpr const char* node = "CumminBackward0";
};

using Pair = std::pair<Tensor, Tensor>;

Pair find(Extreme which, const Tensor& x, std::int64_t dim) {
    const ModeGuard quiet(kNoGrad, true);
    const DType type = compute_type(x->dtype);
    const Tensor values = fresh(x->sizes, type, x->device),
                 indices = fresh(x->sizes, DType::Int64, x->device);
    if (on_cpu(x) && x->numel > 0) {
        const Block block(converted(x, type), x->dim() ? Dims{dim} : Dims());
        running_extreme(which, type, data(*block.held), block, mutable_data(*values),
                        mutable_data<std::int64_t>(*indices));
    }
    return {converted(values, x->dtype), indices};
}

Pair find_at_level(const Tensor& x, std::int64_t dim, Pair (*again)(const Tensor&, std::int64_t)) {
    const Level& level = *level_of(*x);
    if (x->dim() == 0) {
        const auto [values, indices] = again(reshape(x, {1}), 0);
        return {reshape(values, {}), reshape(indices, {})};
    }
    if (level.kind == Level::Kind::Batched) {
        const auto [values, indices] = again(level.value, dim + 1);
        return {batched(level.depth, values), batched(level.depth, indices)};
    }
    const auto [values, indices] = again(level.value, dim);
    return {dual(level.depth, values, take_at(level.tangent, dim, indices)), indices};
}

template <class P>
Pair along(Extreme which, const char* name, const Tensor& x, std::int64_t given,
           Pair (*again)(const Tensor&, std::int64_t)) {
    const std::int64_t dim = wrap_dim(given, x->dim());
    if (is_complex(x->dtype)) {
        fail(ErrorKind::NotImplemented, "\"", name, "_cpu\" not implemented for '",
             facts(x->dtype).legacy_name, "'; complex numbers have no order: take abs() first");
    }
    const Pair found = lifted(x) ? find_at_level(x, dim, again) : find(which, x, dim);
    if (!is_differentiable(x->dtype) || !needs_record({&x})) return found;
    const Ref<Node> node = record(found.first, {&x}, P{{x->sizes, dim}}, 2);
    save(node->saved[0], x);
    save(node->saved[1], found.second);  // Not differentiable, so it has no grad_fn to make a cycle with.
    return found;
}

}  // namespace

Pair cummax(const Tensor& x, std::int64_t dim) {
    return along<RunningMax>(Extreme::Largest, "cummax", x, dim, cummax);
}
Pair cummin(const Tensor& x, std::int64_t dim) {
    return along<RunningMin>(Extreme::Smallest, "cummin", x, dim, cummin);
}

namespace {

const Offer offer(
    Offer::KnowsLevels{},
    {
        named(operation<&cummax>("cummax", "input, dim",
                                 "The largest of each element and those before it along dim, and the last "
                                 "index where it stood; NaN once there was one. Derivative: g goes to "
                                 "that element.",
                                 Offered::Both, kOutExact)),
        named(operation<&cummin>("cummin", "input, dim",
                                 "The smallest of each element and those before it along dim, and the last "
                                 "index where it stood; NaN once there was one. Derivative: g goes to "
                                 "that element.",
                                 Offered::Both, kOutExact)),
    });

}  // namespace
}  // namespace tapeless
