// Running sums and products, and the linear recurrence that their derivatives of every order come down to.
#include "ops/running.h"

#include "kernels/scan.h"
#include "ops/embed.h"
#include "ops/extremes.h"
#include "ops/operation.h"
#include "ops/reduced.h"
#include "ops/written.h"

namespace tapeless {

Tensor shifted(const Tensor& x, std::int64_t dim, bool towards_front) {
    if (x->dim() == 0 || x->numel == 0) return x;
    const std::int64_t length = x->sizes[static_cast<int>(dim)], from = towards_front ? 1 : 0;
    const Embed embed{x->sizes, dim, 1 - from, length - from, 1, false};
    return embed(slice(x, dim, from, length - 1 + from, 1));
}

Tensor edge_along(const Tensor& x, std::int64_t dim, bool last) {
    const ModeGuard quiet(kNoGrad, true);
    const std::int64_t end = last && x->dim() ? x->sizes[static_cast<int>(dim)] - 1 : 0;
    return apply(row("eq"), positions(x->sizes, dim), Scalar(end));
}

namespace {

Tensor times(const Tensor& x, const Tensor& y) { return apply(row("mul"), x, y); }

Extents extents_along(const Tensor& x, std::int64_t dim) {
    Extents out;
    for (int d = 0; d < x->dim(); ++d)
        (d < dim ? out.outer : d == dim ? out.length : out.columns) *= x->sizes[d];
    return out;
}

/// An operation along dim of a number is that of a vector of one.
template <class F> Tensor as_vector(const Tensor& x, F&& f) { return reshape(f(reshape(x, {1})), {}); }

struct Cumsum {
    static constexpr const char* node = "CumsumBackward0";
    std::int64_t dim;
    bool reverse;
    DType dtype;
    void backward(Node&, Gradients in, Gradients out) const {
        if (in[0]) out[0] = to_dtype(cumsum(in[0], dim, !reverse), dtype);
    }
    std::optional<std::int64_t> saved_number(std::string_view name) const {
        return name == "dim" ? std::optional(dim) : std::nullopt;
    }
};

/// d out[k] / d x[i] is the product up to k without x[i]: what comes before i, times a recurrence over what follows.
struct Cumprod {
    static constexpr const char* node = "CumprodBackward0";
    static constexpr const char* const saved_names[] = {"self", "result"};
    std::int64_t dim;
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor x = unpack(node.saved[0], node), point = wide(x);
        if (x->dim() == 0 || x->numel == 0) {
            out[0] = in[0];
            return;
        }
        Tensor before;
        if (node.saved_count > 1) {
            const Tensor result = shifted(wide(unpack(node.saved[1], node)), dim, false);
            before = chosen(edge_along(x, dim, false), Scalar(1), result);
        } else {
            before = products_before(point, dim);
        }
        const Tensor after = recurrence(conjugate(point), wide(in[0]), dim, true);
        out[0] = to_dtype(times(conjugate(before), after), x->dtype);
    }
    std::optional<std::int64_t> saved_number(std::string_view name) const {
        return name == "dim" ? std::optional(dim) : std::nullopt;
    }
};

struct Recurrence {
    static constexpr const char* node = "RecurrenceBackward0";
    std::int64_t dim;
    bool reverse;
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor a = unpack(node.saved[0], node);
        const Tensor through = recurrence(conjugate(a), in[0], dim, !reverse);
        if (node.needs(1)) out[1] = through;
        if (!node.needs(0)) return;
        const Tensor result = conjugate(unpack(node.saved[1], node));
        out[0] = reverse ? times(shifted(through, dim, false), result)
                         : times(through, shifted(result, dim, false));
    }
};

Tensor running_values(Running which, const Tensor& x, std::int64_t dim, bool reverse) {
    const ModeGuard quiet(kNoGrad, true);
    const Tensor out = fresh(x->sizes, is_integral(x->dtype) ? DType::Int64 : x->dtype, x->device);
    if (!on_cpu(x) || x->numel == 0) return out;
    const Tensor held = row_major(x);
    running(which, x->dtype, data(*held), extents_along(x, dim), reverse, mutable_data(*out));
    return out;
}

}  // namespace

Tensor cumsum(const Tensor& x, std::int64_t given, bool reverse) {
    const std::int64_t dim = wrap_dim(given, x->dim());
    if (lifted(x) && x->dim() == 0)
        return as_vector(x, [=](const Tensor& line) { return cumsum(line, 0, reverse); });
    const Tensor out = lifted(x) ? linear_at_level(
                                       x, [=](const Tensor& held) { return cumsum(held, dim, reverse); },
                                       [=](const Tensor& whole) { return cumsum(whole, dim + 1, reverse); })
                                 : running_values(Running::Sum, x, dim, reverse);
    if (is_differentiable(x->dtype) && needs_record({&x})) record(out, {&x}, Cumsum{dim, reverse, x->dtype});
    return out;
}

Tensor cumprod(const Tensor& x, std::int64_t given) {
    const std::int64_t dim = wrap_dim(given, x->dim());
    if (lifted(x) && is_differentiable(x->dtype)) {
        if (x->dim() == 0) return as_vector(x, [](const Tensor& line) { return cumprod(line, 0); });
        const Tensor held = wide(x), start = chosen(edge_along(x, dim, false), held, Scalar(0));
        return to_dtype(recurrence(held, start, dim, false), x->dtype);
    }
    if (lifted(x)) {
        const Level& level = *level_of(*x);
        return batched(level.depth, cumprod(level.value, x->dim() ? dim + 1 : 0));
    }
    const Tensor out = running_values(Running::Product, x, dim, false);
    if (!is_differentiable(x->dtype) || !needs_record({&x})) return out;
    const Ref<Node> node = record(out, {&x}, Cumprod{dim}, 2);
    save(node->saved[0], x);
    save(node->saved[1], out, 0);
    return out;
}

