// Vector norms over dimensions: roots of sums of powers, extremes of magnitudes, counts; and slices limited by them.
#include <cmath>

#include "kernels/statistics.h"
#include "ops/extremes.h"
#include "ops/operation.h"
#include "ops/reduced.h"
#include "ops/written.h"

namespace tapeless {
namespace {

Tensor times(const Tensor& x, const Tensor& y) { return apply(row("mul"), x, y); }
Tensor power(const Tensor& x, double exponent) { return apply(row("pow"), x, Scalar(exponent)); }

struct VectorNorm : Reduction<VectorNorm> {
    static constexpr const char* node = "LinalgVectorNormBackward0";
    double ord;

    Tensor values(const Tensor& x) const {
        const DType result = real_of(x->dtype);
        if (!on_cpu(x)) return fresh(sizes_of(x), result, x->device);
        if (ord == 0 || ord == 1 || ord == 2) {
            const Tensor out = fresh(sizes_of(x), result, x->device);
            if (out->numel == 0) return out;
            const Block block(x, dims);
            power_sum_along(x->dtype, data(*block.held), block, static_cast<int>(ord), ord == 2,
                            mutable_data(*out));
            return out;
        }
        const Tensor size = apply(row("abs"), x);
        if (count(x) == 1) return dims.empty() ? row_major(size) : sum(size, dims, keepdim);
        if (std::isinf(ord)) return ord > 0 ? amax(size, dims, keepdim) : amin(size, dims, keepdim);
        const Tensor total = sum(power(wide(size), ord), dims, keepdim);
        return to_dtype(power(total, 1 / ord), result);
    }
    /// g / out^(ord - 1), where out is not 0.
    Tensor scaled(const Tensor& g, const Tensor& out) const {
        const Tensor none = apply(row("eq"), out, Scalar(0));
        return chosen(none, Scalar(0), apply(row("div"), g, power(out, ord - 1)));
    }
    Tensor of_extreme(const Tensor& g, const Tensor& x, const Tensor& out) const {
        const Tensor size = apply(row("abs"), x);
        Tensor found = apply(row("eq"), size, out);
        const Tensor nans = apply(row("logical_and"), apply(row("isnan"), size), apply(row("isnan"), out));
        found = apply(row("logical_or"), found, nans);
        const Tensor each = apply(row("div"), g, sum_kept(to_dtype(found, g->dtype)));
        return times(apply(row("sgn"), x), chosen(found, each, Scalar(0)));
    }
    Tensor gradient(const Tensor& g, const Tensor& x, const Tensor& out) const {
        if (ord == 0) return {};
        if (ord == 2) {
            const Tensor none = apply(row("eq"), out, Scalar(0));
            return times(g, chosen(none, Scalar(0), apply(row("div"), x, out)));
        }
        const Tensor sign = apply(row("sgn"), x);
        if (ord == 1) return times(sign, g);
        if (std::isinf(ord)) return of_extreme(g, x, out);
        const Tensor size = apply(row("abs"), x);
        if (ord > 2) return times(times(x, power(size, ord - 2)), scaled(g, out));
        if (ord > 1) return times(times(sign, power(size, ord - 1)), scaled(g, out));
        const Tensor none = apply(row("eq"), size, Scalar(0));
        const Tensor slope = chosen(none, Scalar(0), power(size, ord - 1));
        return times(times(sign, slope), times(g, power(out, 1 - ord)));
    }
};

/// Slices along `dim` scaled down where their norm is larger than `most`.
struct Renorm {
    static constexpr const char* node = "RenormBackward0";
    static constexpr const char* const saved_names[] = {"self"};
    static constexpr double kSmall = 1e-7;
    double ord, most;
    std::int64_t dim;

