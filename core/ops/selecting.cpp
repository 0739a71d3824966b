// Selected elements put back and taken again: a scatter and a gather that levels know.
#include "ops/selecting.h"

#include "ops/fresh.h"
#include "ops/indexing.h"
#include "ops/launch.h"

namespace tapeless {
namespace {

struct PutBack {
    static constexpr const char* node = "ScatterBackward0";
    std::int64_t dim;
    void backward(Node& node, Gradients in, Gradients out) const {
        if (in[0]) out[0] = take_at(in[0], dim, unpack(node.saved[0], node));
    }
};

struct TakeAt {
    static constexpr const char* node = "GatherBackward0";
    Dims sizes;
    std::int64_t dim;
    void backward(Node& node, Gradients in, Gradients out) const {
        if (in[0]) out[0] = put_back(sizes, dim, unpack(node.saved[0], node), in[0]);
    }
};

/// All examples of an operand, whether they differ or not.
Tensor all_examples(const Tensor& x, int depth, std::int64_t examples) {
    const Tensor held = beneath(x, depth);
    const Level* level = level_of(*x);
    if (level && level->depth == depth) return held;
    Dims sizes = x->sizes;
    sizes.insert(0, examples);
    return expand(held, sizes);
}

/// `same(moved, index, dim)` where the level acts that has the number `wrapped`: all examples, or primal and tangent.
template <class Same>
Tensor at_level(int wrapped, const Tensor& x, const Tensor& index, std::int64_t dim, Same&& same) {
    const int depth = wrapped / 2;
    const Level* level = level_of(*x);
    if (!level || level->depth != depth) level = level_of(*index);
    if (level->kind == Level::Kind::Dual)
        return dual(depth, same(level->value, index, dim), same(level->tangent, index, dim));
    const std::int64_t examples = level->value->sizes[0];
    Tensor whole = all_examples(x, depth, examples), places = all_examples(index, depth, examples);
    const bool number = x->dim() == 0;
    if (number) {
        whole = unsqueeze(whole, 1);
        places = unsqueeze(places, 1);
    }
    const Tensor out = same(whole, places, dim + 1);
    return batched(depth, number ? squeeze(out, 1) : out);
}

}  // namespace

Dims kept_strides(const Tensor& x) {
    if (is_dense(x->sizes, x->strides)) return x->strides;
    const Argument argument(x);
    return layout_of(&argument, 1).strides;
}

Lines lines_of(const TensorBody& x, int dim, const Dims& to) {
    Lines lines{1, 1, 1, {}, {}, {}};
    for (int d = 0; d < x.dim(); ++d) {
        if (d == dim) {
            lines.length = x.sizes[d];
            lines.from_step = x.strides[d];
            lines.to_step = to[d];
        } else {
            lines.sizes.push_back(x.sizes[d]);
            lines.from.push_back(x.strides[d]);
            lines.to.push_back(to[d]);
        }
    }
    return lines;
}

Tensor put_back(const Dims& sizes, std::int64_t dim, const Tensor& index, const Tensor& g) {
    const int wrapped = deepest({&g, &index});
    Tensor out;
    if (wrapped) {
        out = at_level(wrapped, g, index, dim,
                       [&](const Tensor& part, const Tensor& places, std::int64_t along) {
                           Dims whole = sizes;
                           if (along != dim && !sizes.empty()) whole.insert(0, part->sizes[0]);
                           if (along != dim && sizes.empty()) whole = part->sizes;
                           return put_back(whole, along, places, part);
                       });
    } else {
        const ModeGuard quiet(kNoGrad, true);
        out = full(sizes, Scalar(0), g->dtype, g->device);
        scatter_(out, dim, index, g);
    }
    if (needs_record({&g})) save(record(out, {&g}, PutBack{dim}, 1)->saved[0], index);
    return out;
}

Tensor take_at(const Tensor& x, std::int64_t dim, const Tensor& index) {
    const int wrapped = deepest({&x, &index});
    Tensor out;
    if (wrapped) {
        out = at_level(wrapped, x, index, dim,
                       [](const Tensor& from, const Tensor& places, std::int64_t along) {
                           return take_at(from, along, places);
                       });
    } else {
        const ModeGuard quiet(kNoGrad, true);
        out = gather(x, dim, index);
    }
    if (needs_record({&x})) save(record(out, {&x}, TakeAt{x->sizes, dim}, 1)->saved[0], index);
    return out;
}

}  // namespace tapeless
