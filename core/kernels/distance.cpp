// Distances of pairs of rows: one loop over pairs, a norm as its template's argument.
#include "kernels/distance.h"

#include <algorithm>
#include <cmath>

#include "runtime/threads.h"

namespace tapeless {
namespace {

// A norm: how a difference adds to the sum, what the sum becomes, and how the distance changes with the difference.

template <class T> struct Count {
    explicit Count(T) {}
    static T add(T sum, T d) { return sum + (d != T(0) ? T(1) : T(0)); }
    static T finish(T sum) { return sum; }
    static T scale(T, T) { return 0; }
    static T slope(T, T scale, T) { return scale; }
};
template <class T> T sign(T d) { return static_cast<T>((d > T(0)) - (d < T(0))); }
template <class T> struct Sum {
    explicit Sum(T) {}
    static T add(T sum, T d) { return sum + std::abs(d); }
    static T finish(T sum) { return sum; }
    static T scale(T g, T) { return g; }
    static T slope(T d, T scale, T) { return sign(d) * scale; }
};
template <class T> struct Euclid {
    explicit Euclid(T) {}
    static T add(T sum, T d) { return sum + d * d; }
    static T finish(T sum) { return std::sqrt(sum); }
    static T scale(T g, T distance) { return distance == T(0) ? T(0) : g / distance; }
    static T slope(T d, T scale, T) { return d * scale; }
};
template <class T> struct Largest {
    explicit Largest(T) {}
    static T add(T sum, T d) { return std::abs(d) > sum || d != d ? std::abs(d) : sum; }
    static T finish(T sum) { return sum; }
    static T scale(T g, T) { return g; }
    static T slope(T d, T scale, T distance) { return std::abs(d) == distance ? sign(d) * scale : T(0); }
};
template <class T> struct Power {
    T p;
    explicit Power(T p_) : p(p_) {}
    T add(T sum, T d) const { return sum + std::pow(std::abs(d), p); }
    T finish(T sum) const { return std::pow(sum, T(1) / p); }
    T scale(T g, T distance) const { return distance == T(0) ? T(0) : g / std::pow(distance, p - T(1)); }
    T slope(T d, T scale, T) const {
        return d == T(0) ? T(0) : sign(d) * std::pow(std::abs(d), p - T(1)) * scale;
    }
};

/// Rows of x that one chunk works on: enough for a thread to be worth its start.
std::int64_t rows_at_once(const RowPairs& pairs) {
    const std::int64_t each = std::max<std::int64_t>(pairs.others * pairs.width, 1);
    return std::max<std::int64_t>(1, (1 << 15) / each);
}

template <class T, class Norm> void all_distances(const RowPairs& pairs, const Norm& norm, T* out) {
    const T *x = static_cast<const T*>(pairs.x), *y = static_cast<const T*>(pairs.y);
    const std::int64_t width = pairs.width;
    parallel_blocks(pairs.batch * pairs.rows, rows_at_once(pairs), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row) {
            const T *a = x + row * width, *first = y + row / pairs.rows * pairs.others * width;
            for (std::int64_t j = 0; j < pairs.others; ++j) {
                const T* b = first + j * width;
                T sum = 0;
                for (std::int64_t k = 0; k < width; ++k) sum = norm.add(sum, a[k] - b[k]);
                out[row * pairs.others + j] = norm.finish(sum);
            }
        }
    });
}

template <class T, class Norm>
void all_gradients(const RowPairs& pairs, const Norm& norm, const T* g, const T* distances, T* out) {
    const T *x = static_cast<const T*>(pairs.x), *y = static_cast<const T*>(pairs.y);
    const std::int64_t width = pairs.width;
    parallel_blocks(pairs.batch * pairs.rows, rows_at_once(pairs), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row) {
            const T *a = x + row * width, *first = y + row / pairs.rows * pairs.others * width;
            T* to = out + row * width;
            std::fill(to, to + width, T(0));
            for (std::int64_t j = 0; j < pairs.others; ++j) {
                const T distance = distances[row * pairs.others + j];
                const T scale = norm.scale(g[row * pairs.others + j], distance);
                const T* b = first + j * width;
                for (std::int64_t k = 0; k < width; ++k) to[k] += norm.slope(a[k] - b[k], scale, distance);
            }
        }
    });
}

template <class T, class F> void with_norm(double p, F&& f) {
    if (p == 0) {
        f(Count<T>(T(0)));
    } else if (p == 1) {
        f(Sum<T>(T(0)));
    } else if (p == 2) {
        f(Euclid<T>(T(0)));
    } else if (std::isinf(p)) {
        f(Largest<T>(T(0)));
    } else {
        f(Power<T>(static_cast<T>(p)));
    }
}

template <class F> void with_type(DType dtype, F&& f) {
    dtype == DType::Float64 ? f(Type<double>()) : f(Type<float>());
}

}  // namespace

void pair_distances(const RowPairs& pairs, double p, void* out) {
    with_type(pairs.dtype, [&]<class T>(Type<T>) {
        with_norm<T>(p, [&](const auto& norm) { all_distances(pairs, norm, static_cast<T*>(out)); });
    });
}

void pair_gradients(const RowPairs& pairs, double p, const void* g, const void* distances, void* out) {
    with_type(pairs.dtype, [&]<class T>(Type<T>) {
        with_norm<T>(p, [&](const auto& norm) {
            all_gradients(pairs, norm, static_cast<const T*>(g), static_cast<const T*>(distances),
                          static_cast<T*>(out));
        });
    });
}

}  // namespace tapeless
