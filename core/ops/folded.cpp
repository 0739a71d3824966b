// Products, sums that leave NaN out, and counts, over all elements or over dimensions.
#include "kernels/statistics.h"
#include "ops/extremes.h"
#include "ops/operation.h"
#include "ops/reduced.h"
#include "ops/running.h"

namespace tapeless {
namespace {

/// The product of all other elements, right where some are 0: what comes before times what comes after.
struct Product : Reduction<Product> {
    static constexpr const char* node = "ProdBackward0";

    Tensor values(const Tensor& x) const {
        const Tensor out = fresh(sizes_of(x), is_integral(x->dtype) ? DType::Int64 : x->dtype, x->device);
        if (!on_cpu(x) || out->numel == 0) return out;
        const Block block(x, dims);
        product_along(x->dtype, data(*block.held), block, mutable_data(*out));
        return out;
    }
    Tensor gradient(const Tensor& g, const Tensor& x, const Tensor& out) const {
        if (dims.empty()) return g;
        if (x->numel == 0) return expand(g, x->sizes);
        const bool plain = !grad_enabled() && !modes.has(kLevels) && on_cpu(x);
        if (plain && item(*all(x, std::nullopt, false)).to<bool>()) {
            return apply(row("mul"), g, conjugate(apply(row("div"), out, x)));
        }
        const int first = static_cast<int>(*std::min_element(dims.begin(), dims.end()));
        Dims flat(x->sizes.data(), first);
        flat.push_back(count(x));
        for (int d = first + dims.size(); d < x->dim(); ++d) flat.push_back(x->sizes[d]);
        const Tensor line = reshape(x, flat);
        const Tensor others = apply(row("mul"), products_before(line, first), products_after(line, first));
        return apply(row("mul"), g, conjugate(reshape(others, x->sizes)));
    }
};
struct ProductDim : Product {
    static constexpr const char* node = "ProdBackward1";
};

struct NanSum : Reduction<NanSum> {
    static constexpr const char* node = "NansumBackward0";
    static constexpr const char* const saved_names[] = {"self"};
    static constexpr bool saves_result = false;

    Tensor values(const Tensor& x) const {
        const Tensor out = fresh(sizes_of(x), x->dtype, x->device);
        if (!on_cpu(x) || out->numel == 0) return out;
        const Block block(x, dims);
        nan_sum_along(x->dtype, data(*block.held), block, mutable_data(*out));
        return out;
    }
    Tensor gradient(const Tensor& g, const Tensor& x, const Tensor&) const {
        return chosen(apply(row("isnan"), x), Scalar(0), g);
    }
};

Tensor in_dtype(const Tensor& x, const std::optional<DType>& dtype) {
    return dtype && *dtype != x->dtype ? to_dtype(x, *dtype) : x;
}

Tensor prod(const Tensor& given, std::optional<std::int64_t> dim, bool keepdim, std::optional<DType> dtype) {
    const Tensor x = in_dtype(given, dtype);
    Tensor out;
    if (dim) {
        ProductDim payload;
        static_cast<Over&>(payload) = Over(x, Dims{*dim}, keepdim);
        out = reduction(x, payload);
    } else {
        out = reduction(x, Product{{Over(x, std::nullopt, keepdim)}});
    }
    return dtype ? to_dtype(out, *dtype) : out;
}

Tensor nansum(const Tensor& given, std::optional<Dims> dim, bool keepdim, std::optional<DType> dtype) {
    check(!is_complex(given->dtype),
          "nansum does not support complex inputs; take sum() where there is no NaN");
    const Tensor x = in_dtype(given, dtype);
    if (is_integral(x->dtype)) return sum(x, dim.value_or(Dims()), keepdim, dtype ? &*dtype : nullptr);
    return reduction(x, NanSum{{Over(x, dim, keepdim)}});
}

Tensor count_nonzero(const Tensor& x, std::optional<Dims> dim) {
    const Over over(x, dim, false);
    if (lifted(x)) {
        const Level& level = *level_of(*x);
        if (level.kind == Level::Kind::Dual) return count_nonzero(level.value, dim);
        const Dims dims = behind_examples(over.dims, x->dim());
        if (!dims.empty()) return batched(level.depth, count_nonzero(level.value, dims));
        return batched(level.depth, to_dtype(apply(row("ne"), level.value, Scalar(0)), DType::Int64));
    }
    const ModeGuard quiet(kNoGrad, true);
    const Tensor out = fresh(over.sizes_of(x), DType::Int64, x->device);
    if (!on_cpu(x) || out->numel == 0) return out;
    const Block block(x, over.dims);
    count_nonzero_along(x->dtype, data(*block.held), block, mutable_data<std::int64_t>(*out));
    return out;
}

const Offer offer(
    Offer::KnowsLevels{},
    {
        autocast(Autocast::Float32,
                 operation<&prod>("prod", "input, dim=None, keepdim=False, *, dtype=None",
                                  "The product of all elements or along dim; integers multiply in int64. "
                                  "Derivative: g times the "
                                  "product of all other elements, right where some are 0.")),
        operation<&nansum>(
            "nansum", "input, dim=None, keepdim=False, *, dtype=None",
            "The sum over all elements or over dimensions, with NaN taken for 0. Derivative: g, and 0 where "
            "the element is NaN."),
        operation<&count_nonzero>(
            "count_nonzero", "input, dim=None",
            "How many elements are not 0, over all or over dimensions, as int64. No derivative."),
    });

}  // namespace
}  // namespace tapeless
