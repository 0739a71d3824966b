// Variances and standard deviations, alone and with the mean, by two passes in double.
#include "kernels/statistics.h"

#include <cmath>

#include "ops/operation.h"
#include "ops/reduced.h"

namespace tapeless {
namespace {

/// The gradients that the mean and the variance share.
struct Freedom {
    double correction = 1;

    Tensor of_mean(const Over& over, const Tensor& g, const Tensor& x) const {
        return expand(apply(row("div"), g, Scalar(static_cast<double>(over.count(x)))), x->sizes);
    }
    Tensor of_variance(const Over& over, const Tensor& g, const Tensor& x) const {
        const double count = static_cast<double>(over.count(x)), left = count - correction;
        const Tensor mean = apply(row("div"), over.sum_kept(x), Scalar(count));
        const Tensor off = apply(row("sub"), x, mean);
        if (left <= 0) {  // 2 / 0 times what differs from the mean.
            const Tensor flat = apply(row("eq"), off, Scalar(0));
            return apply(row("mul"), g, to_dtype(chosen(flat, Scalar(NAN), Scalar(INFINITY)), x->dtype));
        }
        return apply(row("mul"), apply(row("mul"), g, Scalar(2 / left)), off);
    }
    /// The gradient of the variance from that of its root, which is 0 where nothing varies.
    static Tensor of_root(const Tensor& g, const Tensor& root) {
        const Tensor flat = apply(row("eq"), root, Scalar(0));
        const Tensor twice = apply(row("mul"), chosen(flat, Scalar(1), root), Scalar(2));
        return chosen(flat, Scalar(0), apply(row("div"), g, twice));
    }
};

Tensor spread(const Tensor& x, const Over& over, double correction, bool root, Tensor* mean = nullptr) {
    const Dims sizes = over.sizes_of(x);
    const Tensor out = fresh(sizes, real_of(x->dtype), x->device);
    if (mean) *mean = fresh(sizes, x->dtype, x->device);
    if (!on_cpu(x) || out->numel == 0) return out;
    const Block block(x, over.dims);
    variance_along(x->dtype, data(*block.held), block,
                   {correction, root, mutable_data(*out), mean ? mutable_data(**mean) : nullptr});
    return out;
}

struct Var : Reduction<Var>, Freedom {
    static constexpr const char* node = "VarBackward0";
    static constexpr const char* const saved_names[] = {"self"};
    static constexpr bool saves_result = false;
    Tensor values(const Tensor& x) const { return spread(x, *this, correction, false); }
    Tensor gradient(const Tensor& g, const Tensor& x, const Tensor&) const {
        return of_variance(*this, g, x);
    }
};

struct Std : Reduction<Std>, Freedom {
    static constexpr const char* node = "StdBackward0";
    Tensor values(const Tensor& x) const { return spread(x, *this, correction, true); }
    Tensor gradient(const Tensor& g, const Tensor& x, const Tensor& out) const {
        return of_variance(*this, of_root(g, out), x);
    }
};

/// Both results of one pass over x: a gradient may come to either.
struct VarMean : Over, Freedom {
    static constexpr const char* node = "VarMeanBackward0";
    static constexpr bool takes_undefined = true;
    void backward(Node& node, Gradients in, Gradients out) const {
        const Tensor x = unpack(node.saved[0], node);
        Tensor g = in[0] ? kept(wide(in[0]), x) : Tensor(), sum;
        if (g && node.saved_count > 1) g = of_root(g, kept(wide(unpack(node.saved[1], node)), x));
        if (g) sum = of_variance(*this, g, wide(x));
        if (in[1]) {
            const Tensor part = of_mean(*this, kept(wide(in[1]), x), wide(x));
            sum = sum ? apply(row("add"), sum, part) : part;
        }
        if (sum) out[0] = to_dtype(sum, x->dtype);
    }
};
struct StdMean : VarMean {
    static constexpr const char* node = "StdMeanBackward0";
};

double correction_of(const char* name, std::optional<bool> unbiased, const std::optional<Scalar>& given) {
    if (unbiased && given) {
        fail(ErrorKind::Type, name,
             "() received an invalid combination of arguments - got both unbiased and ",
             "correction; correction=1 means what unbiased=True does, so give that alone");
    }
    if (unbiased) return *unbiased ? 1 : 0;
    return given ? given->to<double>() : 1;
}

void check_inexact(const char* name, const Tensor& x) {
    check(is_differentiable(x->dtype), name, "(): std and var only support floating point and complex dtypes",
          ", but got ", facts(x->dtype).legacy_name, "; convert first, for example with input.float()");
}

template <class P>
Tensor spread_of(const char* name, const Tensor& x, const std::optional<Dims>& dim,
                 std::optional<bool> unbiased, bool keepdim, const std::optional<Scalar>& correction) {
    check_inexact(name, x);
    return reduction(x, P{{Over(x, dim, keepdim)}, {correction_of(name, unbiased, correction)}});
}

Tensor var(const Tensor& x, std::optional<Dims> dim, std::optional<bool> unbiased, bool keepdim,
           std::optional<Scalar> correction) {
    return spread_of<Var>("var", x, dim, unbiased, keepdim, correction);
}
Tensor std_of(const Tensor& x, std::optional<Dims> dim, std::optional<bool> unbiased, bool keepdim,
              std::optional<Scalar> correction) {
    return spread_of<Std>("std", x, dim, unbiased, keepdim, correction);
}

template <class P, class Alone>
std::pair<Tensor, Tensor> with_mean(const char* name, const Tensor& x, const std::optional<Dims>& dim,
                                    std::optional<bool> unbiased, bool keepdim,
                                    const std::optional<Scalar>& correction) {
    constexpr bool root = std::is_same_v<P, StdMean>;
    check_inexact(name, x);
    P payload;
    static_cast<Over&>(payload) = Over(x, dim, keepdim);
    payload.correction = correction_of(name, unbiased, correction);
    if (lifted(x))
        return {reduction(x, Alone{{payload}, {payload.correction}}), mean(x, payload.dims, keepdim)};
    Tensor mean;
    const Tensor out = spread(x, payload, payload.correction, root, &mean);
    if (!needs_record({&x})) return {out, mean};
    const Ref<Node> node = make_node(class_of<P>(), 1, root ? 2 : 1, 2, payload);
    node->edges[0] = gradient_edge(x);
    set_history(out, node, 0);
    set_history(mean, node, 1);
    save(node->saved[0], x);
    if (root) save(node->saved[1], out, 0);
    return {out, mean};
}

std::pair<Tensor, Tensor> var_mean(const Tensor& x, std::optional<Dims> dim, std::optional<bool> unbiased,
                                   bool keepdim, std::optional<Scalar> correction) {
    return with_mean<VarMean, Var>("var_mean", x, dim, unbiased, keepdim, correction);
}
std::pair<Tensor, Tensor> std_mean(const Tensor& x, std::optional<Dims> dim, std::optional<bool> unbiased,
                                   bool keepdim, std::optional<Scalar> correction) {
    return with_mean<StdMean, Std>("std_mean", x, dim, unbiased, keepdim, correction);
}

constexpr const char* kSignature = "input, dim=None, unbiased=None, keepdim=False, *, correction=None";

const Offer offer(
    Offer::KnowsLevels{},
    {
        operation<&var>(
            "_var", kSignature,
            "The variance over all elements or over dimensions: squares of what differs from the mean, "
            "divided "
            "by their count less correction (1). Derivative: 2 g (x - mean) / (count - correction)."),
        operation<&std_of>("_std", kSignature,
                           "The square root of the variance; see var. Derivative: that of var with g / (2 "
                           "out), 0 where out is "
                           "0."),
        operation<&var_mean>("_var_mean", kSignature,
                             "The variance and the mean by one call. Derivative: the sum of theirs.",
                             Offered::Function),
        operation<&std_mean>(
            "_std_mean", kSignature,
            "The standard deviation and the mean by one call. Derivative: the sum of theirs.",
            Offered::Function),
    });

}  // namespace
}  // namespace tapeless
