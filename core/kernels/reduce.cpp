// Sums in the dtype of sum_type: what the fused loops and the loops over dimensions share.
#include "kernels/reduce.h"

namespace tapeless {

using namespace fold_detail;

namespace {

template <class T> struct Accumulator {
    using type = std::conditional_t<std::is_integral_v<T>, std::int64_t, T>;
};
template <> struct Accumulator<Half> {
    using type = float;
};
template <> struct Accumulator<BFloat16> {
    using type = float;
};

}  // namespace

DType sum_type(DType dtype) {
    if (is_half(dtype)) return DType::Float32;
    return is_integral(dtype) ? DType::Int64 : dtype;
}

SumLoop sum_loop(DType dtype) {
    return visit(dtype, []<class T>(Type<T>) -> SumLoop {
        return [](void* partial, const void* in, std::int64_t count) {
            using A = typename Accumulator<T>::type;
            const T* values = static_cast<const T*>(in);
            *static_cast<A*>(partial) =
                block_fold<Plus, A>(0, count, [=](std::int64_t at) { return convert<A>(values[at]); });
        };
    });
}

void sum_pairs(DType accumulator, char* partials, std::int64_t count) {
    visit(accumulator, [&]<class A>(Type<A>) {
        if constexpr (std::is_same_v<A, typename Accumulator<A>::type>)
            tree<Plus>(reinterpret_cast<A*>(partials), count);
    });
}

void sum_along(DType dtype, const char* in, const Extents& x, char* out) {
    visit(dtype, [&]<class T>(Type<T>) {
        using A = typename Accumulator<T>::type;
        const T* values = reinterpret_cast<const T*>(in);
        A* sums = reinterpret_cast<A*>(out);
        fold<Plus, A>(
            x, [=](std::int64_t at, std::int64_t) { return convert<A>(values[at]); },
            [=](std::int64_t to, A sum) { sums[to] = sum; });
    });
}

}  // namespace tapeless
