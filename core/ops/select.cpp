// topk, kthvalue, median, nanmedian and mode: elements chosen by their rank or frequency.
#include <limits>

#include "kernels/select.h"
#include "ops/fresh.h"
#include "ops/operation.h"
#include "ops/ordering.h"

namespace tapeless {
namespace {

struct TopK0 : Selected {
    static constexpr const char* node = "TopkBackward0";
};
struct Kthvalue : Selected {
    static constexpr const char* node = "KthvalueBackward0";
};
struct MedianDim : Selected {
    static constexpr const char* node = "MedianBackward1";
};
struct NanmedianDim : Selected {
    static constexpr const char* node = "NanmedianBackward1";
};
struct Mode : Selected {
    static constexpr const char* node = "ModeBackward0";
};

/// The median of all: elements equal to it share the gradient; a NaN is shared by all NaNs.
struct MedianAll {
    static constexpr const char* node = "MedianBackward0";
    static constexpr const char* const saved_names[] = {"self", "result"};
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor x = detach(unpack(node.saved[0], node)), middle = detach(unpack(node.saved[1], node));
        const Tensor equal = apply(row("eq"), x, middle);
        const Tensor nans = apply(row("mul"), apply(row("isnan"), x), apply(row("isnan"), middle));
        const Tensor mask = apply(row("logical_or"), equal, nans);
        const Tensor share = apply(row("div"), in[0], sum(mask, {}, false));
        out[0] = apply(row("mul"), to_dtype(mask, in[0]->dtype), share);
    }
};
struct NanmedianAll : MedianAll {
    static constexpr const char* node = "NanmedianBackward0";
};

Dims without(const Dims& sizes, int dim, bool keepdim) {
    Dims out = sizes;
    if (out.empty()) return out;
    if (keepdim) {
        out[dim] = 1;
    } else {
        out.erase(dim);
    }
    return out;
}

/// Results of one element a line, and the lines; `find(lines, x, values, indices)` fills them.
template <class Find> Found one_of_lines(const Tensor& x, int dim, bool keepdim, Find find) {
    const Dims sizes = without(x->sizes, dim, keepdim);
    const Found found{fresh(sizes, x->dtype, x->device), fresh(sizes, DType::Int64, x->device)};
    if (found.values->numel == 0 || !on_cpu(x)) return found;
    const Lines lines = lines_of(*x, dim, contiguous_strides(without(x->sizes, dim, true)));
    find(lines, data<void>(*x), mutable_data<void>(*found.values),
         mutable_data<std::int64_t>(*found.indices));
    return found;
}

/// The sequence of a selection: where x's level acts, or by `find`; then the node.
template <class P, class Same, class Find>
std::pair<Tensor, Tensor> selected(const Tensor& x, std::int64_t given, bool dropped, Same&& same,
                                   Find&& find) {
    const int dim = wrap_dim(given, x->dim());
    const Found found = lifted(x) ? found_at_level(x, dim, dropped, same) : find(dim);
    record_selected<P>(found, x, given, dropped);
    return {found.values, found.indices};
}

std::pair<Tensor, Tensor> topk(const Tensor& x, std::int64_t k, std::int64_t given, bool largest,
                               bool sorted) {
    const int dim = wrap_dim(given, x->dim());
    const std::int64_t size = x->dim() ? x->sizes[dim] : 1;
    check(k >= 0 && k <= size, "selected index k out of range: topk(k=", k, ") along a dimension of ", size);
    check(x->dtype != DType::Bool, "topk does not support bool dtypes on CPU; convert with .to(torch.uint8)");
    check(!is_complex(x->dtype), " topk does not support complex dtypes on CPU: they have no order");
    const auto same = [&](const Tensor& held, int d) { return topk(held, k, d, largest, sorted); };
    return selected<TopK0>(x, given, false, same, [&](int d) {
        Dims sizes = x->sizes;
        if (!sizes.empty()) sizes[d] = k;
        const Found found{fresh(sizes, x->dtype, x->device), fresh(sizes, DType::Int64, x->device)};
        if (found.values->numel > 0 && on_cpu(x)) {
            top_of_lines(x->dtype, lines_of(*x, d, found.values->strides), data(*x), {k, largest, sorted},
                         mutable_data(*found.values), mutable_data<std::int64_t>(*found.indices));
        }
        return found;
    });
}

std::pair<Tensor, Tensor> kthvalue(const Tensor& x, std::int64_t k, std::int64_t given, bool keepdim) {
    const int dim = wrap_dim(given, x->dim());
    const std::int64_t size = x->dim() ? x->sizes[dim] : 1;
    check_reducible("kthvalue", x, dim);
    check(k >= 1 && k <= size, "kthvalue(): selected number k out of range for dimension ", dim, ": k=", k,
          ", which must be in [1, ", size, "]");
    check_ordered("kthvalue_cpu", x, false);
    const auto same = [&](const Tensor& held, int d) { return kthvalue(held, k, d, keepdim); };
    return selected<Kthvalue>(x, given, !keepdim, same, [&](int d) {
        return one_of_lines(x, d, keepdim,
                            [&](const Lines& lines, const void* from, void* values, auto* indices) {
                                kth_of_lines(x->dtype, lines, from, k, values, indices);
                            });
    });
}

template <class P>
std::pair<Tensor, Tensor> median_along(const char* name, const Tensor& x, std::int64_t given, bool keepdim,
                                       bool ignores_nan) {
    check_reducible(name, x, wrap_dim(given, x->dim()));
    check_ordered("median_out", x, false);
    const auto same = [&](const Tensor& held, int d) {
        return median_along<P>(name, held, d, keepdim, ignores_nan);
    };
    return selected<P>(x, given, !keepdim, same, [&](int d) {
        return one_of_lines(x, d, keepdim,
                            [&](const Lines& lines, const void* from, void* values, auto* indices) {
                                median_of_lines(x->dtype, lines, from, ignores_nan, values, indices);
                            });
    });
}

/// Of no elements: NaN, or the least int64 brought to the dtype.
Scalar median_of_none(DType dtype) {
    return is_floating(dtype) ? Scalar(std::numeric_limits<double>::quiet_NaN())
                              : Scalar(std::numeric_limits<std::int64_t>::min());
}

template <class P> Tensor median_whole(const Tensor& x, bool ignores_nan) {
    check_ordered("median_cpu", x, false);
    Tensor out;
    if (x->numel == 0) {
        out = marked(full({}, median_of_none(x->dtype), x->dtype, x->device));
    } else {
        const DType wide = compute_type(x->dtype);
        const Tensor elements = own_copy(converted(x, wide));
        out = fresh({}, wide, x->device);
        if (on_cpu(x)) median_of(wide, mutable_data(*elements), x->numel, ignores_nan, mutable_data(*out));
        out = converted(out, x->dtype);
    }
    if (!is_differentiable(x->dtype) || !needs_record({&x})) return out;
    const Ref<Node> node = record(out, {&x}, P{}, 2);
    save(node->saved[0], x);
    save(node->saved[1], out, 0);
    return out;
}

std::pair<Tensor, Tensor> mode_of(const Tensor& x, std::int64_t given, bool keepdim) {
    check_reducible("mode", x, wrap_dim(given, x->dim()));
    check_ordered("mode_cpu", x, true);
    const auto same = [&](const Tensor& held, int d) { return mode_of(held, d, keepdim); };
    return selected<Mode>(x, given, !keepdim, same, [&](int d) {
        return one_of_lines(x, d, keepdim,
                            [&](const Lines& lines, const void* from, void* values, auto* indices) {
                                mode_of_lines(x->dtype, lines, from, values, indices);
                            });
    });
}

std::pair<Tensor, Tensor> median_dim(const Tensor& x, std::int64_t dim, bool keepdim) {
    return median_along<MedianDim>("median", x, dim, keepdim, false);
}
std::pair<Tensor, Tensor> nanmedian_dim(const Tensor& x, std::int64_t dim, bool keepdim) {
    return median_along<NanmedianDim>("nanmedian", x, dim, keepdim, true);
}
Tensor median_all(const Tensor& x) { return median_whole<MedianAll>(x, false); }
Tensor nanmedian_all(const Tensor& x) { return median_whole<NanmedianAll>(x, true); }

const Offer along(
    Offer::KnowsLevels{},
    {
        named(operation<&topk>("topk", "input, k, dim=-1, largest=True, sorted=True",
                               "The k largest or smallest elements along dim, in order if `sorted`, and "
                               "their int64 indices; NaN "
                               "counts as the largest. Derivative: g goes back to where each element stood.",
                               Offered::Both, kOutExact)),
        named(operation<&kthvalue>(
            "kthvalue", "input, k, dim=-1, keepdim=False",
            "The k-th smallest element along dim, k from 1, and an int64 index where it stands; NaN counts "
            "as "
            "the largest. Selection: Hoare, Find, 1961. Derivative: g goes to that element.",
            Offered::Both, kOutExact | kOutApart)),
        named(operation<&mode_of>("mode", "input, dim=-1, keepdim=False",
                                  "The most frequent element along dim, the smallest of several, and an "
                                  "int64 index where it stands; a "
                                  "NaN equals none. Derivative: g goes to that element.",
                                  Offered::Both, kOutExact)),
        named(operation<&median_dim>(
                  "_median_dim", "input, dim, keepdim=False",
                  "The lower median along dim, NaN if there is one, and an int64 index where it stands. "
                  "Derivative: g goes to that element.",
                  Offered::Function, kOutExact),
              "median"),
        named(operation<&nanmedian_dim>("_nanmedian_dim", "input, dim, keepdim=False",
                                        "The lower median of the elements along dim that are not NaN, and an "
                                        "int64 index where it stands. "
                                        "Derivative: g goes to that element.",
                                        Offered::Function, kOutExact),
              "nanmedian"),
    });

const Offer whole({
    operation<&median_all>(
        "_median_all", "input",
        "The lower median of all elements, NaN if there is one. Derivative: elements equal to it "
        "share g evenly.",
        Offered::Function, kOutExact),
    operation<&nanmedian_all>(
        "_nanmedian_all", "input",
        "The lower median of all elements that are not NaN. Derivative: elements equal to it "
        "share g evenly.",
        Offered::Function, kOutExact),
});

}  // namespace
}  // namespace tapeless
