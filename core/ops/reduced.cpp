// Dimensions, sizes and blocks of reductions.
#include "ops/reduced.h"

#include <algorithm>
#include <numeric>

namespace tapeless {

Dims checked_dims(const Dims& given, int rank) {
    Dims dims;
    for (std::int64_t one : given) {
        const std::int64_t d = wrap_dim(one, rank);
        check(!holds(dims, d), "dim ", d, " appears multiple times in the list of dims");
        dims.push_back(d);
    }
    return dims;
}

Dims every_dim(int rank) {
    Dims dims;
    for (int d = 0; d < rank; ++d) dims.push_back(d);
    return dims;
}

bool holds(const Dims& dims, std::int64_t d) { return std::find(dims.begin(), dims.end(), d) != dims.end(); }

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

Tensor with_kept_dims(const Tensor& reduced, const Dims& sizes, const Dims& dims, bool keepdim) {
    if (keepdim || dims.empty()) return reduced;
    return reshape(reduced, reduced_sizes(sizes, dims, true));
}

Tensor positions(const Dims& sizes, std::int64_t dim) {
    Dims along(sizes.size());
    for (std::int64_t& size : along) size = 1;
    if (!sizes.empty()) along[static_cast<int>(dim)] = sizes[static_cast<int>(dim)];
    const Tensor out = empty(along, DType::Int64);
    std::int64_t* first = mutable_data<std::int64_t>(*out);
    std::iota(first, first + out->numel, 0);
    return out;
}

Block::Block(const Tensor& x, const Dims& dims) : held(x) {
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
    for (int d = 0; d < x->dim(); ++d) (d < first ? outer : d <= last ? length : columns) *= held->sizes[d];
    held = row_major(held);
}

Over::Over(const Tensor& x, const std::optional<Dims>& given, bool keep)
    : dims(given && !given->empty() ? checked_dims(*given, x->dim()) : every_dim(x->dim())),
      keepdim(keep),
      whole(!given) {
    if (x->dim() == 0) dims = {};
}

void Over::behind_examples(int rank) {
    dims = tapeless::behind_examples(dims, rank);
    whole = false;
}

std::int64_t Over::count(const Tensor& x) const {
    std::int64_t count = 1;
    for (std::int64_t d : dims) count *= x->sizes[static_cast<int>(d)];
    return count;
}

}  // namespace tapeless
