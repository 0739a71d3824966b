// polygamma and mvlgamma: sums and multiples of rows by a number, each one node as PyTorch's.
#include <cmath>
#include <numbers>

#include "ops/operation.h"
#include "ops/written.h"

namespace tapeless {
namespace {

/// In the dtype that values are computed in: integers become the default one, half types float32.
Tensor wide(const Tensor& x) {
    return to_dtype(x, is_integral(x->dtype) ? default_dtype() : compute_type(x->dtype));
}
DType result_of(const Tensor& x) { return is_integral(x->dtype) ? default_dtype() : x->dtype; }

/// Derivative n of digamma: digamma itself, or a multiple of Hurwitz's zeta function (DLMF 25.11.12).
Tensor polygamma_values(std::int64_t n, const Tensor& x) {
    if (n == 0) return apply(row("digamma"), x);
    const double factorial = std::tgamma(static_cast<double>(n) + 1);
    const Tensor at = wide(x);
    const Argument order_and_x[] = {Scalar(static_cast<double>(n + 1)), at};
    const Tensor sum = apply(row("special_zeta"), order_and_x);
    return to_dtype(apply(row("mul"), sum, Scalar(n % 2 ? factorial : -factorial)), result_of(x));
}

/// ln of the multivariate gamma function, or the derivative of that.
Tensor summed_over_halves(const Row& of_one, const Tensor& x, std::int64_t p) {
    const Tensor at = wide(x);
    Tensor sum = apply(of_one, at);
    for (std::int64_t j = 1; j < p; ++j) {
        const Tensor below = apply(row("sub"), at, Scalar(0.5 * static_cast<double>(j)));
        sum = apply(row("add"), sum, apply(of_one, below));
    }
    return sum;
}

Tensor polygamma(std::int64_t n, const Tensor& x);

struct Polygamma {
    static constexpr const char* node = "PolygammaBackward0";
    static constexpr const char* const saved_names[] = {"self"};
    std::int64_t n;
    Tensor values(const Tensor& x) const { return polygamma_values(n, x); }
    void backward(Node& of, Gradients in, Gradients out) const {
        if (in[0]) out[0] = apply(row("mul"), in[0], polygamma(n + 1, unpack(of.saved[0], of)));
    }
    std::optional<std::int64_t> saved_number(const char* name) const {
        return std::string_view(name) == "n" ? std::optional(n) : std::nullopt;
    }
};

struct PolygammaInPlace : Polygamma {
    static constexpr const char* node = "PolygammaBackward1";
};

struct Mvlgamma {
    static constexpr const char* node = "MvlgammaBackward0";
    static constexpr const char* const saved_names[] = {"self"};
    std::int64_t p;
    Tensor values(const Tensor& x) const {
        const double constant = 0.25 * std::log(std::numbers::pi) * static_cast<double>(p * (p - 1));
        const Tensor sum = summed_over_halves(row("lgamma"), x, p);
        return to_dtype(apply(row("add"), sum, Scalar(constant)), result_of(x));
    }
    void backward(Node& of, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor x = unpack(of.saved[0], of);
        const Tensor slope = to_dtype(summed_over_halves(row("digamma"), x, p), x->dtype);
        out[0] = apply(row("mul"), in[0], slope);
    }
    std::optional<std::int64_t> saved_number(const char* name) const {
        return std::string_view(name) == "p" ? std::optional(p) : std::nullopt;
    }
};

template <class P> Tensor applied(const Tensor& x, P payload) {
    if (lifted(x)) return payload.values(x);  // Inside the levels of func the parts speak for themselves.
    Tensor out;
    {
        const ModeGuard quiet(kNoGrad, true);
        out = payload.values(x);
    }
    if (is_differentiable(out->dtype) && needs_record({&x})) save(record(out, {&x}, payload, 1)->saved[0], x);
    return out;
}

template <class P> void applied_inplace(const char* name, const Tensor& x, P payload) {
    check(!is_integral(x->dtype), "result type ", facts(default_dtype()).legacy_name,
          " can't be cast to the desired output type ", facts(x->dtype).legacy_name, ": ", name,
          "_ gives fractions; convert x to a floating dtype first");
    Tensor result;
    {
        const ModeGuard quiet(kNoGrad, true);
        result = payload.values(x);
    }
    write_inplace(
        x, {&x}, payload, 1, [&](const Tensor& out) { write(out, result); },
        [&](Node& node) { save(node.saved[0], own_copy(x)); });
}

Tensor polygamma(std::int64_t n, const Tensor& x) {
    check(n >= 0, "polygamma(n, x) does not support negative n.");
    return applied(x, Polygamma{n});
}
Tensor polygamma_of(const Tensor& x, std::int64_t n) { return polygamma(n, x); }
void polygamma_(const Tensor& x, std::int64_t n) {
    check(n >= 0, "polygamma(n, x) does not support negative n.");
    applied_inplace("polygamma", x, PolygammaInPlace{{n}});
}

void check_order(std::int64_t p) { check(p >= 1, "p has to be greater than or equal to 1"); }
Tensor mvlgamma(const Tensor& x, std::int64_t p) {
    check_order(p);
    return applied(x, Mvlgamma{p});
}
void mvlgamma_(const Tensor& x, std::int64_t p) {
    check_order(p);
    applied_inplace("mvlgamma", x, Mvlgamma{p});
}

constexpr const char* kPolygamma =
    "Derivative number n of digamma: (-1)**(n + 1) n! times the sum of (x + k)**-(n + 1) over k = 0, 1, ... "
    "Derivative: g * polygamma(n + 1, x).";

const Offer offer(
    Offer::KnowsLevels{},
    {
        operation<&polygamma>("polygamma", "n, input", kPolygamma, Offered::Function),
        operation<&polygamma_of>("polygamma", "input, n", kPolygamma, Offered::Method),
        operation<&polygamma_>("polygamma_", "input, n", "polygamma in place.", Offered::Method),
        operation<&mvlgamma>(
            "mvlgamma", "input, p",
            "The logarithm of the multivariate gamma function: ln(pi) p (p - 1) / 4 plus the sum of "
            "lgamma(x - j / 2) over j < p. Derivative: g times the sum of digamma(x - j / 2)."),
        operation<&mvlgamma_>("mvlgamma_", "input, p", "mvlgamma in place.", Offered::Method),
    });

}  // namespace
}  // namespace tapeless
