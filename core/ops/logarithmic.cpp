// Logarithms of sums of exponentials, over dimensions and running, without overflow.
#include <cmath>

#include "kernels/scan.h"
#include "ops/extremes.h"
#include "ops/operation.h"
#include "ops/reduced.h"
#include "ops/running.h"

namespace tapeless {
namespace {

Tensor minus(const Tensor& x, const Tensor& y) { return apply(row("sub"), x, y); }
Tensor real_part(const Tensor& x) { return is_complex(x->dtype) ? apply(row("real_part"), x) : x; }

/// A shift that keeps exponentials small; where the largest exponent is infinite there is none.
Tensor finite(const Tensor& top) { return chosen(apply(row("isfinite"), top), top, Scalar(0)); }

/// Where PyTorch's derivative is that of every element's share of the sum, out of exp(x - out).
struct LogSumExp : Reduction<LogSumExp> {
    static constexpr const char* node = "LogsumexpBackward0";

    Tensor values(const Tensor& given) const {
        for (std::int64_t d : dims) {
            if (given->sizes[static_cast<int>(d)] == 0)
                return full(sizes_of(given), Scalar(-INFINITY), given->dtype, given->device);
        }
        const Tensor x = wide(given), real = real_part(x);
        const Tensor top = finite(dims.empty() ? real : amax(real, dims, true));
        const Tensor powers = apply(row("exp"), minus(x, top));
        const Tensor total = dims.empty() ? powers : sum(powers, dims, keepdim);
        const Tensor shift = top->sizes == total->sizes ? top : reshape(top, total->sizes);
        return to_dtype(apply(row("add"), apply(row("log"), total), shift), given->dtype);
    }
    Tensor gradient(const Tensor& g, const Tensor& x, const Tensor& out) const {
        return apply(row("mul"), g, conjugate(apply(row("exp"), minus(x, out))));
    }
};

Tensor logsumexp(const Tensor& given, Dims dim, bool keepdim) {
    const Tensor x = is_integral(given->dtype) ? to_dtype(given, default_dtype()) : given;
    return reduction(x, LogSumExp{{Over(x, dim, keepdim)}});
}

/// What a running logarithm's derivatives are made of: exp(x[i] - out[i]), and exp(out[i - 1] - out[i]), which leads
/// from one result to the next; of real numbers it is at most 1.
struct Shares {
    Tensor share, step;

    Shares(const Tensor& x, const Tensor& out, std::int64_t dim) {
        const Tensor nothing = apply(row("eq"), real_part(out), Scalar(-INFINITY));
        const Tensor safe = chosen(nothing, Scalar(0), out);
        const Tensor climb = minus(shifted(safe, dim, false), safe);
        Tensor level = edge_along(x, dim, false);  // Where there is no step, or one from nothing.
        level = apply(row("logical_or"), level, apply(row("ge"), real_part(climb), Scalar(0)));
        if (is_complex(x->dtype)) level = edge_along(x, dim, false);
        share = apply(row("exp"), minus(x, safe));
        step = apply(row("exp"), chosen(level, Scalar(0), climb));
    }
};

Tensor logcumsumexp(const Tensor& x, std::int64_t given);

/// d out[k] / d x[i] is exp(x[i] - out[k]): the share of x[i] in out[i], carried on from result to result.
struct LogCumSumExp {
    static constexpr const char* node = "LogcumsumexpBackward0";
    static constexpr const char* const saved_names[] = {"self", "result"};
    std::int64_t dim;
    void backward(Node& of, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor x = unpack(of.saved[0], of);
        if (x->dim() == 0) {
            out[0] = in[0];
            return;
        }
        const Tensor point = wide(x), result = unpack(of.saved[1], of);
        // Of a half type the result has lost most digits, so it is computed anew.
        const Shares parts(point, is_half(x->dtype) ? logcumsumexp(point, dim) : result, dim);
        const Tensor reached = recurrence(conjugate(parts.step), wide(in[0]), dim, true);
        out[0] = to_dtype(apply(row("mul"), conjugate(parts.share), reached), x->dtype);
    }
    std::optional<std::int64_t> saved_number(std::string_view name) const {
        return name == "dim" ? std::optional(dim) : std::nullopt;
    }
};

Tensor logcumsumexp_at_level(const Tensor& x, std::int64_t dim) {
    if (x->dim() == 0) return reshape(logcumsumexp(reshape(x, {1}), 0), {});
    const Level& level = *level_of(*x);
    if (level.kind == Level::Kind::Batched) return batched(level.depth, logcumsumexp(level.value, dim + 1));
    const Tensor out = logcumsumexp(level.value, dim);
    const Tensor point = wide(level.value);
    const Shares parts(point, is_half(x->dtype) ? logcumsumexp(point, dim) : out, dim);
    const Tensor terms = apply(row("mul"), parts.share, wide(level.tangent));
    return dual(level.depth, out, to_dtype(recurrence(parts.step, terms, dim, false), x->dtype));
}

Tensor logcumsumexp(const Tensor& x, std::int64_t given) {
    const std::int64_t dim = wrap_dim(given, x->dim());
    if (!is_differentiable(x->dtype)) {
        fail(ErrorKind::NotImplemented, "\"logcumsumexp_out_cpu\" not implemented for '",
             facts(x->dtype).legacy_name, "'; convert first, for example with input.float()");
    }
    Tensor out;
    if (lifted(x)) {
        out = logcumsumexp_at_level(x, dim);
    } else {
        const ModeGuard quiet(kNoGrad, true);
        out = fresh(x->sizes, x->dtype, x->device);
        if (on_cpu(x) && x->numel > 0) {
            const Block block(x, x->dim() ? Dims{dim} : Dims());
            running_logarithm(x->dtype, data(*block.held), block, mutable_data(*out));
        }
    }
    if (!needs_record({&x})) return out;
    const Ref<Node> node = record(out, {&x}, LogCumSumExp{dim}, 2);
    save(node->saved[0], x);
    save(node->saved[1], out, 0);
    return out;
}

const Offer offer(
    Offer::KnowsLevels{},
    {
        operation<&logsumexp>(
            "logsumexp", "input, dim, keepdim=False",
            "The logarithm of the sum of exp(x) over dimensions, without overflow; integers are taken in the "
            "default dtype. Derivative: g exp(x - out)."),
        operation<&logcumsumexp>(
            "logcumsumexp", "input, dim",
            "The logarithm of the sum of exp(x) of each element and those before it along dim, without "
            "overflow. Derivative: the sum of g exp(x - out) over the results that an element is in."),
    });

}  // namespace
}  // namespace tapeless
