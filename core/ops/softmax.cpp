// softmax and log_softmax: parts of other operations, with a derivative of their own from the result, which is what is
// saved. Recomputing from the input costs 1.8 to 3 times as much.
#include "ops/extremes.h"
#include "ops/fresh.h"
#include "ops/operation.h"

namespace tapeless {
namespace {

/// Half types are computed in float32 and rounded once.
Tensor wide(const Tensor& x) { return to_dtype(x, compute_type(x->dtype)); }

/// x - max(x) along dim, so that exp cannot overflow; the maximum only shifts, so no derivative goes through it.
Tensor below_top(const Tensor& x, int dim) {
    const Tensor rows = contiguous(x);  // PyTorch's result is row-major whatever x is.
    return apply(row("sub"), rows, max(modes.word ? detach(rows) : rows, dim, true).first);
}

struct Softmax {
    static constexpr const char* node = "SoftmaxBackward0";
    static constexpr const char* const saved_names[] = {"result"};
    std::int64_t dim;

    Tensor forward(const Tensor& x) const {
        const Tensor powers = apply(row("exp"), below_top(x, static_cast<int>(dim)));
        return apply(row("div"), powers, sum(powers, {dim}, true));
    }
    Tensor gradient(const Tensor& g, const Tensor& out) const {
        const Tensor share = sum(apply(row("mul"), g, out), {dim}, true);
        return apply(row("mul"), apply(row("sub"), g, share), out);
    }
    void backward(Node& of, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor result = unpack(of.saved[0], of);
        out[0] = to_dtype(gradient(wide(in[0]), wide(result)), result->dtype);
    }
    std::optional<std::int64_t> saved_number(const char* name) const {
        return std::string_view(name) == "dim" ? std::optional(dim) : std::nullopt;
    }
};

struct LogSoftmax : Softmax {
    static constexpr const char* node = "LogSoftmaxBackward0";

    /// The logarithm is taken of the sum, never of a quotient.
    Tensor forward(const Tensor& x) const {
        const Tensor shifted = below_top(x, static_cast<int>(dim));
        return apply(row("sub"), shifted, apply(row("log"), sum(apply(row("exp"), shifted), {dim}, true)));
    }
    Tensor gradient(const Tensor& g, const Tensor& out) const {
        return apply(row("sub"), g, apply(row("mul"), apply(row("exp"), out), sum(g, {dim}, true)));
    }
    void backward(Node& of, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor result = unpack(of.saved[0], of);
        out[0] = to_dtype(gradient(wide(in[0]), wide(result)), result->dtype);
    }
};

/// The values, not recorded as one node. Without elements there is no maximum, and nothing but a shape.
template <class P> Tensor values(const P& payload, const Tensor& x) {
    if (x->numel == 0) return fresh(x->sizes, x->dtype, x->device);
    return to_dtype(payload.forward(wide(x)), x->dtype);
}

template <class P> Tensor along(const char* name, const Tensor& given, std::int64_t dim, const DType* dtype) {
    const Tensor x = dtype ? to_dtype(given, *dtype) : given;
    if (!is_floating(x->dtype)) {
        fail(ErrorKind::NotImplemented, "\"", name, "_kernel_impl\" not implemented for '",
             facts(x->dtype).legacy_name, "': ", name,
             " needs a real floating dtype; convert first, for example with input.float()");
    }
    P payload;
    payload.dim = wrap_dim(dim, x->dim());
    // Inside the levels of func the parts speak for themselves.
    if (lifted(x)) return values(payload, x);
    Tensor out;
    {
        const ModeGuard quiet(kNoGrad, true);
        out = values(payload, x);
    }
    if (needs_record({&x})) {
        const Ref<Node> node = record(out, {&x}, payload, 1);
        save(node->saved[0], out, 0);
    }
    return out;
}

Tensor softmax_of(const Tensor& x, std::int64_t dim, std::optional<DType> dtype) {
    return along<Softmax>("softmax", x, dim, dtype ? &*dtype : nullptr);
}
Tensor log_softmax_of(const Tensor& x, std::int64_t dim, std::optional<DType> dtype) {
    return along<LogSoftmax>("log_softmax", x, dim, dtype ? &*dtype : nullptr);
}

const Offer offer(
    Offer::KnowsLevels{},
    {
        operation<&softmax_of>(
            "softmax", "input, dim, dtype=None",
            "exp(x) / sum(exp(x)) along dim, without overflow; computed in dtype if one is given. "
            "Derivative: (g - sum(g * out)) * out."),
        operation<&log_softmax_of>(
            "log_softmax", "input, dim, dtype=None",
            "x - log(sum(exp(x))) along dim, without overflow; computed in dtype if one is "
            "given. Derivative: g - exp(out) * sum(g)."),
    });

}  // namespace
}  // namespace tapeless
