// What reductions share: dimensions and sizes, the block that kernels read, and the sequence of a recorded reduction.
#pragma once

#include "kernels/fold.h"
#include "ops/fresh.h"
#include "ops/levels.h"

namespace tapeless {

/// Dimensions counted from the front; refuses one that is named twice.
Dims checked_dims(const Dims& given, int rank);
Dims every_dim(int rank);
bool holds(const Dims& dims, std::int64_t d);
/// Sizes once `dims` are reduced.
Dims reduced_sizes(const Dims& sizes, const Dims& dims, bool keepdim);
/// A reduction's result, or a gradient of it, with the reduced dimensions back in place with size 1. Recorded.
Tensor with_kept_dims(const Tensor& reduced, const Dims& sizes, const Dims& dims, bool keepdim);

/// 0, 1, ... along one dimension of that many, with size 1 in the others. Not recorded.
Tensor positions(const Dims& sizes, std::int64_t dim);

/// x as [outer][length][columns] with the reduced dimensions in the middle; they are moved together if they are apart.
struct Block : Extents {
    Tensor held;
    Block(const Tensor& x, const Dims& dims);
};

/// Over which dimensions a reduction goes. One of a 0-dimensional tensor goes over none; `whole`: none were named.
struct Over {
    Dims dims;
    bool keepdim = false, whole = true;

    Over() = default;
    Over(const Tensor& x, const std::optional<Dims>& given, bool keepdim);
    /// The same of all examples of a batch, whose examples have `rank` dimensions.
    void behind_examples(int rank);
    Dims sizes_of(const Tensor& x) const { return reduced_sizes(x->sizes, dims, keepdim); }
    /// How many elements go into one result.
    std::int64_t count(const Tensor& x) const;
    /// Sums that keep the dimensions. Recorded.
    Tensor sum_kept(const Tensor& x) const { return dims.empty() ? x : sum(x, dims, true); }
    Tensor kept(const Tensor& reduced, const Tensor& x) const {
        return with_kept_dims(reduced, x->sizes, dims, keepdim);
    }
};

inline Tensor wide(const Tensor& x) { return to_dtype(x, compute_type(x->dtype)); }
inline Tensor conjugate(const Tensor& x) { return is_complex(x->dtype) ? apply(row("conj"), x) : x; }

inline Tensor chosen(const Tensor& condition, const Argument& x, const Argument& y) {
    const Argument parts[] = {Argument(condition), x, y};
    return apply(row("where"), parts);
}

template <class P> Tensor reduction(const Tensor& x, const P& payload);

/// A reduction as a node's payload: Self has values(x), not recorded, and gradient(g, x, out) from recorded operations,
/// where g and out have their reduced dimensions and nothing is a half type; null: there is none.
template <class Self> struct Reduction : Over {
    static constexpr const char* const saved_names[] = {"self", "result"};
    static constexpr bool saves_result = true;

    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor x = unpack(node.saved[0], node), point = wide(x);
        Tensor result;
        if (Self::saves_result) {  // Of a half type it has lost most digits, so it is computed anew.
            result = unpack(node.saved[1], node);
            result = kept(is_half(x->dtype) ? reduction(point, self()) : result, x);
        }
        const Tensor g = self().gradient(kept(wide(in[0]), x), point, result);
        if (g) out[0] = to_dtype(g, x->dtype);
    }
    std::optional<std::int64_t> saved_number(std::string_view name) const {
        if (name == "keepdim") return keepdim;
        return name == "dim" && !whole && dims.size() == 1 ? std::optional(dims[0]) : std::nullopt;
    }
    const Self& self() const { return static_cast<const Self&>(*this); }
};

/// Where x's level acts: of all examples at once; and the tangent is the sum of its products with the gradient of 1.
template <class P> Tensor reduction_at_level(const Tensor& x, const P& payload) {
    const Level& level = *level_of(*x);
    P inner = payload;
    if (level.kind == Level::Kind::Batched) {
        inner.behind_examples(x->dim());
        return batched(level.depth, reduction(level.value, inner));
    }
    const Tensor out = reduction(level.value, inner), primal = wide(level.value);
    const Tensor result = inner.kept(wide(out), primal);
    const Tensor one = full(result->sizes, Scalar(1), result->dtype, result->device);
    const Tensor slope = inner.gradient(one, primal, result);
    if (!slope) return out;
    Tensor tangent = apply(row("mul"), conjugate(slope), wide(level.tangent));
    if (is_complex(tangent->dtype) && !is_complex(out->dtype)) tangent = apply(row("real_part"), tangent);
    if (!inner.dims.empty()) tangent = sum(tangent, inner.dims, inner.keepdim);
    return dual(level.depth, out, to_dtype(tangent, out->dtype));
}

/// The reduction of x, recorded if a gradient is wanted.
template <class P> Tensor reduction(const Tensor& x, const P& payload) {
    Tensor out;
    if (lifted(x) && is_differentiable(x->dtype)) {
        out = reduction_at_level(x, payload);
    } else {
        const ModeGuard quiet(kNoGrad, true);
        out = payload.values(x);
    }
    out = marked(out);
    if (!is_differentiable(x->dtype) || !needs_record({&x})) return out;
    const Ref<Node> node = record(out, {&x}, payload, P::saves_result ? 2 : 1);
    save(node->saved[0], x);
    if (P::saves_result) save(node->saved[1], out, 0);
    return out;
}

}  // namespace tapeless
