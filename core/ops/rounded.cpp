// Rounding with options, through which no gradient but 0 passes: div with a rounding mode, round to decimals.
#include <cmath>

#include "ops/written.h"

namespace tapeless {
namespace {

struct RoundedDiv {
    static constexpr const char* node = "DivBackward2";
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        for (int k = 0; k < node.edge_count; ++k) {
            if (node.needs(k)) out[k] = full(in[0]->sizes, Scalar(0), in[0]->dtype, in[0]->device);
        }
    }
};

/// Rounded down, or towards 0; integers stay exact.
Tensor quotient(const Argument* arguments, bool floors) {
    const ModeGuard quiet(kNoGrad, true);
    if (!floors && !is_integral(result_type(arguments, 2))) {
        return apply(row("trunc"), apply(row("div"), arguments));
    }
    const Tensor down = apply(row("floor_divide"), arguments);
    if (floors) return down;
    const Tensor inexact = apply(row("ne"), apply(row("remainder"), arguments), Scalar(0));
    const Tensor up = apply(row("logical_and"), inexact, apply(row("lt"), down, Scalar(0)));
    return apply(row("add"), down, up);
}

Tensor operand(const Argument& argument) { return argument.tensor ? *argument.tensor : Tensor(); }

struct RoundDecimals {
    static constexpr const char* node = "RoundBackward1";
    void backward(Node&, Gradients in, Gradients out) const {
        if (in[0]) out[0] = full(in[0]->sizes, Scalar(0), in[0]->dtype, in[0]->device);
    }
};

/// Scaled, rounded, scaled back; integers cannot be scaled.
Tensor decimals_kept(const Tensor& x, std::int64_t decimals) {
    const ModeGuard quiet(kNoGrad, true);
    if (decimals == 0) return apply(row("round"), x);
    if (is_integral(x->dtype)) {
        fail(ErrorKind::NotImplemented, "\"round_vml_cpu\" not implemented for '",
             facts(x->dtype).legacy_name, "'; round of integers takes no decimals");
    }
    const Scalar scale(std::pow(10.0, static_cast<double>(std::abs(decimals))));
    const Row &there = row(decimals > 0 ? "mul" : "div"), &back = row(decimals > 0 ? "div" : "mul");
    const Tensor wide = to_dtype(x, compute_type(x->dtype));
    return to_dtype(apply(back, apply(row("round"), apply(there, wide, scale)), scale), x->dtype);
}

}  // namespace

Tensor round_decimals(const Tensor& x, std::int64_t decimals) {
    const Tensor out = marked(decimals_kept(x, decimals));
    if (needs_record({&x})) record(out, {&x}, RoundDecimals{});
    return out;
}

void round_decimals_(const Tensor& x, std::int64_t decimals) {
    const Tensor result = decimals_kept(x, decimals);
    write_inplace(x, {&x}, RoundDecimals{}, 0, [&](const Tensor& out) { write(out, result); }, [](Node&) {});
}

Tensor div_rounded(const Argument* arguments, bool floors) {
    const Tensor out = marked(quotient(arguments, floors));
    const Tensor x = operand(arguments[0]), y = operand(arguments[1]);
    if (is_differentiable(out->dtype) && needs_record({&x, &y})) record(out, {&x, &y}, RoundedDiv{});
    return out;
}

void div_rounded_(const Argument* arguments, bool floors) {
    const Tensor x = operand(arguments[0]), y = operand(arguments[1]);
    const Tensor result = quotient(arguments, floors);
    check(can_cast(result->dtype, x->dtype), "result type ", facts(result->dtype).legacy_name,
          " can't be cast to the desired output type ", facts(x->dtype).legacy_name);
    check(result->sizes == x->sizes, "output with shape ", to_string(x->sizes),
          " doesn't match the broadcast shape ", to_string(result->sizes));
    write_inplace(x, {&x, &y}, RoundedDiv{}, 0, [&](const Tensor& out) { write(out, result); }, [](Node&) {});
}

}  // namespace tapeless