    VectorNorm norm(const Tensor& x) const {
        Dims others;
        for (int d = 0; d < x->dim(); ++d) {
            if (d != dim) others.push_back(d);
        }
        return {{Over(x, others, true)}, ord};
    }
    Tensor larger(const Tensor& size) const { return apply(row("gt"), size, Scalar(most)); }
    /// What slices of such norms are multiplied by.
    Tensor factor(const Tensor& size) const {
        const Tensor shrunk = apply(row("div"), Scalar(most), apply(row("add"), size, Scalar(kSmall)));
        return chosen(larger(size), shrunk, Scalar(1));
    }
    Tensor values(const Tensor& x) const {
        const Tensor held = wide(x);
        return to_dtype(times(held, factor(reduction(held, norm(held)))), x->dtype);
    }
    void backward(Node& of, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor given = unpack(of.saved[0], of), x = wide(given), g = wide(in[0]);
        const VectorNorm by = norm(x);
        const Tensor size = reduction(x, by), scale = factor(size);
        Tensor share = times(conjugate(x), g);
        if (is_complex(x->dtype)) share = apply(row("real_part"), share);
        // The factor's own derivative is -factor² / most where it is not 1.
        const Tensor less = apply(row("div"), times(by.sum_kept(share), scale),
                                  apply(row("neg"), apply(row("add"), size, Scalar(kSmall))));
        const Tensor through = by.gradient(chosen(larger(size), less, Scalar(0)), x, size);
        out[0] = to_dtype(apply(row("add"), times(g, scale), through), given->dtype);
    }
};

void check_dtype(const Tensor& x, DType dtype) {
    check(is_differentiable(dtype), "linalg.vector_norm: dtype should be floating point or complex, but got ",
          facts(dtype).legacy_name);
    check(is_complex(dtype) == is_complex(x->dtype), "linalg.vector_norm: dtype should be ",
          is_complex(x->dtype) ? "complex" : "real", " for ", is_complex(x->dtype) ? "complex" : "real",
          " inputs, but got ", facts(dtype).legacy_name);
    check(promote(x->dtype, dtype) == dtype, "linalg.vector_norm: the dtype of the input (",
          facts(x->dtype).legacy_name, ") should be convertible without narrowing to the specified dtype (",
          facts(dtype).legacy_name, ")");
}

/// The largest of nothing is no number, and what a negative power makes of it neither.
void check_not_empty(const Tensor& x, const Over& over, const Scalar& ord) {
    const double p = ord.to<double>();
    if (p >= 0 && !std::isinf(p)) return;
    if (over.whole || over.dims.size() == x->dim()) {
        check(x->numel > 0, "linalg.vector_norm cannot compute the ", p,
              " norm on an empty tensor because the operation does not have an identity");
    }
    for (std::int64_t d : over.dims) {
        check(x->sizes[static_cast<int>(d)] > 0, "linalg.vector_norm cannot compute the ", p,
              " norm on the dimension ", d,
              " because this dimension is empty and the operation does not have an identity");
    }
}

Tensor vector_norm(const Tensor& given, const Scalar& ord, std::optional<Dims> dim, bool keepdim,
                   std::optional<DType> dtype) {
    check(is_differentiable(given->dtype),
          "linalg.vector_norm: Expected a floating point or complex tensor as input. Got ",
          facts(given->dtype).legacy_name, "; convert first, for example with input.float()");
    check(ord.category() != Category::Complex,
          "linalg.vector_norm: Expected a non-complex scalar as the order of norm.");
    if (dtype) check_dtype(given, *dtype);
    const Tensor x = dtype ? to_dtype(given, *dtype) : given;
    VectorNorm payload{{Over(x, dim, keepdim)}, ord.to<double>()};
    check_not_empty(x, payload, ord);
    return reduction(x, payload);
}

Renorm checked_renorm(const Tensor& x, const Scalar& p, std::int64_t dim, const Scalar& maxnorm) {
    check(p.category() != Category::Complex, "renorm: p must be real-valued");
    const double ord = p.to<double>(), most = maxnorm.to<double>();
    check(ord > 0, "renorm: non-positive-norm not supported; p must be greater than 0, but got ", ord);
    check(maxnorm.category() != Category::Complex, "renorm: maxnorm must be real-valued");
    check(most >= 0, "renorm: expected maxnorm to be >= 0 but got ", most);
    check(x->dim() > 1, "renorm: input needs at least 2 dimensions, got ", x->dim(), " dimensions");
    return {ord, most, wrap_dim(dim, x->dim())};
}

Tensor renorm(const Tensor& x, const Scalar& p, std::int64_t dim, const Scalar& maxnorm) {
    const Renorm payload = checked_renorm(x, p, dim, maxnorm);
    if (lifted(x)) return payload.values(x);  // Inside the levels of func the parts speak for themselves.
    Tensor out;
    {
        const ModeGuard quiet(kNoGrad, true);
        out = marked(payload.values(x));
    }
    if (needs_record({&x})) save(record(out, {&x}, payload, 1)->saved[0], x);
    return out;
}

void renorm_(const Tensor& x, const Scalar& p, std::int64_t dim, const Scalar& maxnorm) {
    const Renorm payload = checked_renorm(x, p, dim, maxnorm);
    write_inplace(
        x, {&x}, payload, 1,
        [&](const Tensor& out) {
            const ModeGuard quiet(kNoGrad, true);
            write(out, payload.values(x));
        },
        [&](Node& node) { save(node.saved[0], clone(x)); });
}

const Offer in_place({operation<&renorm_>("renorm_", "input, p, dim, maxnorm", "renorm in place.",
                                          Offered::Method)});

const Offer offer(
    Offer::KnowsLevels{},
    {
        operation<&vector_norm>(
            "_vector_norm", "input, ord=2, dim=None, keepdim=False, *, dtype=None",
            "The norm of all elements seen as a vector, or over dimensions: sum(|x|^ord)^(1/ord), the "
            "largest "
            "|x| for ord=inf, the smallest for -inf, the count of nonzeros for 0. Derivative: g sgn(x) "
            "(|x| / out)^(ord - 1), 0 where out is 0; the extremes share g evenly.",
            Offered::Function),
        operation<&renorm>("renorm", "input, p, dim, maxnorm",
                           "Each slice along dim, scaled down to the p-norm maxnorm if its norm is larger. "
                           "Derivative: g times "
                           "the factor, and through the norm that it depends on."),
    });

}  // namespace
}  // namespace tapeless
