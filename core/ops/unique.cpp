// Distinct elements, or distinct slices, of a tensor: all of them in order, or one of each run of neighbours.
#include <algorithm>
#include <numeric>

#include "ops/fresh.h"
#include "ops/operation.h"
#include "ops/ordering.h"
#include "ops/underived.h"

namespace tapeless {
namespace {

struct Unique2 : NamedUnderived<Unique2> {
    static constexpr const char *node = "Unique2Backward0", *operation = "_unique2";
};
struct UniqueDim : NamedUnderived<UniqueDim> {
    static constexpr const char *node = "UniqueDimBackward0", *operation = "unique_dim";
};
struct UniqueConsecutive : NamedUnderived<UniqueConsecutive> {
    static constexpr const char *node = "UniqueConsecutiveBackward0", *operation = "unique_consecutive";
};

/// What is asked for besides the distinct values.
struct Wanted {
    bool inverse, counts;
};

/// Which of `count` elements, visited in an order, begin a new group; and from that all that is asked for.
struct Groups {
    std::vector<std::int64_t> firsts;  ///< the element that stands for each group
    Tensor inverse, counts;

    /// `order[i]`: the element visited as the i-th; `same(x, y)`: whether two elements belong together.
    template <class Same>
    Groups(std::int64_t count, const std::int64_t* order, Dims inverse_sizes, Wanted wanted, Device device,
           Same same) {
        inverse = fresh(wanted.inverse ? inverse_sizes : Dims{0}, DType::Int64, device);
        std::int64_t* group_of = wanted.inverse ? mutable_data<std::int64_t>(*inverse) : nullptr;
        std::vector<std::int64_t> starts;
        for (std::int64_t i = 0; i < count; ++i) {
            if (i == 0 || !same(order[i - 1], order[i])) {
                firsts.push_back(order[i]);
                starts.push_back(i);
            }
            if (group_of) group_of[order[i]] = static_cast<std::int64_t>(firsts.size()) - 1;
        }
        counts = fresh({wanted.counts ? size() : 0}, DType::Int64, device);
        std::int64_t* to = wanted.counts ? mutable_data<std::int64_t>(*counts) : nullptr;
        starts.push_back(count);
        for (std::size_t g = 0; to && g < firsts.size(); ++g) to[g] = starts[g + 1] - starts[g];
    }
    std::int64_t size() const { return static_cast<std::int64_t>(firsts.size()); }
};

using Results = std::vector<Tensor>;

/// `x`, one-dimensional and row-major, and the order in which it is visited.
Results distinct_elements(const Tensor& x, const std::int64_t* order, const Dims& inverse_sizes,
                          Wanted wanted) {
    return visit(x->dtype, [&]<class T>(Type<T>) -> Results {
        const T* from = data<T>(*x);
        const Groups groups(x->numel, order, inverse_sizes, wanted, x->device,
                            [&](std::int64_t i, std::int64_t j) {
                                if constexpr (sizeof(T) == 2 && !std::is_integral_v<T>) {
                                    return static_cast<float>(from[i]) == static_cast<float>(from[j]);
                                } else {
                                    return from[i] == from[j];
                                }
                            });
        const Tensor values = fresh({groups.size()}, x->dtype, x->device);
        T* to = mutable_data<T>(*values);
        for (std::int64_t first : groups.firsts) *to++ = from[first];
        return {values, groups.inverse, groups.counts};
    });
}

template <class P> Results recorded(Results results, const Tensor& x) {
    if (is_differentiable(x->dtype) && needs_record({&x})) record(results[0], {&x}, P{});
    return results;
}

Results unique_elements(const Tensor& x, bool, bool return_inverse, bool return_counts) {
    check_ordered("unique", x, true);
    Tensor flat = row_major(x);
    flat = tensor_of(flat->storage, {x->numel}, {1}, flat->offset, x->dtype);
    const Found found = sorted_along(flat, 0, false);
    return recorded<Unique2>(distinct_elements(flat, data<std::int64_t>(*found.indices), x->sizes,
                                               {return_inverse, return_counts}),
                             x);
}

std::vector<std::int64_t> rising(std::int64_t count) {
    std::vector<std::int64_t> order(static_cast<std::size_t>(count));
    std::iota(order.begin(), order.end(), 0);
    return order;
}

/// x with its slices along dim as the rows of a matrix.
Tensor rows_along(const Tensor& x, int dim) {
    Dims order{dim};
    for (int d = 0; d < x->dim(); ++d) {
        if (d != dim) order.push_back(d);
    }
    const ModeGuard quiet(kNoGrad, true);
    return row_major(permute(x, order));
}

/// Distinct slices of `rows`, which is as rows_along gives it; in order if `sorts`.
template <class T>
Results distinct_rows(const Tensor& x, const Tensor& rows, int dim, bool sorts, Wanted wanted) {
    using W = std::conditional_t<sizeof(T) == 2 && !std::is_integral_v<T>, float, T>;
    const std::int64_t count = rows->sizes[0], length = rows->numel / std::max<std::int64_t>(count, 1);
    const T* from = data<T>(*rows);
    const auto at = [&](std::int64_t i, std::int64_t k) { return convert<W>(from[i * length + k]); };
    std::vector<std::int64_t> order = rising(count);
    const auto before = [&](std::int64_t i, std::int64_t j) {
        for (std::int64_t k = 0; k < length; ++k) {
            if (at(i, k) < at(j, k)) return true;
            if (at(i, k) > at(j, k)) return false;
        }
        return false;
    };
    if (sorts) std::stable_sort(order.begin(), order.end(), before);
    const Groups groups(count, order.data(), {count}, wanted, x->device, [&](std::int64_t i, std::int64_t j) {
        for (std::int64_t k = 0; k < length; ++k) {
            if (!(at(i, k) == at(j, k))) return false;
        }
        return true;
    });
    Dims moved = rows->sizes;
    moved[0] = groups.size();
    // Slices lie one after another, whichever dimension counts them.
    Dims sizes = x->sizes, strides = contiguous_strides(moved);
    sizes[dim] = groups.size();
    std::rotate(strides.begin(), strides.begin() + 1, strides.begin() + dim + 1);
    if (count == 0) strides = contiguous_strides(sizes);
    const Tensor values = marked(empty(sizes, x->dtype, x->device, &strides));
    T* to = mutable_data<T>(*values);
    for (std::int64_t first : groups.firsts) to = std::copy_n(from + first * length, length, to);
    return {values, groups.inverse, groups.counts};
}

Results slices(const char* kernel, const Tensor& x, std::int64_t given, bool sorts, Wanted wanted) {
    if (x->dim() == 0) {
        fail(ErrorKind::Index, "Dimension specified as ", given,
             " but tensor has no dimensions: leave dim out, or give a vector");
    }
    check_ordered(kernel, x, true);
    const int dim = wrap_dim(given, x->dim());
    for (int d = 0; d < x->dim(); ++d) {
        check(d == dim || x->sizes[d] != 0,
              "There are 0 sized dimensions, and they aren't selected, so unique cannot be applied");
    }
    const Tensor rows = rows_along(x, dim);
    return visit(x->dtype, [&]<class T>(Type<T>) -> Results {
        if constexpr (is_complex_type<T>) {
            return {};
        } else {
            return distinct_rows<T>(x, rows, dim, sorts, wanted);
        }
    });
}

Results unique_dim(const Tensor& x, std::int64_t dim, bool, bool return_inverse, bool return_counts) {
    return recorded<UniqueDim>(slices("unique_dim", x, dim, true, {return_inverse, return_counts}), x);
}

Results unique_consecutive(const Tensor& x, bool return_inverse, bool return_counts,
                           std::optional<std::int64_t> dim) {
    const Wanted wanted{return_inverse, return_counts};
    if (dim) return recorded<UniqueConsecutive>(slices("unique", x, *dim, false, wanted), x);
    check_ordered("unique", x, true);
    Tensor flat = row_major(x);
    flat = tensor_of(flat->storage, {x->numel}, {1}, flat->offset, x->dtype);
    return recorded<UniqueConsecutive>(distinct_elements(flat, rising(x->numel).data(), x->sizes, wanted), x);
}

const Offer offer({
    operation<&unique_elements>(
        "_unique2", "input, sorted=True, return_inverse=False, return_counts=False",
        "The distinct elements in rising order, each element's place among them, how often each occurs; the "
        "last two empty unless asked for. No derivative.",
        Offered::Function),
    operation<&unique_dim>(
        "_unique_dim", "input, dim, sorted=True, return_inverse=False, return_counts=False",
        "The distinct slices along dim in lexicographic order, each slice's place, how often each occurs. No "
        "derivative.",
        Offered::Function),
    operation<&unique_consecutive>(
        "_unique_consecutive", "input, return_inverse=False, return_counts=False, dim=None",
        "One element, or slice along dim, of each run of equal ones, each one's run, the runs' lengths. No "
        "derivative.",
        Offered::Function),
});

}  // namespace
}  // namespace tapeless
