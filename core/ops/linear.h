// Linear maps of one tensor as nodes: how one is computed, recorded, and done for all examples of a batch.
#pragma once

#include "ops/fresh.h"
#include "ops/levels.h"

namespace tapeless {

/// Applies `map`, which is the node's payload as well: `values(x)` computes its result, `whole(all)` applies it to all
/// examples along dimension 0, and its backward is the transposed map.
template <class P> Tensor linear(const Tensor& x, const P& map) {
    const Tensor out = lifted(x) ? linear_at_level(
                                       x, [&](const Tensor& held) { return linear(held, map); },
                                       [&](const Tensor& all) { return map.whole(all); })
                                 : marked(map.values(x));
    if (is_differentiable(out->dtype) && needs_record({&x})) record(out, {&x}, map);
    return out;
}

/// x's elements in a geometry of any strides, negative ones included: an operand to be read, never a result.
inline Tensor read_as(const Tensor& x, Dims sizes, Dims strides, std::int64_t offset) {
    return tensor_of(x->storage, std::move(sizes), std::move(strides), offset, x->dtype);
}

}  // namespace tapeless
