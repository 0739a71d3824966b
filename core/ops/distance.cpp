// cdist: the distances of all pairs of rows, with a kernel for values and first gradients; further ones are rows'.
#include <cmath>

#include "kernels/distance.h"
#include "ops/extremes.h"
#include "ops/fresh.h"
#include "ops/operation.h"

namespace tapeless {
namespace {

Tensor times(const Tensor& x, const Tensor& y) { return apply(row("mul"), x, y); }

RowPairs pairs_of(const Tensor& x, const Tensor& y) {
    const std::int64_t rows = x->sizes[x->dim() - 2], width = x->sizes[x->dim() - 1];
    std::int64_t batch = 1;
    for (int d = 0; d < x->dim() - 2; ++d) batch *= x->sizes[d];
    return {x->dtype, batch, rows, y->sizes[y->dim() - 2], width, data(*x), data(*y)};
}

/// x and y are row-major, with the same batch; so are g and the distances.
Tensor gradient_for(const Tensor& x, const Tensor& y, const Tensor& g, const Tensor& distances, double p) {
    const Tensor out = fresh(x->sizes, x->dtype, x->device);
    if (on_cpu(x)) pair_gradients(pairs_of(x, y), p, data(*g), data(*distances), mutable_data(*out));
    return out;
}

struct Cdist {
    static constexpr const char* node = "CdistBackward0";
    static constexpr const char* const saved_names[] = {"x1", "x2", "result"};
    double p;

    Tensor forward(const Tensor& x, const Tensor& y) const {
        Dims sizes = x->sizes;
        sizes[sizes.size() - 1] = y->sizes[y->dim() - 2];
        const Tensor out = fresh(sizes, x->dtype, x->device);
        const Tensor a = row_major(x), b = row_major(y);
        if (on_cpu(x)) pair_distances(pairs_of(a, b), p, mutable_data(*out));
        return out;
    }

    /// How the distances change with each difference, times g: [..., rows, others, width], recorded.
    Tensor slopes(const Tensor& d, const Tensor& g, const Tensor& distances) const {
        if (p == 0) return times(d, full({}, Scalar(0.0), d->dtype, d->device));
        if (p == 1) return times(apply(row("sgn"), d), g);
        if (std::isinf(p)) {
            const Tensor most = apply(row("eq"), apply(row("abs"), d), distances);
            return times(apply(row("sgn"), d), apply(row("where"), most, g, Scalar(0.0)));
        }
        const Tensor none = apply(row("eq"), distances, Scalar(0.0));
        const Tensor length = apply(row("where"), none, Scalar(1.0), distances);
        const Tensor scale = apply(row("where"), none, Scalar(0.0),
                                   apply(row("div"), g, apply(row("pow"), length, Scalar(p - 1))));
        if (p == 2) return times(d, scale);
        const Tensor same = apply(row("eq"), d, Scalar(0.0));
        const Tensor size = apply(row("where"), same, Scalar(1.0), apply(row("abs"), d));
        const Tensor power = apply(row("where"), same, Scalar(0.0), apply(row("pow"), size, Scalar(p - 1)));
        return times(times(apply(row("sgn"), d), power), scale);
    }

    void backward(Node& of, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor x = unpack(of.saved[0], of), y = unpack(of.saved[1], of),
                     result = unpack(of.saved[2], of);
        if (grad_enabled()) {
            const Tensor d = apply(row("sub"), unsqueeze(x, -2), unsqueeze(y, -3));
            const Tensor each = slopes(d, unsqueeze(in[0], -1), unsqueeze(result, -1));
            if (of.needs(0)) out[0] = sum(each, {-2}, false);
            if (of.needs(1)) out[1] = apply(row("neg"), sum(each, {-3}, false));
            return;
        }
        const Tensor a = row_major(x), b = row_major(y), g = row_major(in[0]);
        if (of.needs(0)) out[0] = gradient_for(a, b, g, row_major(result), p);
        if (of.needs(1)) {
            out[1] =
                gradient_for(b, a, row_major(transpose(g, -2, -1)), row_major(transpose(result, -2, -1)), p);
        }
    }
    std::optional<Scalar> saved_number(const char* name) const {
        return std::string_view(name) == "p" ? std::optional(Scalar(p)) : std::nullopt;
    }
};

/// Both have one dtype, float32 or float64, and the same batch.
Tensor cdist(const Tensor& x, const Tensor& y, double p) {
    check(x->dim() >= 2 && y->dim() == x->dim() && x->dtype == y->dtype,
          "cdist: two batches of matrices of one dtype are needed");
    const Cdist cdist{p};
    Tensor out;
    {
        const ModeGuard quiet(kNoGrad, true);
        out = cdist.forward(x, y);
    }
    if (!needs_record({&x, &y})) return out;
    const Ref<Node> node = record(out, {&x, &y}, cdist, 3);
    save(node->saved[0], x);
    save(node->saved[1], y);
    save(node->saved[2], out, 0);
    return out;
}

const Offer offer({
    operation<&cdist>(
        "cdist", "x1, x2, p=2.0",
        "The distances [..., P, R] of the rows of [..., P, M] and [..., R, M] by the p-norm. Derivative: "
        "that of the norm, 0 where the distance is 0.",
        Offered::Nn),
});

}  // namespace
}  // namespace tapeless
