// What layer_norm, group_norm and batch_norm share: how a tensor is seen in groups, the kernels' calls, and the same
// formulas through tensors, which can be differentiated again.
#pragma once

#include <cmath>

#include "kernels/normalize.h"
#include "ops/fresh.h"

namespace tapeless::normalized {

inline Tensor mul(const Tensor& x, const Tensor& y) { return apply(row("mul"), x, y); }
inline Tensor sub(const Tensor& x, const Tensor& y) { return apply(row("sub"), x, y); }
inline Tensor add(const Tensor& x, const Tensor& y) { return apply(row("add"), x, y); }

/// How x is seen: its sizes, those of them that a group spans, and the weights' sizes against them.
struct Frame {
    Dims sizes, reduced, weights;
    Groups groups;       ///< in x's row-major memory
    Dims statistics;     ///< sizes of mean and rstd
    std::int64_t count;  ///< of weights
};

/// x between its statistics; all are tensors of x's compute dtype, seen in the frame.
struct Seen {
    Tensor x, mean, variance, rstd, hat;
};

inline Tensor wide(const Tensor& x) { return x ? to_dtype(x, compute_type(x->dtype)) : x; }
inline Tensor framed(const Tensor& x, const Frame& frame) { return reshape(wide(x), frame.sizes); }
inline Tensor weights_in(const Tensor& weight, const Frame& frame) {
    return reshape(wide(weight), frame.weights);
}

inline Seen seen(const Tensor& given, const Frame& frame, double eps) {
    Seen out;
    out.x = framed(given, frame);
    out.mean = mean(out.x, frame.reduced, true);
    const Tensor apart = sub(out.x, out.mean);
    out.variance = mean(mul(apart, apart), frame.reduced, true);
    out.rstd = apply(row("rsqrt"), apply(row("add"), out.variance, Scalar(eps)));
    out.hat = mul(apart, out.rstd);
    return out;
}

/// Statistics that were given: numbers for each channel.
inline Seen seen(const Tensor& given, const Frame& frame, double eps, const Tensor& mean,
                 const Tensor& variance) {
    Seen out;
    out.x = framed(given, frame);
    out.mean = reshape(to_dtype(mean, out.x->dtype), frame.weights);
    out.rstd = reshape(apply(row("rsqrt"), apply(row("add"), to_dtype(variance, out.x->dtype), Scalar(eps))),
                       frame.weights);
    out.hat = mul(sub(out.x, out.mean), out.rstd);
    return out;
}

inline Tensor affine(const Seen& seen, const Frame& frame, const Tensor& x, const Tensor& weight,
                     const Tensor& bias) {
    Tensor out = weight ? mul(seen.hat, weights_in(weight, frame)) : seen.hat;
    if (bias) out = add(out, weights_in(bias, frame));
    return to_dtype(reshape(out, x->sizes), x->dtype);
}

/// A weight of the kernels: row-major and in x's compute dtype.
inline Tensor plain(const Tensor& weight, DType dtype) {
    return weight ? row_major(converted(weight, compute_type(dtype))) : weight;
}
inline const char* bytes(const Tensor& x) { return x ? data(*x) : nullptr; }
inline char* own_bytes(const Tensor& x) { return x ? mutable_data(*x) : nullptr; }
/// Statistics that a kernel may only read lie in others' memory, which is not to be copied for that.
inline char* statistic(const Tensor& x) { return const_cast<char*>(data(*x)); }

/// g with x's strides. Not recorded.
inline Tensor laid_like(const Tensor& x, const Tensor& g) {
    if (g->strides == x->strides) return g;
    if (x->contiguous) return row_major(g);
    const Tensor out = empty(x->sizes, g->dtype, g->device, &x->strides);
    if (on_cpu(g)) write(out, g);
    return out;
}

struct Results {
    Tensor out, mean, rstd;  ///< the statistics in x's compute dtype
    Tensor variance;         ///< where it is wanted
};

/// What the nodes of the three share. Edges: x, weight, bias.
struct Normalized {
    static constexpr bool takes_undefined = true;
    Frame frame;
    double eps;
    bool constant = false;  ///< the statistics are running ones