namespace {

/// x with all examples of the level at `depth`, though it may be the same for each.
Tensor all_examples(const Tensor& x, int depth, std::int64_t examples) {
    const Tensor held = beneath(x, depth);
    const Level* level = level_of(*x);
    if (level && level->depth == depth) return held;
    Dims sizes = x->sizes;
    sizes.insert(0, examples);
    return expand(held, sizes);
}

Tensor recurrence_at_level(int depth, const Tensor& a, const Tensor& b, std::int64_t dim, bool reverse) {
    const Level *of_a = level_of(*a), *of_b = level_of(*b);
    if (of_a && of_a->depth != depth) of_a = nullptr;
    if (of_b && of_b->depth != depth) of_b = nullptr;
    const Level& level = of_a ? *of_a : *of_b;
    if (level.kind == Level::Kind::Batched) {
        const std::int64_t examples = level.value->sizes[0];
        const Tensor factors = all_examples(a, depth, examples), terms = all_examples(b, depth, examples);
        return batched(depth, recurrence(factors, terms, dim + 1, reverse));
    }
    const Tensor factors = beneath(a, depth), terms = beneath(b, depth);
    const Tensor out = recurrence(factors, terms, dim, reverse);
    Tensor tangent = of_b ? of_b->tangent : Tensor();
    if (of_a) {
        const Tensor part = reverse ? shifted(times(of_a->tangent, out), dim, true)
                                    : times(of_a->tangent, shifted(out, dim, false));
        tangent = tangent ? apply(row("add"), tangent, part) : part;
    }
    return dual(depth, out, recurrence(factors, tangent, dim, reverse));
}

}  // namespace

Tensor recurrence(const Tensor& a, const Tensor& b, std::int64_t dim, bool reverse) {
    check(a->sizes == b->sizes && a->dtype == b->dtype && is_differentiable(a->dtype) && !is_half(a->dtype),
          "recurrence: both operands need one shape and one floating dtype of at least 32 bits");
    Tensor out;
    if (const int wrapped = deepest({&a, &b})) {
        out = recurrence_at_level(wrapped / 2, a, b, dim, reverse);
    } else {
        const ModeGuard quiet(kNoGrad, true);
        out = fresh(a->sizes, a->dtype, a->device);
        if (on_cpu(a) && a->numel > 0) {
            const Tensor factors = row_major(a), terms = row_major(b);
            run_recurrence(a->dtype, data(*factors), data(*terms), extents_along(a, dim), reverse,
                           mutable_data(*out));
        }
    }
    if (!needs_record({&a, &b})) return out;
    const Ref<Node> node = record(out, {&a, &b}, Recurrence{dim, reverse}, 2);
    save(node->saved[0], a);
    save(node->saved[1], out, 0);
    return out;
}

Tensor products_before(const Tensor& x, std::int64_t dim) {
    const Tensor one = expand(to_dtype(edge_along(x, dim, false), x->dtype), x->sizes);
    return recurrence(shifted(x, dim, false), one, dim, false);
}

Tensor products_after(const Tensor& x, std::int64_t dim) {
    return recurrence(x, expand(to_dtype(edge_along(x, dim, true), x->dtype), x->sizes), dim, true);
}

namespace {

Tensor cumsum_of(const Tensor& x, std::int64_t dim, std::optional<DType> dtype) {
    return cumsum(dtype ? to_dtype(x, *dtype) : x, dim);
}
Tensor cumprod_of(const Tensor& x, std::int64_t dim, std::optional<DType> dtype) {
    return cumprod(dtype ? to_dtype(x, *dtype) : x, dim);
}

void check_own_dtype(const char* name, const Tensor& x, const std::optional<DType>& dtype) {
    check(!dtype || *dtype == x->dtype, "Bad in-place call: input tensor dtype ", facts(x->dtype).name,
          " and output tensor dtype ", facts(dtype.value_or(x->dtype)).name, " should match; ", name,
          "() keeps the tensor's dtype");
}

void cumsum_(const Tensor& x, std::int64_t given, std::optional<DType> dtype) {
    check_own_dtype("cumsum_", x, dtype);
    const std::int64_t dim = wrap_dim(given, x->dim());
    write_inplace(
        x, {&x}, Cumsum{dim, false, x->dtype}, 0,
        [&](const Tensor& out) { write(out, running_values(Running::Sum, x, dim, false)); }, [](Node&) {});
}

void cumprod_(const Tensor& x, std::int64_t given, std::optional<DType> dtype) {
    check_own_dtype("cumprod_", x, dtype);
    const std::int64_t dim = wrap_dim(given, x->dim());
    write_inplace(
        x, {&x}, Cumprod{dim}, 1,
        [&](const Tensor& out) { write(out, running_values(Running::Product, x, dim, false)); },
        [&](Node& node) { save(node.saved[0], clone(x)); });
}

const Offer offer(
    Offer::KnowsLevels{},
    {
        operation<&cumsum_of>("cumsum", "input, dim, *, dtype=None",
                              "The sum of each element and those before it along dim; integers add up in "
                              "int64. Derivative: the running sum of g from the end."),
        operation<&cumprod_of>(
            "cumprod", "input, dim, *, dtype=None",
            "The product of each element and those before it along dim; integers multiply in int64. "
            "Derivative: products of the other elements, by a linear recurrence, right where some are 0."),
    });

const Offer in_place({
    operation<&cumsum_>("cumsum_", "input, dim, *, dtype=None", "cumsum in place.", Offered::Method),
    operation<&cumprod_>("cumprod_", "input, dim, *, dtype=None", "cumprod in place.", Offered::Method),
});

}  // namespace
}  // namespace tapeless
