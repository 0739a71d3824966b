// Largest and smallest values along dimensions, with or without their indices.
#include <algorithm>

#include "kernels/extreme.h"
#include "ops/extremes.h"
#include "ops/fresh.h"
#include "ops/operation.h"
#include "ops/selecting.h"

namespace tapeless {
namespace {

struct MaxDim : Selected {
    static constexpr const char* node = "MaxBackward0";
};
struct MinDim : Selected {
    static constexpr const char* node = "MinBackward0";
};

/// The largest of all: whatever equals it shares the gradient; a NaN is shared by all NaNs.
struct ExtremeAll {
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor x = row_major(detach(unpack(node.saved[0], node))),
                     best = detach(unpack(node.saved[1], node));
        const bool nan = on_cpu(best) && item(*apply(row("isnan"), best)).to<bool>();
        const Tensor mask = nan ? apply(row("isnan"), x) : apply(row("eq"), x, best);
        out[0] = apply(row("where"), mask, apply(row("div"), in[0], sum(mask, {}, false)), Scalar(0));
    }
};
struct MaxAll : ExtremeAll {
    static constexpr const char* node = "MaxBackward1";
};
struct MinAll : ExtremeAll {
    static constexpr const char* node = "MinBackward1";
};

/// The largest over dimensions: whatever equals it shares the gradient.
struct ExtremeOver {
    Dims dims, kept;  ///< kept: the result's sizes with the reduced dimensions as 1
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor x = detach(unpack(node.saved[0], node)), best = detach(unpack(node.saved[1], node));
        const Tensor g = in[0]->sizes == kept ? in[0] : reshape(in[0], kept);
        const Tensor mask = apply(row("eq"), x, best->sizes == kept ? best : reshape(best, kept));
        out[0] = apply(row("mul"), apply(row("div"), g, sum(mask, dims, true)), mask);
    }
};
struct Amax : ExtremeOver {
    static constexpr const char* node = "AmaxBackward0";
};
struct Amin : ExtremeOver {
    static constexpr const char* node = "AminBackward0";
};

Dims checked_dims(const Dims& given, int rank) {
    Dims dims;
    for (std::int64_t one : given) {
        const std::int64_t d = wrap_dim(one, rank);
        check(std::find(dims.begin(), dims.end(), d) == dims.end(), "dim ", d,
              " appears multiple times in the list of dims");
        dims.push_back(d);
    }
    return dims;
}

bool holds(const Dims& dims, std::int64_t d) { return std::find(dims.begin(), dims.end(), d) != dims.end(); }

Dims every_dim(int rank) {
    Dims dims;
    for (int d = 0; d < rank; ++d) dims.push_back(d);
    return dims;
}

Dims reduced_sizes(const Dims& sizes, const Dims& dims, bool keepdim) {
    Dims out;
    for (int d = 0; d < sizes.size(); ++d) {
        if (!holds(dims, d)) {
            out.push_back(sizes[d]);
        } else if (keepdim) {
            out.push_back(1);
        }
    }
    return out;
}

/// x as [outer][length][columns] with the reduced dimensions in the middle; they are moved together if they are apart.
struct Block {
    Tensor held;
    std::int64_t outer = 1, length = 1, columns = 1;

    Block(const Tensor& x, const Dims& dims) : held(x) {
        if (dims.empty() || x->dim() == 0) {
            outer = x->numel;
            held = row_major(held);
            return;
        }
        int first = static_cast<int>(*std::min_element(dims.begin(), dims.end()));
        int last = static_cast<int>(*std::max_element(dims.begin(), dims.end()));
        if (last - first + 1 != dims.size()) {
            Dims order, inner;
            for (int d = 0; d < x->dim(); ++d) (holds(dims, d) ? inner : order).push_back(d);
            first = order.size();
            last = x->dim() - 1;
            for (std::int64_t d : inner) order.push_back(d);
            const ModeGuard quiet(kNoGrad, true);
            held = permute(held, order);
        }
        for (int d = 0; d < x->dim(); ++d)
            (d < first ? outer : d <= last ? length : columns) *= held->sizes[d];
        held = row_major(held);
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

template <class P> Tensor extreme_all(Extreme which, const char* name, const char* kernel, const Tensor& x) {
    if (x->numel == 0) fail_empty(name);
    refuse_complex(name, kernel, x);
    const Tensor out = find(which, x, every_dim(x->dim()), false, true, false).values;
    if (!is_differentiable(x->dtype) || !needs_record({&x})) return out;
    const Ref<Node> node = record(out, {&x}, P{}, 2);
    save(node->saved[0], x);
    save(node->saved[1], out, 0);
    return out;
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
Tensor extreme_over(Extreme which, const char* name, const char* kernel, const Tensor& x, const Dims& given,
                    bool keepdim) {
    if (given.empty() && x->numel == 0) fail_empty(name);
    const Dims dims = given.empty() ? every_dim(x->dim()) : checked_dims(given, x->dim());
    refuse_empty_dims(name, x, dims);
    refuse_complex(name, kernel, x);
    const Tensor out = find(which, x, dims, keepdim, true, false).values;
    if (!is_differentiable(x->dtype) || !needs_record({&x})) return out;
    const Dims own = x->dim() ? dims : Dims();
    const Ref<Node> node = record(out, {&x}, P{{own, reduced_sizes(x->sizes, own, true)}}, 2);
    save(node->saved[0], x);
    save(node->saved[1], out, 0);
    return out;
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

Tensor max(const Tensor& x) { return extreme_all<MaxAll>(Extreme::Largest, "max", "max_all", x); }
Tensor min(const Tensor& x) { return extreme_all<MinAll>(Extreme::Smallest, "min", "min_all", x); }

std::pair<Tensor, Tensor> max(const Tensor& x, std::int64_t dim, bool keepdim) {
    return extreme_dim<MaxDim>(Extreme::Largest, "max", x, dim, keepdim);
}
std::pair<Tensor, Tensor> min(const Tensor& x, std::int64_t dim, bool keepdim) {
    return extreme_dim<MinDim>(Extreme::Smallest, "min", x, dim, keepdim);
}

Tensor amax(const Tensor& x, const Dims& dims, bool keepdim) {
    return extreme_over<Amax>(Extreme::Largest, "amax", "max_values_cpu", x, dims, keepdim);
}
Tensor amin(const Tensor& x, const Dims& dims, bool keepdim) {
    return extreme_over<Amin>(Extreme::Smallest, "amin", "min_values_cpu", x, dims, keepdim);
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
        operation<&max_dim>(
            "_max_dim", "input, dim, keepdim=False",
            "The largest element along dim, NaN if there is one, and the first index where it stands. "
            "Derivative: g goes to that element.",
            Offered::Function),
        operation<&min_dim>(
            "_min_dim", "input, dim, keepdim=False",
            "The smallest element along dim, NaN if there is one, and the first index where it stands. "
            "Derivative: g goes to that element.",
            Offered::Function),
    });

const Offer offer({
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
