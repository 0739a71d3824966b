// What files that make views share: the tensor over the same storage, and its record.
#pragma once

#include "ops/levels.h"

namespace tapeless {

/// The tensor with another geometry over the same storage; recorded by the caller.
inline Tensor viewed(const Tensor& x, Dims sizes, Dims strides, std::int64_t offset) {
    Tensor out = tensor_of(x->storage, std::move(sizes), std::move(strides), offset, x->dtype);
    set_view(out, x);
    return out;
}

/// Records a view with that payload; one that a level made is marked, because writes through it reach what x holds.
template <class P> Tensor recorded_view(const Tensor& out, const Tensor& x, P payload) {
    if (!needs_record({&x})) return out;
    record(out, {&x}, std::move(payload));
    if (lifted(x)) set_view(out, x, Creation::Level);
    return out;
}

}  // namespace tapeless
