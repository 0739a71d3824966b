// sort, argsort and msort: always stable, so that the indices of equal elements are the same everywhere.
#include "kernels/sort.h"

#include "ops/fresh.h"
#include "ops/operation.h"
#include "ops/ordering.h"

namespace tapeless {
namespace {

struct Sorted : Selected {
    static constexpr const char* node = "SortBackward0";
};
struct SortedStable : Selected {
    static constexpr const char* node = "SortBackward1";
};

/// An uninitialised result with these strides.
Tensor strided(const Tensor& x, DType dtype, const Dims& strides) {
    return marked(empty(x->sizes, dtype, x->device, &strides));
}

Found sorted_into(const Tensor& x, int dim, bool descending, bool values) {
    const Dims strides = kept_strides(x);
    Found found{values ? strided(x, x->dtype, strides) : Tensor(), strided(x, DType::Int64, strides)};
    if (x->numel > 0 && on_cpu(x)) {
        sort_lines(x->dtype, lines_of(*x, dim, strides), data(*x), descending,
                   values ? mutable_data(*found.values) : nullptr,
                   mutable_data<std::int64_t>(*found.indices));
    }
    return found;
}

void check_sortable(const Tensor& x) {
    check(!is_complex(x->dtype),
          " Sort does not support complex dtypes on CPU: they have no order; sort abs() or the parts");
}

template <class P> Found recorded_sort(const Tensor& x, std::int64_t given, bool descending) {
    check_sortable(x);
    const int dim = wrap_dim(given, x->dim());
    const auto same = [&](const Tensor& held, int d) { return recorded_sort<P>(held, d, descending); };
    const Found found =
        lifted(x) ? found_at_level(x, dim, false, same) : sorted_into(x, dim, descending, true);
    record_selected<P>(found, x, given, false);
    return found;
}

std::pair<Tensor, Tensor> sort_of(const Tensor& x, std::int64_t dim, bool descending,
                                  std::optional<bool> stable) {
    const Found found =
        stable ? recorded_sort<SortedStable>(x, dim, descending) : recorded_sort<Sorted>(x, dim, descending);
    return {found.values, found.indices};
}

Tensor argsort_of(const Tensor& x, std::int64_t dim, bool descending, bool) {
    check_sortable(x);
    const int d = wrap_dim(dim, x->dim());
    if (lifted(x)) return recorded_sort<Sorted>(x, d, descending).indices;
    return sorted_into(x, d, descending, false).indices;
}

Tensor msort_of(const Tensor& x) { return recorded_sort<Sorted>(x, 0, false).values; }

const Offer offer(
    Offer::KnowsLevels{},
    {
        named(operation<&sort_of>(
            "sort", "input, dim=-1, descending=False, *, stable=None",
            "The elements along dim in rising or falling order, NaN as the largest, and the int64 indices "
            "where "
            "they stood. Equal elements keep their order, whether `stable` asks for it or not. Derivative: g "
            "goes back to where each element stood.",
            Offered::Both, kOutExact)),
        operation<&argsort_of>(
            "argsort", "input, dim=-1, descending=False, *, stable=False",
            "The int64 indices that sort the input along dim; those of equal elements rise. No derivative.",
            Offered::Both, kOutExact),
        operation<&msort_of>("msort", "input",
                             "The input sorted along its first dimension. Derivative: g goes back to where "
                             "each element stood.",
                             Offered::Both, kOutExact),
    });

}  // namespace

Found sorted_along(const Tensor& x, int dim, bool descending) {
    return sorted_into(x, dim, descending, true);
}

void check_ordered(const char* kernel, const Tensor& x, bool with_bool) {
    if (!is_complex(x->dtype) && (with_bool || x->dtype != DType::Bool)) return;
    fail(ErrorKind::NotImplemented, "\"", kernel, "\" not implemented for '", facts(x->dtype).legacy_name,
         "': it needs a real dtype", with_bool ? "" : " other than bool", "; convert first");
}

void check_reducible(const char* name, const Tensor& x, int dim) {
    if (x->dim() == 0 || x->sizes[dim] != 0) return;
    fail(ErrorKind::Index, name, "(): Expected reduction dim ", dim, " to have non-zero size.");
}

}  // namespace tapeless
