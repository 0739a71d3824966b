// Largest and smallest values along dimensions, with or without their indices, alone and both.
#include <algorithm>

#include "kernels/extreme.h"
#include "ops/extremes.h"
#include "ops/operation.h"
#include "ops/reduced.h"
#include "ops/selecting.h"

namespace tapeless {

namespace {

struct MaxDim : Selected {
    static constexpr const char* node = "MaxBackward0";
};
struct MinDim : Selected {
    static constexpr const char* node = "MinBackward0";
};

Tensor best_over(Extreme which, const Tensor& x, const Over& over);

/// The largest over dimensions: whatever equals it shares the gradient; with `nans`, one that is NaN is shared by all
/// NaNs, else nothing equals it.
template <Extreme which, bool nans> struct Shared : Reduction<Shared<which, nans>> {
    static constexpr bool largest = which == Extreme::Largest;
    static constexpr const char* node =
        nans ? (largest ? "MaxBackward1" : "MinBackward1") : (largest ? "AmaxBackward0" : "AminBackward0");
    Tensor values(const Tensor& x) const { return best_over(which, x, *this); }
    Tensor gradient(const Tensor& g, const Tensor& x, const Tensor& out) const {
        Tensor mask = apply(row("eq"), x, out);
        if (nans) {
            const Tensor both = apply(row("logical_and"), apply(row("isnan"), x), apply(row("isnan"), out));
            mask = apply(row("logical_or"), mask, both);
        }
        const Tensor share = apply(row("div"), g, this->sum_kept(to_dtype(mask, g->dtype)));
        return nans ? chosen(mask, share, Scalar(0)) : apply(row("mul"), share, mask);
    }
};
using MaxAll = Shared<Extreme::Largest, true>;
using MinAll = Shared<Extreme::Smallest, true>;
using Amax = Shared<Extreme::Largest, false>;
using Amin = Shared<Extreme::Smallest, false>;

/// Both extremes by one call.
struct Aminmax : Over {
    static constexpr const char* node = "AminmaxBackward0";
    static constexpr const char* const saved_names[] = {"self", "min", "max"};
    static constexpr bool takes_undefined = true;
    void backward(Node& node, Gradients in, Gradients out) const {
        const Tensor x = unpack(node.saved[0], node);
        for (int k = 0; k < 2; ++k) {
            if (!in[k]) continue;
            const Tensor g = kept(in[k], x), best = kept(unpack(node.saved[k + 1], node), x);
            Amax sharing;
            static_cast<Over&>(sharing) = *this;
            const Tensor part = to_dtype(sharing.gradient(wide(g), wide(x), wide(best)), x->dtype);
            out[0] = out[0] ? apply(row("add"), out[0], part) : part;
        }
    }
};

/// The extreme values over `dims` and, if they are asked for, their indices within the reduced dimensions.
Found find(Extreme which, const Tensor& x, const Dims& dims, bool keepdim, bool values, bool indices) {
    const Dims sizes = reduced_sizes(x->sizes, dims, keepdim);
    const DType wide = compute_type(x->dtype);
    Found found;
    if (values) found.values = fresh(sizes, wide, x->device);
    if (indices) found.indices = fresh(sizes, DType::Int64, x->device);
    if (on_cpu(x) && x->numel > 0) {
        const Block block(converted(x, wide), dims);
        extreme(which, wide, data(*block.held), block.outer, block.length, block.columns,
                values ? mutable_data(*found.values) : nullptr,
                indices ? mutable_data<std::int64_t>(*found.indices) : nullptr);
    }
    if (values) found.values = converted(found.values, x->dtype);
    return found;
}

Tensor best_over(Extreme which, const Tensor& x, const Over& over) {
    return find(which, x, over.dims, over.keepdim, true, false).values;
}

void refuse_complex(const char* name, const char* kernel, const Tensor& x) {
    if (!is_complex(x->dtype)) return;
    if (kernel) {
        fail(ErrorKind::NotImplemented, "\"", kernel, "\" not implemented for '", facts(x->dtype).legacy_name,
             "'; complex numbers have no order: take abs() first");
    }
    fail(ErrorKind::Runtime, name, "(): does not support complex input");
}

void refuse_empty_dims(const char* name, const Tensor& x, const Dims& dims) {
    for (std::int64_t d : dims) {
        if (x->dim() == 0 || x->sizes[static_cast<int>(d)] != 0) continue;
        fail(ErrorKind::Index, name, "(): Expected reduction dim ", d, " to have non-zero size.");
    }
}

[[noreturn]] void fail_empty(const char* name) {
    fail(ErrorKind::Runtime, name,
         "(): Expected reduction dim to be specified for input.numel() == 0. Specify the "
         "reduction dim with the 'dim' argument.");
}

template <class P> Tensor extreme_all(const char* name, const char* kernel, const Tensor& x) {
    if (x->numel == 0) fail_empty(name);
    refuse_complex(name, kernel, x);
    P payload;
    static_cast<Over&>(payload) = Over(x, std::nullopt, false);
    return reduction(x, payload);
}

template <class P>
std::pair<Tensor, Tensor> extreme_dim(Extreme which, const char* name, const Tensor& x, std::int64_t given,
                                      bool keepdim) {
    const int dim = wrap_dim(given, x->dim());
    refuse_empty_dims(name, x, {dim});
    refuse_complex(name, nullptr, x);
    const auto same = [&](const Tensor& held, int d) {
        return which == Extreme::Largest ? max(held, d, keepdim) : min(held, d, keepdim);
    };
    const Found found =
        lifted(x) ? found_at_level(x, dim, !keepdim, same) : find(which, x, {dim}, keepdim, true, true);
    record_selected<P>(found, x, given, !keepdim);
    return {found.values, found.indices};
}

template <class P>
Tensor extreme_over(const char* name, const char* kernel, const Tensor& x, const Dims& given, bool keepdim) {
    if (given.empty() && x->numel == 0) fail_empty(name);
    P payload;
    static_cast<Over&>(payload) = Over(x, given, keepdim);
    refuse_empty_dims(name, x, payload.dims);
    refuse_complex(name, kernel, x);
    return reduction(x, payload);
}

Tensor extreme_index(Extreme which, const char* name, const Tensor& x, std::optional<std::int64_t> given,
                     bool keepdim) {
    refuse_complex(name, nullptr, x);
    check(x->dtype != DType::Bool, name, "(): does not support bool input");
    if (!given && x->numel == 0) {
        fail(ErrorKind::Index, name, "(): Expected reduction dim to be specified for input.numel() == 0.");
    }
    const Dims dims = given ? Dims{wrap_dim(*given, x->dim())} : every_dim(x->dim());
    refuse_empty_dims(name, x, dims);
    return find(which, x, dims, keepdim, false, true).indices;
}

/// Whether the smallest, or the largest, of the elements seen as truths is true.
Tensor truth(Extreme which, const Tensor& x, const std::optional<Dims>& given, bool keepdim) {
    const Dims dims = given ? checked_dims(*given, x->dim()) : every_dim(x->dim());
    const Tensor truths = converted(x, DType::Bool);
    const DType result = x->dtype == DType::UInt8 ? DType::UInt8 : DType::Bool;
    bool empty_dim = false;
    for (std::int64_t d : dims) empty_dim |= x->dim() > 0 && x->sizes[static_cast<int>(d)] == 0;
    if (empty_dim) {
        return marked(full(reduced_sizes(x->sizes, dims, keepdim), Scalar(which == Extreme::Smallest), result,
                           x->device));
    }
    return converted(find(which, truths, dims, keepdim, true, false).values, result);
}

}  // namespace

Tensor max(const Tensor& x) { return extreme_all<MaxAll>("max", "max_all", x); }
Tensor min(const Tensor& x) { return extreme_all<MinAll>("min", "min_all", x); }

std::pair<Tensor, Tensor> max(const Tensor& x, std::int64_t dim, bool keepdim) {
    return extreme_dim<MaxDim>(Extreme::Largest, "max", x, dim, keepdim);
}
std::pair<Tensor, Tensor> min(const Tensor& x, std::int64_t dim, bool keepdim) {
    return extreme_dim<MinDim>(Extreme::Smallest, "min", x, dim, keepdim);
}

Tensor amax(const Tensor& x, const Dims& dims, bool keepdim) {
    return extreme_over<Amax>("amax", "max_values_cpu", x, dims, keepdim);
}
Tensor amin(const Tensor& x, const Dims& dims, bool keepdim) {
    return extreme_over<Amin>("amin", "min_values_cpu", x, dims, keepdim);
}

Tensor argmax(const Tensor& x, std::optional<std::int64_t> dim, bool keepdim) {
    return extreme_index(Extreme::Largest, "argmax", x, dim, keepdim);
}
Tensor argmin(const Tensor& x, std::optional<std::int64_t> dim, bool keepdim) {
    return extreme_index(Extreme::Smallest, "argmin", x, dim, keepdim);
}

Tensor all(const Tensor& x, std::optional<Dims> dims, bool keepdim) {
    return truth(Extreme::Smallest, x, dims, keepdim);
}
Tensor any(const Tensor& x, std::optional<Dims> dims, bool keepdim) {
    return truth(Extreme::Largest, x, dims, keepdim);
}

namespace {

std::pair<Tensor, Tensor> aminmax(const Tensor& x, std::optional<std::int64_t> dim, bool keepdim) {
    if (!dim && x->numel == 0) {
        fail(ErrorKind::Runtime,
             "aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity.");
    }
    Aminmax payload;
    static_cast<Over&>(payload) = Over(x, dim ? std::optional(Dims{*dim}) : std::nullopt, keepdim);
    for (std::int64_t d : payload.dims) {
        if (x->sizes[static_cast<int>(d)] != 0) continue;
        fail(ErrorKind::Index, "aminmax: Expected reduction dim ", d, " to have non-zero size.");
    }
    refuse_complex("aminmax", dim ? "aminmax" : "aminmax_allreduce", x);
    const Tensor plain = lifted(x) ? x : untracked(x);
    const Tensor least = amin(plain, payload.dims, keepdim), most = amax(plain, payload.dims, keepdim);
    if (lifted(x) || !is_differentiable(x->dtype) || !needs_record({&x})) return {least, most};
    const Ref<Node> node = make_node(class_of<Aminmax>(), 1, 3, 2, payload);
    node->edges[0] = gradient_edge(x);
    set_history(least, node, 0);
    set_history(most, node, 1);
    save(node->saved[0], x);
    save(node->saved[1], least, 0);
    save(node->saved[2], most, 1);
    return {least, most};
}
Tensor max_all(const Tensor& x) { return max(x); }
Tensor min_all(const Tensor& x) { return min(x); }
std::pair<Tensor, Tensor> max_dim(const Tensor& x, std::int64_t dim, bool keepdim) {
    return max(x, dim, keepdim);
}
std::pair<Tensor, Tensor> min_dim(const Tensor& x, std::int64_t dim, bool keepdim) {
    return min(x, dim, keepdim);
}
Tensor amax_of(const Tensor& x, std::optional<Dims> dim, bool keepdim) {
    return amax(x, dim.value_or(Dims()), keepdim);
}
Tensor amin_of(const Tensor& x, std::optional<Dims> dim, bool keepdim) {
    return amin(x, dim.value_or(Dims()), keepdim);
}

const Offer along(
    Offer::KnowsLevels{},
    {
        named(operation<&aminmax>(
            "aminmax", "input, *, dim=None, keepdim=False",
            "The smallest and the largest element, of all or along dim; NaN if there is one. Derivative: "
            "elements equal to either share its g evenly.",
            Offered::Both, kOutExact)),
        operation<&max_all>(
            "_max_all", "input",
            "The largest element; NaN if there is one. Derivative: elements equal to it share g evenly.",
            Offered::Function),
        operation<&min_all>(
            "_min_all", "input",
            "The smallest element; NaN if there is one. Derivative: elements equal to it share g evenly.",
            Offered::Function),
        operation<&amax_of>(
            "amax", "input, dim=(), keepdim=False",
            "The largest element over dimensions, all of them by default; NaN if there is one. Derivative: "
            "elements equal to it share g evenly."),
        operation<&amin_of>(
            "amin", "input, dim=(), keepdim=False",
            "The smallest element over dimensions, all of them by default; NaN if there is one. Derivative: "
            "elements equal to it share g evenly."),
        named(operation<&max_dim>(
                  "_max_dim", "input, dim, keepdim=False",
                  "The largest element along dim, NaN if there is one, and the first index where it stands. "
                  "Derivative: g goes to that element.",
                  Offered::Function, kOutExact),
              "max"),
        named(operation<&min_dim>(
                  "_min_dim", "input, dim, keepdim=False",
                  "The smallest element along dim, NaN if there is one, and the first index where it stands. "
                  "Derivative: g goes to that element.",
                  Offered::Function, kOutExact),
              "min"),
    });

const Offer offer({
    operation<&argmax>(
        "argmax", "input, dim=None, keepdim=False",
        "The first int64 index of the largest element along dim, or in row-major order; NaN counts as "
        "largest. Not differentiable.",
        Offered::Both, kOutExact),
    operation<&argmin>(
        "argmin", "input, dim=None, keepdim=False",
        "The first int64 index of the smallest element along dim, or in row-major order; NaN counts as "
        "smallest. Not differentiable.",
        Offered::Both, kOutExact),
    operation<&all>(
        "all", "input, dim=None, keepdim=False",
        "Whether all elements are not zero, over all or over given dimensions: bool, or uint8 for uint8. Not "
        "differentiable."),
    operation<&any>(
        "any", "input, dim=None, keepdim=False",
        "Whether any element is not zero, over all or over given dimensions: bool, or uint8 for uint8. Not "
        "differentiable."),
});

}  // namespace
}  // namespace tapeless
