// Vector products in three dimensions: each component is a difference of two products.
#include "kernels/cross.h"

#include <algorithm>

#include "runtime/threads.h"

namespace tapeless {
namespace {

/// Half types are computed in float32 and rounded once; integers wrap around.
template <class T> struct Wide {
    using type = T;
};
template <> struct Wide<Half> {
    using type = float;
};
template <> struct Wide<BFloat16> {
    using type = float;
};

template <class T> T component(T p, T q, T r, T s) {
    using W = typename Wide<T>::type;
    if constexpr (std::is_integral_v<T>) {
        using U = std::uint64_t;
        return static_cast<T>(static_cast<U>(p) * static_cast<U>(q) - static_cast<U>(r) * static_cast<U>(s));
    } else {
        return convert<T>(convert<W>(p) * convert<W>(q) - convert<W>(r) * convert<W>(s));
    }
}

}  // namespace

void cross(DType dtype, std::int64_t outer, std::int64_t inner, const char* a, const char* b, char* out) {
    visit(dtype, [&]<class T>(Type<T>) {
        if constexpr (!std::is_same_v<T, bool>) {
            auto work = [&](std::int64_t first, std::int64_t last) {
                for (std::int64_t o = first; o < last; ++o) {
                    const T *x = reinterpret_cast<const T*>(a) + o * 3 * inner, *y = x + inner,
                            *z = y + inner;
                    const T *u = reinterpret_cast<const T*>(b) + o * 3 * inner, *v = u + inner,
                            *w = v + inner;
                    T *p = reinterpret_cast<T*>(out) + o * 3 * inner, *q = p + inner, *r = q + inner;
                    for (std::int64_t i = 0; i < inner; ++i) {
                        p[i] = component(y[i], w[i], z[i], v[i]);
                        q[i] = component(z[i], u[i], x[i], w[i]);
                        r[i] = component(x[i], v[i], y[i], u[i]);
                    }
                }
            };
            constexpr std::int64_t kWorth =
                1 << 14;  // Elements below which a second thread costs more than it brings.
            if (outer * inner < kWorth) return work(0, outer);
            parallel_blocks(outer, std::max<std::int64_t>(1, kWorth / 4 / std::max<std::int64_t>(inner, 1)),
                            work);
        }
    });
}

}  // namespace tapeless