    /// By kernel. `mean` and `rstd` are given where the statistics are constant.
    Results forward(const Tensor& x, const Tensor& weight, const Tensor& bias, const Groups& groups,
                    const Results& given, bool variance = false) const {
        const Tensor w = plain(weight, x->dtype), b = plain(bias, x->dtype);
        const DType dtype = compute_type(x->dtype);
        Results made = given;
        made.out = marked(empty(x->sizes, x->dtype, x->device, &x->strides));
        if (!constant) {
            made.mean = fresh(frame.statistics, dtype, x->device);
            made.rstd = fresh(frame.statistics, dtype, x->device);
        }
        if (variance) made.variance = fresh(frame.statistics, dtype, x->device);
        if (x->numel > 0 && on_cpu(x)) {
            const Normalization of{
                x->dtype, data(*x), statistic(made.mean), statistic(made.rstd), own_bytes(made.variance),
                bytes(w), bytes(b)};
            normalize(of, groups, eps, constant, mutable_data(*made.out));
        } else if (!constant && on_cpu(x)) {
            fill_(made.mean, Scalar(0));
            fill_(made.rstd, Scalar(1 / std::sqrt(eps)));
        }
        return made;
    }

    /// `last`: the groups where x's channels lie together, and it is to be read as it lies.
    void backward(const Node& node, const Tensor& g, const Tensor& given, const Tensor& weight,
                  const Results& saved, Gradients out, const Groups* last = nullptr) const {
        const Tensor x = last ? given : row_major(given);
        const Tensor from = laid_like(x, converted(g, x->dtype));
        const Groups& groups = last ? *last : frame.groups;
        const Tensor w = plain(weight, x->dtype);
        const DType dtype = compute_type(x->dtype);
        Results stats = saved;
        if (node.needs(0)) out[0] = marked(empty(x->sizes, x->dtype, x->device, &x->strides));
        if (node.needs(1)) out[1] = fresh({frame.count}, dtype, x->device);
        if (node.needs(2)) out[2] = fresh({frame.count}, dtype, x->device);
        if (!constant && saved.mean->dtype != dtype) {
            stats = {
                {}, fresh(frame.statistics, dtype, x->device), fresh(frame.statistics, dtype, x->device), {}};
        }
        if (!on_cpu(x)) return;
        const Normalization of{x->dtype, data(*x), statistic(stats.mean), statistic(stats.rstd), nullptr,
                               bytes(w), nullptr};
        if (stats.mean.get() != saved.mean.get()) find_statistics(of, groups, eps);
        const NormalizationGradients wanted{data(*from), own_bytes(out[0]), own_bytes(out[1]),
                                            own_bytes(out[2]), constant};
        normalize_backward(of, groups, frame.count, wanted);
    }

    /// The same through tensors, so that it can be differentiated again; gradients of mean and rstd as well.
    void formula(const Node& node, Gradients in, const Seen& at, const Tensor& x, const Tensor& weight,
                 Gradients out) const {
        Tensor sum;
        if (in[0]) {
            const Tensor g = framed(in[0], frame);
            if (node.needs(1)) out[1] = sum_to_size(mul(g, at.hat), frame.weights);
            if (node.needs(2)) out[2] = sum_to_size(g, frame.weights);
            Tensor weighted = weight ? mul(g, weights_in(weight, frame)) : g;
            if (!constant) {
                const Tensor share = mean(mul(weighted, at.hat), frame.reduced, true);
                weighted = sub(sub(weighted, mean(weighted, frame.reduced, true)), mul(at.hat, share));
            }
            sum = mul(weighted, at.rstd);
        }
        if (!node.needs(0)) return;
        const double size = static_cast<double>(frame.groups.size());
        for (int k = 1; k < node.output_count; ++k) {
            if (!in[k]) continue;
            const Tensor g = apply(row("div"), reshape(wide(in[k]), at.mean->sizes), Scalar(size));
            const Tensor part = k == 1 ? expand(g, at.x->sizes)
                                       : apply(row("neg"), mul(mul(g, mul(at.rstd, at.rstd)), at.hat));
            sum = sum ? add(sum, part) : part;
        }
        if (sum) out[0] = to_dtype(reshape(sum, x->sizes), x->dtype);
    }

    /// Brings the parameters' gradients to their shape and dtype.
    void finish(Gradients out, const Tensor& weight, const Dims& shape, DType dtype) const {
        const DType of = weight ? weight->dtype : dtype;
        for (int k = 1; k < 3; ++k) {
            if (out[k]) out[k] = to_dtype(reshape(out[k], shape), of);
        }
    }
};

inline bool speaks_through_tensors(Gradients in, const Tensor& x, const Tensor& weight, int outputs) {
    for (int k = 1; k < outputs; ++k) {
        if (in[k]) return true;
    }
    return modes.has(kLevels) || (in[0] && needs_record({&in[0], &x, &weight}));
}

}  // namespace tapeless::normalized
