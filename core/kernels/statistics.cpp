// Products, variances, sums of powers and counts: folds whose terms and ends differ.
#include "kernels/statistics.h"

#include <cmath>

namespace tapeless {

using namespace fold_detail;

namespace {

template <class T> struct RealOf {
    using type = T;
};
template <class T> struct RealOf<Complex<T>> {
    using type = T;
};

template <class T> constexpr bool is_inexact = !std::is_integral_v<T>;

/// |x|² in double.
template <class T> double square(T x) {
    if constexpr (is_complex_type<T>) {
        return static_cast<double>(x.re) * static_cast<double>(x.re) +
               static_cast<double>(x.im) * static_cast<double>(x.im);
    } else {
        const double value = convert<double>(x);
        return value * value;
    }
}

template <class T> double magnitude(T x) {
    if constexpr (is_complex_type<T>) {
        return std::hypot(static_cast<double>(x.re), static_cast<double>(x.im));
    } else {
        return std::fabs(convert<double>(x));
    }
}

}  // namespace

void product_along(DType dtype, const char* in, const Extents& x, char* out) {
    visit(dtype, [&]<class T>(Type<T>) {
        using A = Wide<T>;
        using R = std::conditional_t<std::is_integral_v<T>, std::int64_t, T>;
        const T* values = reinterpret_cast<const T*>(in);
        R* products = reinterpret_cast<R*>(out);
        fold<Times, A>(
            x, [=](std::int64_t at, std::int64_t) { return convert<A>(values[at]); },
            [=](std::int64_t to, A product) { products[to] = convert<R>(product); });
    });
}

void nan_sum_along(DType dtype, const char* in, const Extents& x, char* out) {
    visit(dtype, [&]<class T>(Type<T>) {
        if constexpr (is_inexact<T> && !is_complex_type<T>) {
            const T* values = reinterpret_cast<const T*>(in);
            T* sums = reinterpret_cast<T*>(out);
            auto term = [=](std::int64_t at, std::int64_t) {
                const double value = convert<double>(values[at]);
                return value == value ? value : 0.0;
            };
            fold<Plus, double>(x, term, [=](std::int64_t to, double sum) { sums[to] = convert<T>(sum); });
        }
    });
}

void count_nonzero_along(DType dtype, const char* in, const Extents& x, std::int64_t* out) {
    visit(dtype, [&]<class T>(Type<T>) {
        const T* values = reinterpret_cast<const T*>(in);
        auto term = [=](std::int64_t at, std::int64_t) {
            return static_cast<std::int64_t>(convert<bool>(values[at]));
        };
        fold<Plus, std::int64_t>(x, term, [=](std::int64_t to, std::int64_t count) { out[to] = count; });
    });
}

void power_sum_along(DType dtype, const char* in, const Extents& x, int p, bool root, char* out) {
    visit(dtype, [&]<class T>(Type<T>) {
        if constexpr (is_inexact<T>) {
            using R = typename RealOf<T>::type;
            const T* values = reinterpret_cast<const T*>(in);
            R* sums = reinterpret_cast<R*>(out);
            auto finish = [=](std::int64_t to, double sum) {
                sums[to] = convert<R>(root ? std::sqrt(sum) : sum);
            };
            auto with = [&](auto term) {
                fold<Plus, double>(
                    x, [=](std::int64_t at, std::int64_t) { return term(values[at]); }, finish);
            };
            if (p == 0) return with([](T value) { return convert<bool>(value) ? 1.0 : 0.0; });
            if (p == 1) return with([](T value) { return magnitude(value); });
            with([](T value) { return square(value); });
        }
    });
}

void variance_along(DType dtype, const char* in, const Extents& x, const VarianceLoop& wanted) {
    visit(dtype, [&]<class T>(Type<T>) {
        if constexpr (is_inexact<T>) {
            using A = Wide<T>;
            using R = typename RealOf<T>::type;
            const T* values = reinterpret_cast<const T*>(in);
            const double count = static_cast<double>(x.length);
            const double freedom = std::max(count - wanted.correction, 0.0);
            std::vector<A> centers(static_cast<std::size_t>(x.outer * x.columns));
            A* center = centers.data();
            T* means = reinterpret_cast<T*>(wanted.mean);
            R* spreads = reinterpret_cast<R*>(wanted.spread);
            fold<Plus, A>(
                x, [=](std::int64_t at, std::int64_t) { return convert<A>(values[at]); },
                [=](std::int64_t to, A sum) {
                    center[to] = sum / count;
                    if (means) means[to] = convert<T>(center[to]);
                });
            fold<Plus, double>(
                x,
                [=](std::int64_t at, std::int64_t to) { return square(convert<A>(values[at]) - center[to]); },
                [=](std::int64_t to, double sum) {
                    const double variance = sum / freedom;
                    spreads[to] = convert<R>(wanted.root ? std::sqrt(variance) : variance);
                });
        }
    });
}

}  // namespace tapeless
